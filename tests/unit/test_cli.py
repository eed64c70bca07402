"""`python -m parsing`: what it writes and how it names it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.photo_folder import PHOTO, write_photos
from support.striped_model import Stripes

import parsing
from parsing.cli import parse as cli
from parsing.cli import results as cli_results
from parsing.cli.photos import PhotoFile, choose_places, find_photos
from parsing.formats.document import describe
from parsing.labels import read_classes
from parsing.render import VIEWS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Stripes:
    """Stands in for every model."""
    stripes = Stripes()
    monkeypatch.setattr(cli, "load", lambda name, **options: parsing.Parser(stripes))
    return stripes


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with photos in it."""
    monkeypatch.chdir(tmp_path)
    write_photos()
    return tmp_path


def written(folder: str = "out") -> set[str]:
    return {file.name for file in Path(folder).iterdir()}


def target_names(names: list[str], folder: Path) -> list[str]:
    return [f"{place}.png" for place in choose_places(find_photos(names, False, folder), folder, [".png"])]


@pytest.mark.usefixtures("model", "photos")
@pytest.mark.parametrize("view", VIEWS)
def test_the_picture_is_what_composite_draws(view: str, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["--parts", "Hair,face", "--opacity", "0.3", "one.png", "--view", view, "-o", "out/deep"]
    assert cli.main(arguments) == 0
    expected = parsing.composite(PHOTO, Stripes()(PHOTO), parts=["Hair", "Face"], opacity=0.3, view=view)
    picture = Image.open("out/deep/one.png")
    assert picture.format == "PNG"
    np.testing.assert_array_equal(np.asarray(picture), expected)
    assert written("out/deep") == {"one.png"}
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("model", "photos")
def test_edges_crop_and_colour_are_those_of_composite() -> None:
    arguments = ["--view", "recolor", "--grow", "-1", "--feather", "2", "--crop", "--color", "#c2185b", "one.png", "-o", "out"]
    assert cli.main(arguments) == 0
    expected = parsing.composite(PHOTO, Stripes()(PHOTO), view="recolor", grow=-1, feather=2, crop=True, color="#c2185b")
    np.testing.assert_array_equal(np.asarray(Image.open("out/one.png")), expected)


@pytest.mark.usefixtures("photos", "model")
def test_one_person_may_be_chosen_where_there_is_one(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["one.png", "-o", "out", "--person", "1"]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open("out/one.png")), parsing.composite(PHOTO, Stripes()(PHOTO), person=1))
    assert cli.main(["two.png", "-o", "out", "--person", "2"]) == 1
    assert capfd.readouterr().err == "two.png: There is no person 2; people are numbered 1 to 1.\n"


@pytest.mark.usefixtures("model", "photos")
def test_without_options_an_overlay_of_all_parts() -> None:
    assert cli.main(["one.png", "-o", "out"]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open("out/one.png")), parsing.composite(PHOTO, Stripes()(PHOTO)))


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(("part", "refused"), [("Cape", ""), ("cape", ""), ("Coat", "there are Background, Cape.")])
def test_parts_are_those_of_the_weights(
    part: str, refused: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stripes = Stripes()
    stripes.classes = read_classes(["Background", "Cape"])
    monkeypatch.setattr(cli, "load", lambda name, **options: parsing.Parser(stripes))
    arguments = ["one.png", "-o", "out", "--weights", "model", "--parts", part]
    if refused:
        with pytest.raises(SystemExit, match="2"):
            cli.main(arguments)
    else:
        assert cli.main(arguments) == 0
    assert refused in capfd.readouterr().err


@pytest.mark.usefixtures("model", "photos")
def test_parts_may_be_asked_for_in_several_options() -> None:
    assert cli.main(["one.png", "-o", "out", "--parts", "Hair, Face", "--parts", "Pants"]) == 0
    expected = parsing.composite(PHOTO, Stripes()(PHOTO), parts=["Hair", "Face", "Pants"])
    np.testing.assert_array_equal(np.asarray(Image.open("out/one.png")), expected)


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["one.png", "two.png"], ["one.png", "two.png"]),
        (["one.png", "sub/one.bmp", "other/one.tiff"], ["one.png", "one-2.png", "one-3.png"]),
        (["one.png", "ONE.gif"], ["one.png", "ONE-2.png"]),
        (["one.png", "sub/one.bmp", "one-2.png"], ["one.png", "one-2.png", "one-2-2.png"]),
        (["one.png", "./one.png"], ["one.png", "one-2.png"]),
    ],
)
def test_no_result_replaces_another(names: list[str], expected: list[str], model: Stripes) -> None:
    assert cli.main([*names, "-o", "out"]) == 0
    assert written() == set(expected)
    assert model.calls == len(names)
    assert target_names(names, Path("out")) == expected


