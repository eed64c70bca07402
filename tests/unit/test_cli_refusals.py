"""`python -m parsing` when something is wrong: one line that says what, and nothing else, of libraries neither."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.photo_folder import PHOTO, write_photos
from support.refusals import assert_refused

import parsing
from parsing.cli import parse as cli

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_photos()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "out"], "PHOTO"),
        (["one.png"], "-o"),
        (["one.png", "-o", "out", "--colour", "red"], "--colour"),
        (["one.png", "-o", "out", "--no\nsuch"], "--no?such"),
        (["one.png", "-o", "out", "--parts", "Hair,Nose"], "There is no part 'Nose'; there are Background, Hat, Hair,"),
        (["one.png", "-o", "out", "--parts", ""], "There is no part ''"),
        (["one.png", "-o", "out", "--person", "0"], "people are numbered from 1, but this is '0'"),
        (["one.png", "-o", "out", "--opacity", "1.5"], "opacity lies between 0 and 1, but this is '1.5'"),
        (["one.png", "-o", "out", "--opacity", "nan"], "opacity lies between 0 and 1"),
        (["one.png", "-o", "out", "--opacity", "half"], "opacity lies between 0 and 1"),
        (["one.png", "-o", "out", "--grow", "65"], "pixels lie between -64 and 64, but this is '65'"),
        (["one.png", "-o", "out", "--feather", "-1"], "pixels lie between 0 and 64, but this is '-1'"),
        (["one.png", "-o", "out", "--color", "red"], "a colour is written as #rrggbb, such as #c2185b, but this is 'red'"),
        (["one.png", "-o", "out", "--view", "rainbow"], "'rainbow'"),
        (["one.png", "-o", "out", "--palette", "rainbow"], "'rainbow'"),
        (["one.png", "-o", "out", "--model", "yolo"], "'yolo'"),
        (["one.png", "absent.jpg", "-o", "out"], "There is no file 'absent.jpg'."),
        (["empty", "-o", "out"], "There is no photo in the folder 'empty'; --recursive looks"),
        (["empty", "-o", "out", "--recursive"], "There is no photo in the folder 'empty'."),
        (["*.webp", "-o", "out"], "No file fits '*.webp'."),
        (["sub", "-o", "sub"], "The results would lie among the photos of 'sub'"),
        (["one.png", "two.png", "-o", "-"], "Standard output takes one result of one photo"),
        (["one.png", "-o", "-", "--json", "--masks"], "Standard output takes one result of one photo"),
        (["two\n.png", "-o", "out"], "There is no file"),
        (["one.png", "-o", "text.jpg"], "The folder 'text.jpg' cannot be made"),
        (["one.png", "-o", "text.jpg/out"], "The folder 'out' cannot be made"),
    ],
)
def test_a_mistake_is_one_line_before_any_model_is_loaded(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "load", lambda name, **options: pytest.fail("a model was loaded"))
    assert_refused(arguments, said, capfd)
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("stream", "arguments", "said"),
    [
        ("stdin", ["-", "-o", "out"], "Standard input is closed; give a file."),
        ("stdout", ["one.png", "-o", "-"], "Standard output is closed; give something else with -o."),
        ("stdout", ["clip.mp4", "-o", "-", "--json"], "Standard output is closed; give something else with -o."),
    ],
)
def test_a_stream_that_is_closed(
    stream: str, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, stream, None)
    assert_refused(arguments, said, capfd)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "m2fp", "--weights", "absent"], "The weights folder 'absent' needs"),
        (["--weights", "absent"], "The weights folder 'absent' needs"),
        (["--model", "lite", "--weights", "absent"], "lite has its weights inside"),
    ],
)
def test_weights_that_are_not_there(arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_refused(["one.png", "-o", "out", *arguments], said, capfd)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "The memory is not enough"),
        (
            RuntimeError("AllocateRawInternal(size_t) Failed to allocate memory for requested buffer"),
            "The memory is not enough",
        ),
        (ImportError("There is no torch."), "There is no torch."),
        (RuntimeError("first\nsecond"), "The program itself failed (RuntimeError: first?second)"),
    ],
)
def test_whatever_goes_wrong_inside_is_one_line(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str, **options: str | None) -> parsing.Parser:
        raise error

    monkeypatch.setattr(cli, "load", fail)
    assert_refused(["one.png", "-o", "out"], said, capfd)


def picture_file(format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PHOTO).save(stream, format=format, **options)
    return stream.getvalue()


TIFF = picture_file("TIFF", compression="tiff_lzw")
LOUD = {
    "scratched.tiff": (TIFF[:8] + bytes(4096) + TIFF[4104:], 1),
    "huge.bmp": (b"BM" + bytes(8) + b"6\0\0\0(\0\0\0" + b"\0\x30\0\0" * 2 + b"\1\0\x18\0" + bytes(24), 1),
    "exif.jpg": (picture_file("JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"), 0),
}
"""Files on which libraries pass remarks, and the exit status that each deserves."""


@pytest.mark.parametrize("name", LOUD)
def test_as_a_program_without_remarks_of_libraries(name: str, tmp_path: Path) -> None:
    data, status = LOUD[name]
    (tmp_path / name).write_bytes(data)
    command = [sys.executable, "-m", "parsing", str(tmp_path / name), "-o", str(tmp_path / "out"), "--model", "lite"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (status, "")
    assert len(ended.stderr.splitlines()) == (1 if status else 0)
    assert {file.name for file in (tmp_path / "out").iterdir()} == (set() if status else {"exif.png"})
