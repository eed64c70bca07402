"""M2FP as one ONNX file: what ONNX Runtime makes of it, what is refused, and that nothing is kept which is not right."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from support.refusals import assert_refused
from torch import Tensor

import parsing
from parsing.cli import parse as cli
from parsing.models.lite.lite import MODEL_FILE
from parsing.models.m2fp.m2fp import M2FP
from parsing.models.m2fp.network.worker import compute
from parsing.models.m2fp.onnx import OnnxNetwork
from parsing.models.m2fp.onnx_export import ExportError, verify
from parsing.models.m2fp.weights import CHECKPOINT, CONFIGURATION, WeightsError

FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model folder as one file."""
    file = tmp_path_factory.mktemp("exported") / "m2fp.onnx"
    assert cli.main(["export", "--weights", str(FOLDER), "-o", str(file)]) == 0
    assert [neighbour.name for neighbour in file.parent.iterdir()] == ["m2fp.onnx"]
    return file


@pytest.mark.parametrize("index", [0, 1])
def test_the_picture_is_modelscopes(exported: Path, index: int) -> None:
    golden = np.load(FOLDER / f"expected{index}.npz")
    result = parsing.load("m2fp-onnx", weights=exported)(FOLDER / f"input{index}.png")
    assert (result.labels == golden["label_map"]).mean() >= 0.9995
    assert [segment.label for segment in result.parts + result.people] == golden["instance_labels"].tolist()
    assert result.model == "m2fp-onnx"
    assert list(result.timings) == ["open", "prepare", "network", "decode"]


@pytest.mark.parametrize("size", [(32, 32), (64, 224), (256, 160)])
def test_any_height_and_width(exported: Path, small_model: M2FP, size: tuple[int, int]) -> None:
    picture = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(1))
    classes, masks = compute(OnnxNetwork(exported), picture)
    expected_classes, expected_masks = compute(small_model.network, picture)
    torch.testing.assert_close(classes, expected_classes, rtol=0, atol=1e-2)
    torch.testing.assert_close(masks, expected_masks, rtol=0, atol=1e-2)


def test_the_size_of_the_input_can_be_chosen(exported: Path) -> None:
    photo = np.asarray(Image.open(FOLDER / "input0.png").convert("RGB"))
    model = parsing.load("m2fp-onnx", weights=exported, precision="fp32", size="fast")
    assert (model(photo).labels == parsing.load("m2fp", weights=FOLDER, size="fast")(photo).labels).mean() >= 0.9995
    assert model.title == "M2FP ResNet-50, ONNX Runtime, fast (official, CC BY-NC)"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "needs weights=, the file that 'python -m parsing export' wrote"),
        ({"precision": "bf16"}, "computes in fp32"),
        ({"size": "huge"}, "There is no size 'huge'"),
    ],
)
def test_options_that_do_not_exist_get_a_sentence(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parsing.load("m2fp-onnx", **options)


def rewritten(exported: Path, file: Path, properties: dict[str, str]) -> None:
    """A copy of the file with other metadata."""
    model = onnx.load(exported)
    onnx.helper.set_model_props(model, properties)
    onnx.save(model, file)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda _, file: None, "There is no file 'wrong.onnx'"),
        (lambda _, file: file.mkdir(), "There is no file 'wrong.onnx'"),
        (lambda exported, file: file.write_bytes(exported.read_bytes()[:100_000]), "'wrong.onnx' is damaged or no ONNX file"),
        (lambda _, file: file.write_text("words"), "'wrong.onnx' is damaged or no ONNX file"),
        (lambda _, file: shutil.copy(MODEL_FILE, file), "'wrong.onnx' holds another model"),
        (lambda exported, file: rewritten(exported, file, {}), "'wrong.onnx' holds another model"),
        (lambda exported, file: rewritten(exported, file, {CONFIGURATION: "{"}), "cannot be read"),
        (
            lambda exported, file: rewritten(exported, file, {CONFIGURATION: json.dumps({"model": {"num_parsing": 40}})}),
            "40 classes",
        ),
        (
            lambda exported, file: rewritten(exported, file, {CONFIGURATION: json.dumps({"model": {"num_parsing": 12}})}),
            "num_parsing is 12, but",
        ),
        (lambda exported, file: rewritten(exported, file, {CONFIGURATION: json.dumps({"model": {}})}), "another network"),
    ],
    ids=[
        "missing",
        "folder",
        "cut off",
        "text",
        "another model",
        "no configuration",
        "bad JSON",
        "classes",
        "too few classes",
        "another network",
    ],
)
def test_a_file_that_is_no_such_export_is_refused(
    exported: Path, tmp_path: Path, spoil: Callable[[Path, Path], object], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.onnx"
    spoil(exported, file)
    with pytest.raises(WeightsError, match=sentence) as refusal:
        parsing.load("m2fp-onnx", weights=file)
    assert str(tmp_path) not in str(refusal.value)
    assert capfd.readouterr() == ("", "")


def test_a_file_that_differs_is_not_kept(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The graph is one of other weights than the folder's; what was there before stays."""
    folder = Path(shutil.copytree(FOLDER, tmp_path / "model"))
    checkpoint = torch.load(folder / CHECKPOINT, weights_only=True)
    checkpoint["model"]["sem_seg_head.predictor.class_embed.bias"] += 0.1
    torch.save(checkpoint, folder / CHECKPOINT)
    monkeypatch.setattr("parsing.models.m2fp.network.onnx_graph.write_onnx", lambda network, file: shutil.copy(exported, file))
    target = tmp_path / "out" / "m2fp.onnx"
    target.parent.mkdir()
    target.write_text("earlier")
    assert_refused(["export", "--weights", str(folder), "-o", str(target)], "differs from PyTorch's at 96x128: by 0.1", capfd)
    assert [file.name for file in target.parent.iterdir()] == ["m2fp.onnx"]
    assert target.read_text() == "earlier"


@pytest.mark.parametrize(
    ("classes", "masks"),
    [(lambda x: x + 0.02, lambda x: x), (lambda x: x, lambda x: x + 0.02), (lambda x: x, lambda x: -x), (torch.log, torch.log)],
)
def test_verification_looks_at_classes_and_masks(
    classes: Callable[[Tensor], Tensor], masks: Callable[[Tensor], Tensor]
) -> None:
    def right(picture: Tensor) -> tuple[Tensor, Tensor]:
        return picture[:, 0].clone(), picture[:, :, ::4, ::4].clone()

    def wrong(picture: Tensor) -> tuple[Tensor, Tensor]:
        logits = right(picture)
        return classes(logits[0]), masks(logits[1])

    verify(right, right)
    with pytest.raises(ExportError, match="the file was not kept"):
        verify(right, wrong)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "-o"),
        (["--weights", "absent", "-o", "m2fp.onnx"], "The weights folder 'absent' needs"),
        (["-o", "m2fp.onnx"], "There are no weights to export"),
        (["--weights", str(FOLDER), "-o", "absent/m2fp.onnx"], "'m2fp.onnx' cannot be written: No such file or directory."),
        (["--weights", str(FOLDER), "-o", "folder"], "'folder' cannot be written: it is a folder."),
        (["--weights", str(FOLDER), "-o", "m2fp.onnx", "photo.jpg"], "photo.jpg"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PARSING_WEIGHTS", raising=False)
    monkeypatch.setenv("PARSING_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    assert_refused(["export", *arguments], said, capfd)
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_without_onnx_the_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert_refused(["export", "--weights", str(FOLDER), "-o", str(tmp_path / "m2fp.onnx")], "pip install '.[export]'", capfd)
