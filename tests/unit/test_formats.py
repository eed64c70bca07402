"""Each format read back by the tool that others read it with: pycocotools, zipfile, Pillow, a JSON schema."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as pycoco
from support.striped_model import Stripes

import parsing
from parsing import files, pictures
from parsing.formats import document, masks, run_lengths
from parsing.formats.sample import Sample
from parsing.labels import HUMAN, PARTS
from parsing.render import LIP
from parsing.result import Parsing, Segment

BLACK = np.zeros((9, 9, 3), np.uint8)
PHOTO = np.random.default_rng(5).integers(1, 256, (64, 48, 3), dtype=np.uint8)
SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[1] / "support" / "parsing.schema.json").read_text()))


def blobs(height: int, width: int, share: float, seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((height, width)) < share


def window(height: int, width: int, rows: slice, columns: slice) -> NDArray[np.bool_]:
    mask = np.zeros((height, width), bool)
    mask[rows, columns] = True
    return mask


MASKS = {
    "empty": np.zeros((7, 5), bool),
    "full": np.ones((7, 5), bool),
    "one pixel of one": np.ones((1, 1), bool),
    "one row": window(1, 9, slice(0, 1), slice(2, 5)),
    "one column": window(9, 1, slice(2, 5), slice(0, 1)),
    "first pixel": window(6, 8, slice(0, 1), slice(0, 1)),
    "last pixel": window(6, 8, slice(5, 6), slice(7, 8)),
    "whole columns": window(6, 8, slice(0, 6), slice(2, 5)),
    "bottom and next top": window(6, 8, slice(5, 6), slice(2, 3)) | window(6, 8, slice(0, 1), slice(3, 4)),
    "window": window(6, 8, slice(2, 5), slice(3, 7)),
    "large": window(2000, 3000, slice(300, 1900), slice(100, 2900)),
    **{f"noise {share}": blobs(37, 53, share, 1) for share in (0.01, 0.5, 0.99)},
}


@pytest.mark.parametrize("name", MASKS)
def test_run_lengths_are_those_of_pycocotools(name: str) -> None:
    mask = MASKS[name]
    rle = json.loads(json.dumps(run_lengths.encode_rle(Segment.from_mask(mask, HUMAN, 1.0))))
    assert rle == {
        key: value if key == "size" else value.decode() for key, value in pycoco.encode(np.asfortranarray(mask)).items()
    }
    np.testing.assert_array_equal(pycoco.decode(rle).astype(bool), mask)
    assert pycoco.area(rle) == mask.sum()


@pytest.fixture(scope="module")
def photographed() -> Parsing:
    """What the embedded model finds in a photo of three people."""
    return parsing.load("lite")("assets/examples/group-collage.jpg")


def test_the_document_keeps_to_the_schema(photographed: Parsing) -> None:
    written = json.loads(document.encode(Sample(PHOTO, photographed)))
    assert [error.message for error in SCHEMA.iter_errors(written)] == []
    assert len(written["people"]) > 1
    segments = [*photographed.parts, *photographed.people]
    for entry, segment in zip([*written["parts"], *written["people"]], segments, strict=True):
        np.testing.assert_array_equal(pycoco.decode(entry["rle"]).astype(bool), segment.mask)
        x, y, width, height = pycoco.toBbox(entry["rle"])
        assert entry["box"] == [x, y, x + width, y + height]
        assert entry["area"] == pycoco.area(entry["rle"])


@pytest.mark.parametrize("change", [{"size": None}, {"people": [{}]}, {"extra": 1}])
def test_the_schema_refuses_what_is_none(change: dict[str, object]) -> None:
    assert not SCHEMA.is_valid({**document.describe(Stripes()(PHOTO)), **change})


@pytest.mark.parametrize("colors", [None, LIP.colors[::-1]])
def test_labels_as_indexed_png(colors: NDArray[np.uint8] | None) -> None:
    labels = Stripes()(PHOTO).labels
    picture = Image.open(io.BytesIO(pictures.encode_labels(labels, colors)))
    assert (picture.format, picture.mode) == ("PNG", "P")
    np.testing.assert_array_equal(np.asarray(picture), labels)
    np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), (LIP.colors if colors is None else colors)[labels])


def test_the_zip_holds_each_part_and_each_person() -> None:
    labels = np.zeros((6, 9), np.uint8)
    labels[1:5, 1:3] = labels[1:5, 6:8] = 5
    labels[1, 6:8] = 2
    person_of = np.where(labels > 0, np.array([1] * 5 + [2] * 4, np.uint8), np.uint8(0))
    people = [Segment.from_mask(person_of == number, HUMAN, 0.9, number) for number in (1, 2)]
    sample = Sample(np.zeros((6, 9, 3), np.uint8), Parsing(labels, [], people, "example", {}, person_of))
    content = masks.encode(sample)
    assert content == masks.encode(sample)
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    expected = {
        "Hair.png": labels == 2,
        "UpperClothes.png": labels == 5,
        "person-1.png": person_of == 1,
        "person-2.png": person_of == 2,
        "person-1-UpperClothes.png": (labels == 5) & (person_of == 1),
        "person-2-Hair.png": labels == 2,
        "person-2-UpperClothes.png": (labels == 5) & (person_of == 2),
    }
    assert set(archive.namelist()) == {*expected, "labels.png", "parsing.json"}
    for name, mask in expected.items():
        picture = Image.open(io.BytesIO(archive.read(name)))
        assert picture.mode == "1"
        np.testing.assert_array_equal(np.asarray(picture), mask)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(archive.read("labels.png")))), labels)
    assert SCHEMA.is_valid(json.loads(archive.read("parsing.json")))


def test_feathered_masks_fade_over_greys() -> None:
    labels = np.zeros((9, 12), np.uint8)
    labels[:, :6] = 5
    sample = Sample(np.zeros((9, 12, 3), np.uint8), Parsing(labels, [], [], "example", {}, np.zeros_like(labels)), feather=1)
    archive = zipfile.ZipFile(io.BytesIO(masks.encode(sample)))
    picture = Image.open(io.BytesIO(archive.read("UpperClothes.png")))
    assert picture.mode == "L"
    np.testing.assert_array_equal(np.asarray(picture), np.tile([255] * 5 + [170, 85] + [0] * 5, (9, 1)))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(archive.read("labels.png")))), labels)


def test_the_zip_of_a_photo_without_people() -> None:
    archive = zipfile.ZipFile(io.BytesIO(masks.encode(Sample(BLACK, Stripes()(BLACK)))))
    assert set(archive.namelist()) == {"labels.png", "parsing.json"}


def test_part_names_can_be_file_names() -> None:
    assert all(part.name.replace("-", "").isalnum() for part in PARTS)


@pytest.mark.parametrize("form", pictures.PICTURE_FORMATS)
@pytest.mark.parametrize("channels", [3, 4])
def test_pictures_carry_pixels_and_nothing_else(form: str, channels: int) -> None:
    pixels = np.full((32, 32, channels), (200, 120, 40, 255)[:channels], np.uint8)
    if channels == 4:
        pixels[16:] = 0
    picture = Image.open(io.BytesIO(pictures.encode_picture(pixels, form)))
    assert picture.format == form.upper()
    assert not picture.getexif()
    assert picture.mode == ("RGBA" if channels == 4 and form != "jpeg" else "RGB")
    shown = np.asarray(picture).astype(int)
    assert np.abs(shown[:12, :, :3] - (200, 120, 40)).max() <= (0 if form == "png" else 8)
    if channels == 4:
        assert shown[20:, :, -1].min() >= 247 if form == "jpeg" else not shown[16:, :, 3].any()


def test_what_is_half_transparent_is_half_white_in_a_jpeg() -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[..., 3] = 51  # of 255: a fifth of the photo's black
    shown = np.asarray(Image.open(io.BytesIO(pictures.encode_picture(pixels, "jpeg")))).astype(int)
    assert np.abs(shown - 204).max() <= 2


@pytest.mark.parametrize(
    ("shape", "form", "said"),
    [
        ((2, 2, 3), "bmp", "no format 'bmp'"),
        ((1, 16_384, 3), "webp", "16383 pixels"),
        ((65_501, 1, 3), "jpeg", "65500 pixels"),
        ((1, 1_000_001, 3), "png", "cannot be written as png: it is too long"),
    ],
)
def test_what_a_format_cannot_hold_is_said(shape: tuple[int, int, int], form: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        pictures.encode_picture(np.zeros(shape, np.uint8), form)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.png"
    files.write_file(b"old", target)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        files.write_file(b"new", target)
    assert target.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["out.png"]


def test_a_photo_of_one_pixel_has_masks() -> None:
    labels = np.full((1, 1), 2, np.uint8)
    content = masks.encode(Sample(np.zeros((1, 1, 3), np.uint8), Parsing(labels, [], [], "lite", {}, labels * 0)))
    assert "Hair.png" in zipfile.ZipFile(io.BytesIO(content)).namelist()
