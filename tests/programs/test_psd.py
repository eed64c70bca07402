"""Layers: written with psd-tools, reopened with ImageMagick."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from psd_tools import PSDImage
from support.crowd_model import PARSED, PHOTO
from support.segments import SIMPLE, segment_of

from parsing.formats import psd
from parsing.formats.sample import Sample
from parsing.result import Parsing

CONVERT = shutil.which("magick") or shutil.which("convert")


def convert(*arguments: str | Path) -> str:
    """What ImageMagick prints."""
    assert CONVERT, "ImageMagick is missing; the Debian package imagemagick brings it."
    return subprocess.run([CONVERT, *arguments], check=True, capture_output=True, text=True).stdout


def layer(file: Path, number: int) -> NDArray[np.uint8]:
    """A layer's pixels as ImageMagick has them, RGBA (h, w, 4); 0 is the picture for programs that know no layers."""
    convert(f"{file}[{number}]", f"PNG32:{file}.png")
    return np.asarray(Image.open(f"{file}.png").convert("RGBA"))


def test_imagemagick_finds_each_part_of_each_person(tmp_path: Path) -> None:
    file = tmp_path / "layers.psd"
    file.write_bytes(psd.encode(Sample(PHOTO, PARSED)))
    named = convert(file, "-format", "%l %w %h %X %Y\n", "info:").splitlines()[1:]
    expected = [f"{part.name} {x1 - x0} {y1 - y0} +{x0} +{y0}" for part in PARSED.parts for x0, y0, x1, y1 in [part.box]]
    assert named[0].startswith("Photo 131 96")
    assert named[1:] == expected
    np.testing.assert_array_equal(layer(file, 0)[:, :, :3], PHOTO)
    for number, part in list(enumerate(PARSED.parts, start=2))[::9]:
        x0, y0, x1, y1 = part.box
        pixels = layer(file, number)
        np.testing.assert_array_equal(pixels[:, :, 3] > 0, part.crop)
        np.testing.assert_array_equal(pixels[part.crop, :3], PHOTO[y0:y1, x0:x1][part.crop])


def test_a_group_for_each_person_and_one_for_what_nobody_claims() -> None:
    mask = SIMPLE["blob"]
    nothing = np.zeros(mask.shape, np.uint8)
    parts = [segment_of(mask, 2, person=None), segment_of(mask, 5), segment_of(mask, 13), segment_of(mask & False, 1)]
    parsing = Parsing(nothing, parts, [segment_of(mask, 20)], "example", {}, nothing)
    document = PSDImage.open(io.BytesIO(psd.encode(Sample(np.zeros((*mask.shape, 3), np.uint8), parsing))))
    groups = {group.name: [(layer.name, layer.sheet_color.name) for layer in group] for group in document if group.is_group()}
    assert groups == {"No person": [("Hair", "RED")], "Person 1": [("UpperClothes", "ORANGE"), ("Face", "BLUE")]}
    assert document[0].name == "Photo"


def test_a_photo_of_nobody_is_a_layer() -> None:
    nothing = np.zeros((9, 9), np.uint8)
    assert psd.encode(Sample(np.zeros((9, 9, 3), np.uint8), Parsing(nothing, [], [], "example", {}, nothing)))[:4] == b"8BPS"


def test_what_cannot_be_done_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.zeros((1, 30_001), np.uint8)
    with pytest.raises(ValueError, match="more than 30000 pixels"):
        psd.encode(Sample(np.zeros((1, 30_001, 3), np.uint8), Parsing(nothing, [], [], "example", {}, nothing)))
    monkeypatch.setitem(sys.modules, "psd_tools", None)
    with pytest.raises(ImportError, match=r"The package psd_tools is missing; the extra psd brings it: .*'\.\[psd\]'"):
        psd.encode(Sample(PHOTO, PARSED))
