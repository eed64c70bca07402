"""`python -m parsing compare`: its table, its picture, and the line that it says when something is wrong."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.striped_model import Stripes

import parsing
from parsing.cli import compare as comparing
from parsing.cli import parse as cli
from parsing.cli.compare import compare, count_same
from parsing.result import Segment
from parsing.stages import OnStage

PHOTO = np.random.default_rng(6).integers(1, 256, (40, 50, 3), dtype=np.uint8)


class Disagreeing(Stripes):
    """Sees a hat in the upper left corner, 20 of 2,000 pixels."""

    peak = 123.4

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> parsing.Parsing:
        result = super().__call__(image)
        result.labels[:4, :5] = 1
        return replace(result, timings={"network": 2500.0})


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with two photos and two models that take no weights."""
    models = {"m2fp": Stripes(), "modelscope": Disagreeing()}
    monkeypatch.setattr(comparing, "load", lambda name, weights: parsing.Parser(models[name]))
    monkeypatch.chdir(tmp_path)
    for name in ("one.png", "two.png"):
        Image.fromarray(PHOTO).save(name)
    Path("text.jpg").write_text("words")
    Path("full/one.png").mkdir(parents=True)
    return tmp_path


def test_the_table_has_a_line_for_each_photo_and_one_for_all(photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", "one.png", "two.png"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [re.split(r"\s{2,}", line)[0] for line in lines] == ["photo", "one.png", "two.png", "all together"]
    for line, seconds in ((lines[1], ("0.01 s", "2.50 s")), (lines[3], ("0.01 s", "5.00 s"))):
        assert "99.000%" in line
        assert all(text in line for text in seconds)
        assert line.endswith(" 123 MB")
    assert "1 of 1" in lines[1]
    assert "2 of 2" in lines[3]
    assert {file.name for file in photos.iterdir()} == {"one.png", "two.png", "text.jpg", "full"}


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no name holds such letters")
def test_a_name_is_one_line_and_commands_no_terminal(photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("one.png").rename("\x1b[2J\n.png")
    assert cli.main(["compare", "\x1b[2J\n.png"]) == 0
    assert capfd.readouterr().out.splitlines()[1].startswith("?[2J?.png ")


def test_the_picture_shows_both_and_where_they_differ(photos: Path) -> None:
    assert cli.main(["compare", "one.png", "-o", "out/deep"]) == 0
    picture = np.asarray(Image.open("out/deep/one.png"))
    left, middle, right = np.split(picture, 3, axis=1)
    np.testing.assert_array_equal(left, parsing.composite(PHOTO, Stripes()(PHOTO)))
    np.testing.assert_array_equal(middle, parsing.composite(PHOTO, Disagreeing()(PHOTO)))
    assert (right[:4, :5] == (255, 0, 0)).all()
    np.testing.assert_array_equal(right[4:], PHOTO[4:] // 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "PHOTO"),
        (["absent.png"], "absent.png"),
        (["text.jpg"], "text.jpg: "),
        (["one.png", "--size", "fast"], "--size"),
        (["one.png", "-o", "one.png"], "The folder 'one.png' cannot be made: File exists."),
        (["one.png", "-o", "full"], "The file 'one.png' cannot be written: Is a directory."),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], said: str, photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        cli.main(["compare", *arguments])
    assert ending.value.code == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert said in line


def test_without_the_engine_the_line_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "one.png")
    monkeypatch.setenv("PARSING_REFERENCE", str(tmp_path / "absent"))
    with pytest.raises(SystemExit) as ending:
        cli.main(["compare", str(tmp_path / "one.png")])
    assert ending.value.code == 2
    output = capfd.readouterr()
    assert (output.out, len(output.err.splitlines())) == ("", 1)
    assert "run 'make reference'" in output.err


def strip(first: int, last: int, label: int = 2, score: float = 0.8) -> Segment:
    """A segment of some columns of 300, ten rows high."""
    mask = np.zeros((10, 300), bool)
    mask[:, first:last] = True
    return Segment.from_mask(mask, label, score)


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ([strip(0, 200), strip(50, 60, 13)], [strip(50, 60, 13), strip(0, 200)], 2),  # in any order
        ([strip(0, 200)], [strip(0, 200), strip(0, 200)], 1),  # each counts once
        ([strip(0, 200)], [strip(1, 200, score=0.805)], 1),  # 199 of 200 pixels
        ([strip(0, 200)], [strip(0, 197)], 0),  # 197 of 200
        ([strip(0, 200)], [strip(2, 202)], 0),  # as large, but beside it
        ([strip(0, 200)], [strip(0, 200, label=3)], 0),
        ([strip(0, 200)], [strip(0, 200, score=0.82)], 0),
        ([strip(0, 0)], [strip(0, 0)], 1),
        ([], [strip(0, 200)], 0),
    ],
)
def test_instances_are_the_same_where_class_mask_and_score_are(ours: list[Segment], theirs: list[Segment], same: int) -> None:
    assert count_same(ours, theirs) == count_same(theirs, ours) == same


def test_opening_the_photo_is_nobodys_time() -> None:
    result = Stripes()(PHOTO)
    found = compare(replace(result, timings={"open": 9000.0, "network": 500.0}), result)
    assert found.seconds == (0.5, 0.006)
    assert (found.pixels, found.same_pixels, found.instances, found.same_instances) == (2000, 2000, 1, 1)
