"""Distillation: the reference model labels a few photos, the embedded model learns them and is still a model that parses."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from support.striped_model import Stripes

import parsing
from parsing.image import open_image
from parsing.inference_session import open_session
from parsing.models.lite.lite import MODEL_FILE, Lite, garments_beside
from parsing.result import Parsing
from parsing.stages import OnStage
from training import augment, pseudo, train
from training.data import IGNORE, Photo, read_ids, read_photo, read_photos
from training.distill import agreement, distill
from training.embedded import load_exported
from training.export import Exported, ask_all
from training.network import GarmentNetwork, LiteNetwork, load_network
from training.targets import loss, make_batch

ROOT = Path(__file__).parents[2]
TEACHER = ROOT / "tests" / "golden" / "m2fp"


class Ticks(train.Clock):
    """A second passes whenever somebody looks, so that a busy machine takes as many steps as an idle one."""

    ticks = 0

    @property
    def elapsed(self) -> float:
        self.ticks += 1
        return float(self.ticks)


@dataclass(frozen=True)
class Run:
    """A distillation: the photos, the folder that it wrote, and the model in it."""

    photos: Path
    out: Path
    model: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Five steps of it, with two photos in which the teacher finds somebody, one in which it does not, and a text file."""
    folder = tmp_path_factory.mktemp("distillation")
    photos = folder / "photos"
    photos.mkdir()
    for photo in (ROOT / "assets" / "examples" / "astronaut.jpg", TEACHER / "input0.png", TEACHER / "input1.png"):
        shutil.copy(photo, photos)
    (photos / "text.jpg").write_text("words")
    out = folder / "out"
    options = argparse.Namespace(teacher="m2fp", weights=TEACHER, photos=[photos], extra=[], wild=[], places=[], out=out)
    vars(options).update(start=MODEL_FILE, rate=2e-3, minutes=16 / 60)
    vars(options).update(threads=torch.get_num_threads(), workers=1, pictures=12, device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "Clock", Ticks)
        model = distill(options)
    return Run(photos, out, model)


def test_the_labels_are_the_teachers(run: Run) -> None:
    labels = run.out / "labels"
    assert len(read_ids(labels)) == 2
    assert len(read_ids(labels, pseudo.LEFT_OUT)) == 1
    teacher = parsing.load("m2fp", weights=TEACHER)
    photo = read_photo(labels, next(name for name in read_ids(labels) if read_photo(labels, name).labels.shape == (226, 150)))
    answer = teacher(run.photos / "input0.png")
    known = photo.labels != IGNORE
    assert 0.5 < known.mean() < 1
    np.testing.assert_array_equal(photo.labels[known], answer.labels[known])
    np.testing.assert_array_equal(photo.people, answer.person_of)


def test_the_student_has_learnt_from_its_teacher(run: Run) -> None:
    photos = read_photos(run.out / "labels", read_ids(run.out / "labels"))
    library = augment.Library(photos, np.full(len(photos), 1 / len(photos)), [])
    rng = np.random.default_rng(0)
    batch = make_batch([augment.crop(library, rng, (128, 96)) for _ in range(8)], rng)

    def measure(network: LiteNetwork) -> float:
        with torch.inference_mode():
            return loss(network(batch.pixels), batch)["total"].item()

    before, after = (
        measure(load_exported(MODEL_FILE, [batch.pixels])),
        measure(load_network(run.out / "parts" / "checkpoint.pt")),
    )
    assert after < 0.95 * before


def test_agreement_with_oneself_is_complete() -> None:
    pixels, model = open_image(ROOT / "assets" / "examples" / "astronaut.jpg"), Lite()
    parsing = model(pixels)
    assert agreement(model, [Photo("astronaut", (pixels,), parsing.labels, parsing.person_of, {})]) == 1


def test_the_student_and_its_card_name_teacher_and_licence(run: Run) -> None:
    card = (run.out / "README.md").read_text()
    title = "Lite, distilled from M2FP ResNet-50 (official, CC BY-NC)"
    assert Lite(run.model).title == title
    for words in (title, "CC BY-NC 4.0, for non-commercial use only", "It labelled 2 photos; 1 were left out"):
        assert words in card
    assert Lite().title == "Lite (embedded)"


class Silent:
    """The reference model's name, and nothing to say."""

    name = "m2fp"
    title = "M2FP ResNet-50 (official, CC BY-NC)"

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        pytest.fail("a photo was labelled twice")


def test_what_is_labelled_stays_so_and_is_one_teachers(run: Run) -> None:
    labels, photos = run.out / "labels", sorted(run.photos.iterdir())
    before = {file: file.stat().st_mtime_ns for file in labels.glob("*/*")}
    pseudo.label_photos(Silent(), photos, labels)
    assert {file: file.stat().st_mtime_ns for file in labels.glob("*/*")} == before
    with pytest.raises(ValueError, match="from another model, M2FP ResNet-50"):
        pseudo.label_photos(Stripes(), photos, labels)


@pytest.mark.parametrize(
    ("file", "kind"),
    [(MODEL_FILE, LiteNetwork), (garments_beside(MODEL_FILE), GarmentNetwork)],
    ids=["parts", "garments"],
)
def test_an_exported_network_comes_back_as_it_was_and_can_be_trained(
    file: Path, kind: type[LiteNetwork] | type[GarmentNetwork]
) -> None:
    photo = cv2.resize(open_image(ROOT / "assets" / "examples" / "astronaut.jpg"), (256, 320))
    batch = torch.from_numpy(photo)[None]  # (1, 320, 256, 3)
    network = load_exported(file, [batch.permute(0, 3, 1, 2)], kind)
    expected = ask_all(open_session(file), batch.numpy())
    with torch.inference_mode():
        for found, wanted in zip(Exported(network)(batch), expected, strict=True):
            np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=2e-3)
        in_training = Exported(network.train())(batch)[0].numpy()
    assert (in_training.argmax(1) == expected[0].argmax(1)).mean() > 0.99


def test_a_file_that_is_another_network_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    model = onnx.load(MODEL_FILE)
    del model.graph.initializer[:40]
    onnx.save(model, other)
    with pytest.raises(ValueError, match=r"'other.onnx' is not a model of training.export"):
        load_exported(other, [])
    other.write_bytes(b"words" * 9)
    with pytest.raises(ValueError, match=r"'other.onnx' is damaged or no ONNX file"):
        load_exported(other, [])