@pytest.mark.parametrize(
    ("names", "suffixes", "expected"),
    [
        (["x.jpg", "x.labels.jpg"], [".png", ".labels.png"], ["x", "x.labels-2"]),
        (["x.LABELS.jpg", "x.jpg"], [".png", ".labels.png"], ["x.LABELS", "x-2"]),
        (["x.jpg", "x.parsing.jpg"], [".json", ".parsing.json"], ["x", "x.parsing-2"]),
        (["x.jpg", "x.labels.jpg"], [".png", ".json"], ["x", "x.labels"]),
    ],
)
def test_no_result_replaces_one_of_another_format(names: list[str], suffixes: list[str], expected: list[str]) -> None:
    photos = [PhotoFile(name, Path(name).stem) for name in names]
    assert list(choose_places(photos, Path("out"), suffixes)) == expected


@pytest.mark.usefixtures("model", "photos")
def test_a_photo_may_have_as_long_a_name_as_the_disk_takes() -> None:
    name = "图" * 83 + ".png"  # 253 of 255 bytes
    Path(name).write_bytes(Path("one.png").read_bytes())
    assert cli.main([name, "-o", "out"]) == 0
    assert written() == {name}


@pytest.mark.usefixtures("model", "photos")
@pytest.mark.parametrize(
    ("names", "folder", "expected"),
    [
        (["two.png"], ".", ["two-2.png"]),
        (["two.png"], "sub/..", ["two-2.png"]),
        (["one.png", "one-2.png"], ".", ["one-3.png", "one-2-2.png"]),
        (["sub/one.bmp"], "sub", ["one.png"]),
        (["links/photo.png"], "links", ["photo-2.png"]),
        (["two.png", "one.png"], "links", ["two.png", "one.png"]),
    ],
)
def test_no_result_replaces_a_photo(names: list[str], folder: str, expected: list[str]) -> None:
    Path("links").mkdir()
    Path("links/photo.png").symlink_to("../two.png")
    before = {name: Path(name).read_bytes() for name in names}
    assert target_names(names, Path(folder)) == expected
    assert cli.main([*names, "-o", folder]) == 0
    assert {name: Path(name).read_bytes() for name in names} == before
    assert set(expected) <= written(folder)


@pytest.mark.usefixtures("photos")
def test_a_place_without_a_number_takes_no_memory_of_its_own() -> None:
    photos = find_photos(["one.png", "two.png"], False, Path("out"))
    places = list(choose_places(photos, Path("out"), [".png", ".json"]))
    assert all(place is photo.place for place, photo in zip(places, photos, strict=True))


@pytest.mark.usefixtures("model", "photos")
def test_an_earlier_result_is_replaced() -> None:
    assert cli.main(["one.png", "-o", "out", "--opacity", "0"]) == 0
    assert cli.main(["one.png", "-o", "out", "--opacity", "1"]) == 0
    assert written() == {"one.png"}
    np.testing.assert_array_equal(np.asarray(Image.open("out/one.png")), parsing.composite(PHOTO, Stripes()(PHOTO), opacity=1))


