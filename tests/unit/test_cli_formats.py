"""`python -m parsing --format ...`: one file for all photos, interruptions, names that mean mischief."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from PIL import Image
from support.crowd_model import PHOTO, Crowd

import parsing
from parsing.cli import parse as cli
from parsing.cli import results as cli_results
from parsing.formats.sample import Sample
from parsing.formats.table import FORMATS

HOSTILE = ("two\nlines.png", "😀 smile.png", "-o.png", "a..png", "a%2e%2e\t'\".png", "annotations.png")


class Model(Crowd):
    """Counts its calls."""

    calls = 0

    def __call__(self, *arguments: Any) -> parsing.Parsing:
        Model.calls += 1
        return super().__call__(*arguments)


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder, with `photos/` in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "load", lambda name, **options: parsing.Parser(Model()))
    Model.calls = 0
    for name in ("a.png", "b.png", "deep/a.png"):
        Path("photos", name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PHOTO).save(Path("photos", name))


def written(folder: str = "out") -> set[str]:
    return {file.relative_to(folder).as_posix() for file in Path(folder).rglob("*") if file.is_file()}


def addresses(tasks: list[dict[str, Any]]) -> list[str]:
    return [unquote(task["data"]["image"]) for task in tasks]


def file_names(path: str = "out/annotations.coco.json") -> list[str]:
    return [photo["file_name"] for photo in json.loads(Path(path).read_bytes())["images"]]


def test_a_data_set_has_all_photos_in_one_file() -> None:
    assert cli.main(["photos", "-o", "out", "--recursive", "--format", "coco", "--format", "label-studio"]) == 0
    assert written() == {"annotations.coco.json", "annotations.label-studio.json"}
    assert file_names() == ["a.png", "b.png", "deep/a.png"]
    tasks = json.loads(Path("out/annotations.label-studio.json").read_bytes())
    assert addresses(tasks) == [f"/data/local-files/?d=photos/{name}" for name in ("a.png", "b.png", "deep/a.png")]


def test_files_beside_a_data_set() -> None:
    assert cli.main(["photos", "-o", "out", "--recursive", "--format", "labelme", "--format", "coco", "--masks", "--json"]) == 0
    assert written() == {"annotations.coco.json"} | {
        f"{stem}{end}" for stem in ("a", "b", "deep/a") for end in (".json", ".parsing.json", ".zip")
    }
    linked = json.loads(Path("out/deep/a.json").read_bytes())["imagePath"]
    assert Path("out/deep", linked).resolve() == Path("photos/deep/a.png").resolve()


@pytest.mark.parametrize("name", FORMATS)
def test_one_photo_to_standard_output(name: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["photos/a.png", "-o", "-", "--format", name]) == 0
    content = capfdbinary.readouterr().out
    assert json.loads(content) if name in ("coco", "label-studio", "labelme", "json") else content


def test_only_some_parts() -> None:
    assert cli.main(["photos/a.png", "-o", "out", "--format", "coco", "--parts", "Hair"]) == 0
    annotations = json.loads(Path("out/annotations.coco.json").read_bytes())["annotations"]
    assert {entry["category_id"] for entry in annotations} == {2, 20}


def test_resume_goes_on_where_it_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["photos", "-o", "out", "--recursive", "--format", "coco"]
    with monkeypatch.context() as patch:
        patch.setattr(cli_results, "explain", interrupt)
        Path("photos/c.png").write_text("no picture")
        assert cli.main(arguments) == cli.INTERRUPTED
    assert written() == {".annotations.coco.json.lines"}
    done = Path("out/.annotations.coco.json.lines").read_bytes().count(b"\n")
    with Path("out/.annotations.coco.json.lines").open("ab") as lines:
        lines.write(b'"deep/a.png"\t{"ima')  # the power was cut
    Path("photos/c.png").unlink()
    Model.calls = 0
    assert cli.main([*arguments, "--resume"]) == 0
    assert Model.calls == 3 - done
    assert sorted(file_names()) == ["a.png", "b.png", "deep/a.png"]
    assert written() == {"annotations.coco.json"}
    assert cli.main([*arguments, "--resume"]) == 0
    assert Model.calls == 3 - done


def interrupt(error: Exception) -> str:
    raise KeyboardInterrupt


def test_a_line_that_the_disk_takes_half_of_is_no_line(capfd: pytest.CaptureFixture[str]) -> None:
    line = FORMATS["coco"].encode(Sample(PHOTO, Crowd()(PHOTO)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(line) * 3 // 2, before[1]))
    try:
        with pytest.raises(SystemExit):
            cli.main(["photos", "-o", "out", "--format", "coco"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert capfd.readouterr().err == "The file 'annotations.coco.json' cannot be written: No space left on device.\n"
    assert cli.main(["photos", "-o", "out", "--format", "coco", "--resume"]) == 0
    assert file_names() == ["a.png", "b.png"]


def test_a_photo_that_cannot_be_read_is_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    Path("photos/bad.jpg").write_text("no picture")
    assert cli.main(["photos", "-o", "out", "--format", "coco"]) == 1
    assert file_names() == ["a.png", "b.png"]
    assert capfd.readouterr().err == "photos/bad.jpg: This is not an image; use JPEG, PNG, WebP, BMP, TIFF or GIF.\n"


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_names_stay_inside_the_folder(name: str) -> None:
    for file in HOSTILE:
        Image.fromarray(PHOTO).save(Path("photos", file))
    before = {path for path in Path().rglob("*") if path.is_file()}
    assert cli.main(["photos/deep/../../photos", "-o", "out", "--format", name]) == 0
    new = {path for path in Path().rglob("*") if path.is_file()} - before
    assert new
    assert all(path.parent == Path("out") for path in new)
    if name in ("coco", "label-studio"):
        content = json.loads(next(iter(new)).read_bytes())
        named = [photo["file_name"] for photo in content["images"]] if name == "coco" else addresses(content)
        assert {text.removeprefix("/data/local-files/?d=photos/") for text in named} == {"a.png", "b.png", *HOSTILE}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["photos/a.png", "-o", "out", "--format", "voc"], "invalid choice: 'voc'"),
        (["photos/a.png", "photos/deep/a.png", "-o", "out", "--format", "coco"], "Two photos have the same name"),
        (["photos/a.png", "-o", "-", "--format", "coco", "--json"], "Standard output takes one result"),
        (
            ["photos/a.png", "-o", "taken", "--format", "coco"],
            "The file 'annotations.coco.json' cannot be written: Is a dir",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("taken/.annotations.coco.json.lines").mkdir(parents=True)
    with pytest.raises(SystemExit) as ending:
        cli.main(arguments)
    assert ending.value.code == 2
    output = capfd.readouterr()
    assert said in output.err
    assert len(output.err.splitlines()) == 1
    assert not os.path.exists("out") or written() == set()
