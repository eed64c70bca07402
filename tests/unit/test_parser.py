"""`load` and `Parser` with a model that needs no weights; and that `import parsing` stays light."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.pictures import encode
from support.striped_model import Stripes

import parsing
from parsing.models import NAMES
from parsing.stages import OnStage, Stage

ROOT = Path(__file__).parents[2]
PHOTO = np.random.default_rng(2).integers(1, 256, (40, 30, 3), dtype=np.uint8)


png = partial(encode, format="PNG")


def test_a_photo_comes_as_path_bytes_pillow_or_array(tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    file.write_bytes(png(PHOTO))
    parser = parsing.Parser(Stripes())
    for source in (file, str(file), png(PHOTO), Image.fromarray(PHOTO), PHOTO):
        np.testing.assert_array_equal(parser(source).labels, Stripes()(PHOTO).labels)


def test_the_label_map_belongs_to_the_upright_photo() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert parsing.Parser(Stripes())(png(PHOTO, exif=exif)).size == (30, 40)


def test_opening_is_the_first_of_the_timings() -> None:
    timings = parsing.Parser(Stripes())(PHOTO).timings
    assert list(timings) == ["open", "prepare", "network", "decode"]
    assert all(isinstance(milliseconds, float) and milliseconds >= 0 for milliseconds in timings.values())


def test_an_opened_photo_is_not_opened_again() -> None:
    parser, told = parsing.Parser(Stripes()), []
    photo = parsing.open_photo(png(PHOTO))
    assert photo.milliseconds > 0
    timings = parser(photo, told.append).timings
    assert timings["open"] == photo.milliseconds
    assert "open" not in [stage.name for stage in told]
    (outcome,) = parser.map([photo])
    assert outcome.photo is photo
    assert parsing.open_photo(photo) is photo


def test_opening_is_told_once() -> None:
    told: list[Stage] = []
    parsing.Parser(Stripes())(png(PHOTO), told.append)
    assert [stage.name for stage in told].count("open") == 1


def test_a_parser_is_called_what_its_model_is() -> None:
    parser = parsing.Parser(Stripes())
    assert (parser.name, parser.title, parser(PHOTO).model) == ("stripes", "Stripes", "stripes")


def test_a_broken_photo_never_reaches_the_model() -> None:
    model = Stripes()
    with pytest.raises(parsing.ImageError, match="not an image"):
        parsing.Parser(model)(b"words")
    assert model.calls == 0


class Alone(Stripes):
    """Notices when two threads are inside at once."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = threading.Lock()

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> parsing.Parsing:
        assert self.inside.acquire(blocking=False), "two photos at once"
        time.sleep(0.002)
        try:
            return super().__call__(image, on_stage)
        finally:
            self.inside.release()


def test_threads_take_turns_and_each_gets_its_own_result() -> None:
    model = Alone()
    parser = parsing.Parser(model)
    photos = [PHOTO[: 10 + index] for index in range(24)]
    with ThreadPoolExecutor(8) as threads:
        sizes = [result.size for result in threads.map(parser, photos)]
    assert sizes == [photo.shape[:2] for photo in photos]
    assert model.calls == len(photos)


def test_a_model_that_fails_does_not_block_the_next_photo() -> None:
    model = Alone()
    parser = parsing.Parser(model)
    with model.inside, pytest.raises(AssertionError, match="two photos"):
        parser(PHOTO)
    assert parser(PHOTO).size == (40, 30)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that has no weights."""
    monkeypatch.delenv("PARSING_WEIGHTS", raising=False)
    monkeypatch.setenv("PARSING_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("name", ["lite", "auto"])
def test_the_embedded_model_is_always_there(name: str) -> None:
    parser = parsing.load(name)
    assert parser.name == "lite"
    assert parser(PHOTO).size == (40, 30)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("name", "weights", "error", "sentence"),
    [
        ("yolo", None, ValueError, f"There is no model 'yolo'; there are {', '.join(NAMES)}."),
        ("", None, ValueError, "There is no model ''"),
        ("lite", "folder", ValueError, "lite has its weights inside"),
        ("m2fp", "secret/absent", OSError, "The weights folder 'absent' needs"),
        ("m2fp-single", "secret/absent", OSError, "The weights folder 'absent' needs"),
        ("auto", "secret/absent", OSError, "The weights folder 'absent' needs"),
    ],
)
def test_what_cannot_be_loaded_gets_a_sentence(name: str, weights: str | None, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence) as refusal:
        parsing.load(name, weights=weights)
    assert "secret" not in str(refusal.value)


def test_several_photos_come_back_in_order_and_a_bad_one_does_not_stop_them() -> None:
    parser = parsing.Parser(Stripes())
    images = [PHOTO, b"no photo", PHOTO[:20], PHOTO[:, :20], PHOTO[:10]]
    outcomes = list(parser.map(image for image in images))
    assert [outcome.source for outcome in outcomes] == images
    assert [outcome.error is None for outcome in outcomes] == [True, False, True, True, True]
    for outcome in outcomes:
        if outcome.error is None:
            assert (outcome.photo.pixels == outcome.source).all()
            assert (outcome.parsing.labels == parser(outcome.source).labels).all()
    assert list(parser.map([])) == []


def test_several_photos_are_taken_as_they_are_needed() -> None:
    taken = []
    outcomes = parsing.Parser(Stripes()).map(taken.append(number) or PHOTO for number in range(100))
    next(outcomes)
    outcomes.close()
    assert len(taken) <= 4


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("lite", {"precision": "bf16"}, "takes no precision="),
        ("lite", {"size": "fast"}, "takes no size="),
        ("m2fp", {"precision": "int4"}, "There is no precision 'int4'; there are auto, fp32, bf16."),
        ("m2fp", {"size": "huge"}, "There is no size 'huge'; there are official, balanced, fast."),
        ("m2fp-single", {"size": "fast"}, "one size of input"),
        ("modelscope", {"precision": "bf16"}, "one precision and one size"),
        ("modelscope", {"size": "fast"}, "one precision and one size"),
    ],
)
def test_options_that_do_not_exist_get_a_sentence(name: str, options: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parsing.load(name, **options)


def test_importing_the_package_is_light() -> None:
    code = "import sys, parsing; print({'torch', 'gradio', 'onnxruntime', 'modelscope', 'tqdm'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed == "set()\n"


def test_every_public_name_exists() -> None:
    assert all(hasattr(parsing, name) for name in parsing.__all__)
    assert {"PARTS", "Palette", "Parser", "Parsing", "Segment", "composite", "load", "open_image"} <= set(parsing.__all__)