@pytest.mark.usefixtures("model", "photos")
def test_a_bad_file_is_reported_and_the_others_go_on(capfd: pytest.CaptureFixture[str]) -> None:
    Path("out/two.png").mkdir(parents=True)
    assert cli.main(["text.jpg", "one.png", "cut.png", "two.png", "sub/one.bmp", "-o", "out"]) == 1
    assert written() == {"one.png", "one-2.png", "two.png"}
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["text.jpg", "cut.png", "two.png"]
    assert lines[0].endswith("This is not an image; use JPEG, PNG, WebP, BMP, TIFF or GIF.")
    assert lines[1].endswith("The picture is damaged or cut short; save or download it again.")
    assert lines[2].endswith("The file 'two.png' cannot be written: Is a directory.")


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("named", "options", "expected"),
    [
        (["sub"], [], {"one.png"}),
        (["one*.png"], [], {"one.png", "one-2.png"}),
        (["many"], [], {"a.png", "b.png"}),
        (["many"], ["--recursive"], {"a.png", "b.png", "deep/a.png"}),
        (["many", "sub"], [], {"a.png", "b.png", "one.png"}),
        (["many/*.png"], [], {"a.png"}),
        (["many/**/a.*"], ["--recursive"], {"a.png", "a-2.png"}),
    ],
)
def test_folders_and_patterns(named: list[str], options: list[str], expected: set[str], model: Stripes) -> None:
    for name in ("many/a.png", "many/b.JPG", "many/.hidden.png", "many/deep/a.webp", "many/out/result.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PHOTO).save(name)
    Path("many/notes.txt").write_text("no photo")
    output = Path("many/out")
    assert cli.main([*named, "-o", str(output), *options]) == 0
    assert {str(file.relative_to(output)) for file in output.rglob("*.png")} == {*expected, "result.png"}
    assert model.calls == len(expected)


@pytest.mark.usefixtures("model", "photos")
def test_what_is_asked_for_is_written() -> None:
    asked = ["--json", "--masks", "--labels", "--picture", "--palette", "lip"]
    assert cli.main(["one.png", "-o", "out", *asked]) == 0
    result = Stripes()(PHOTO)
    assert written() == {"one.png", "one.parsing.json", "one.zip", "one.labels.png"}
    assert json.loads(Path("out/one.parsing.json").read_text())["people"] == describe(result)["people"]
    assert "person-1-Hair.png" in zipfile.ZipFile("out/one.zip").namelist()
    np.testing.assert_array_equal(np.asarray(Image.open("out/one.labels.png")), result.labels)


@pytest.mark.usefixtures("model")
def test_the_time_of_opening_is_that_of_the_file(monkeypatch: pytest.MonkeyPatch, photos: Path) -> None:
    monkeypatch.setattr(cli_results, "open_photo", lambda path: parsing.Photo(parsing.open_image(path), 1234.5))
    assert cli.main(["one.png", "--json", "-o", "out"]) == 0
    assert json.loads(Path("out/one.parsing.json").read_text())["timings"]["open"] == 1234.5


def test_resume_leaves_out_what_is_all_there(photos: Path, model: Stripes) -> None:
    arguments = ["one.png", "two.png", "-o", "out", "--json", "--labels"]
    assert cli.main(arguments) == 0
    Path("out/two.labels.png").unlink()
    assert cli.main([*arguments, "--resume"]) == 0
    assert model.calls == 3
    assert cli.main([*arguments, "--resume"]) == 0
    assert model.calls == 3
    assert written() == {"one.parsing.json", "one.labels.png", "two.parsing.json", "two.labels.png"}


@pytest.mark.parametrize(("source", "status"), [("one.png", 0), ("text.jpg", 1)])
def test_from_standard_input_to_standard_output(photos: Path, source: str, status: int) -> None:
    command = [sys.executable, "-m", "parsing", "-", "-o", "-", "--model", "lite", "--json"]
    ended = subprocess.run(command, cwd=ROOT, input=(photos / source).read_bytes(), capture_output=True)
    assert ended.returncode == status
    if status:
        assert (ended.stdout, len(ended.stderr.splitlines())) == (b"", 1)
    else:
        assert (json.loads(ended.stdout)["size"], ended.stderr) == ({"width": 36, "height": 48}, b"")


@pytest.mark.usefixtures("model")
def test_standard_input_into_a_folder(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (photos / "one.png").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert cli.main(["-", "-o", "out"]) == 0
    assert written() == {"stdin.png"}


@pytest.mark.usefixtures("photos")
def test_ctrl_c_ends_quietly(model: Stripes, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def interrupt(content: bytes, path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_results, "write_file", interrupt)
    assert cli.main([*["one.png", "two.png"] * 5, "-o", "out"]) == cli.INTERRUPTED
    assert model.calls <= 4  # of ten; some are parsed ahead
    assert written() == set()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["--picture", "--json"])
def test_whoever_stops_reading_ends_it_quietly(kind: str, photos: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "parsing", "one.png", "-o", "-", "--model", "lite", kind]
    ended = subprocess.run(command, cwd=photos, env=environment, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (cli.UNREAD, b"")


@pytest.mark.skipif(os.name != "posix", reason="asks a shell")
@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_standard_error_may_be_closed(closed: str, photos: Path) -> None:
    command = ["sh", "-c", f'exec "$0" -m parsing one.png text.jpg -o out --model lite {closed}', sys.executable]
    ended = subprocess.run(command, cwd=photos, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)
    assert (ended.returncode, ended.stdout, written()) == (1, b"", {"one.png"})


class Terminal(io.StringIO):
    """Standard error with somebody looking at it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("model", "photos")
@pytest.mark.parametrize(("names", "shown"), [(["one.png"], False), (["one.png", "two.png"], True)])
def test_several_photos_have_a_progress_bar_at_a_terminal(
    names: list[str], shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert cli.main([*names, "-o", "out"]) == 0
    assert ("0/2" in terminal.getvalue()) == shown
