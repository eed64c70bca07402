"""Photos of every kind that `open_image` takes come out upright and in RGB."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.pictures import (
    BLACK,
    LOSSY,
    NO_PILLOW_WARNINGS,
    ORIENTATION,
    RED,
    WHITE,
    assert_same,
    chunk,
    encode,
    grey,
    palette_picture,
    pixels,
    quarters,
)

from parsing.image import FILE_FORMATS, open_image

pytestmark = NO_PILLOW_WARNINGS


@pytest.mark.parametrize("format", FILE_FORMATS)
def test_every_format_from_path_bytes_and_pillow(format: str, tmp_path: Path) -> None:
    data = encode(quarters(), format)
    file = tmp_path / "photo"
    file.write_bytes(data)
    for source in (file, str(file), data, bytearray(data), Image.open(file)):
        assert_same(open_image(source), quarters(), LOSSY.get(format, 0))


STORED: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: upright[:, ::-1].transpose(1, 0, 2),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: upright[::-1].transpose(1, 0, 2),
}
"""How an upright picture lies in a file of each EXIF orientation: 6, for example, says that the first row is the picture's
right side and the first column its top.
"""


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "PNG after the pixels", "Pillow", "opened and loaded"])
def test_every_orientation_is_turned_upright(format: str, orientation: int) -> None:
    picture = Image.fromarray(np.ascontiguousarray(STORED[orientation](quarters())))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    if format == "Pillow":
        picture.getexif()[ORIENTATION] = orientation
        source = picture
    elif format == "PNG after the pixels":
        source = png_with_late_exif(picture, exif)
    elif format == "opened and loaded":
        source = Image.open(io.BytesIO(encode(picture, "TIFF", exif=exif)))
        source.load()
    else:
        source = encode(picture, format, exif=exif)
    assert_same(open_image(source), quarters(), LOSSY.get(format, 0))


def png_with_late_exif(picture: Image.Image, exif: Image.Exif) -> bytes:
    """A PNG whose EXIF chunk stands behind the pixels, which the format allows."""
    body, end = encode(picture, "PNG")[:-12], encode(picture, "PNG")[-12:]
    return body + chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + end


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    assert_same(open_image(encode(quarters(), "PNG", exif=exif)), quarters())


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_broken_exif_does_not_make_a_photo_unusable(exif: bytes) -> None:
    assert_same(open_image(encode(quarters(), "JPEG", exif=exif)), quarters(), LOSSY["JPEG"])


@pytest.mark.parametrize(
    ("picture", "format", "expected"),
    [
        (grey([0, 100, 255], "uint8"), "PNG", [BLACK, (100,) * 3, WHITE]),
        (Image.fromarray(np.array([[False, True]])), "PNG", [BLACK, WHITE]),
        (Image.fromarray(np.array([[False, True]])), "TIFF", [BLACK, WHITE]),
        (pixels([100, 255], [100, 0], [0, 51]), "PNG", [(100,) * 3, WHITE, (204,) * 3]),
        (palette_picture(), "PNG", [(10, 20, 30), (40, 50, 60)]),
        (palette_picture(), "GIF", [(10, 20, 30), (40, 50, 60)]),
        (palette_picture(), "BMP", [(10, 20, 30), (40, 50, 60)]),
        (palette_picture(transparency=1), "PNG", [(10, 20, 30), WHITE]),
        (palette_picture(transparency=1), "GIF", [(10, 20, 30), WHITE]),
        (palette_picture(transparency=bytes([0, 255])), "PNG", [WHITE, (40, 50, 60)]),
        (pixels([9, 9, 9, 0], [200, 0, 0, 255], [0, 0, 0, 102]), "PNG", [WHITE, (200, 0, 0), (153,) * 3]),
        (pixels([9, 9, 9, 0], [200, 0, 0, 255]), "TIFF", [WHITE, (200, 0, 0)]),
        (grey([0, 100 * 257, 65535], "uint16"), "PNG", [BLACK, (100,) * 3, WHITE]),
        (grey([0, 100 * 257, 65535], "uint16"), "TIFF", [BLACK, (100,) * 3, WHITE]),
        (grey([0, 100 * 257, 65535], "int32"), "TIFF", [BLACK, (100,) * 3, WHITE]),
        (grey([0, 100, 255], "int32"), "TIFF", [BLACK, (100,) * 3, WHITE]),
        (grey([0.0, 0.2, 1.0], "float32"), "TIFF", [BLACK, (51,) * 3, WHITE]),
        (grey([0.0, 100.0, 255.0], "float32"), "TIFF", [BLACK, (100,) * 3, WHITE]),
        (grey([0.0, 0.0, 0.0], "float32"), "TIFF", [BLACK, BLACK, BLACK]),
        (grey([-3e38, 3e38], "float32"), "TIFF", [BLACK, WHITE]),
        (grey([float("nan"), float("inf"), 1.0], "float32"), "TIFF", [BLACK, BLACK, WHITE]),
        (Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "TIFF", [RED]),
        (Image.new("CMYK", (1, 1), (0, 0, 0, 255)), "TIFF", [BLACK]),
    ],
    ids=lambda value: f"{value.mode} {value.info or ''}" if isinstance(value, Image.Image) else None,
)  # fmt: skip
def test_every_mode_becomes_rgb(picture: Image.Image, format: str, expected: list[tuple[int, int, int]]) -> None:
    for source in (encode(picture, format), picture):
        assert [tuple(pixel) for pixel in open_image(source)[0].tolist()] == expected


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("HSV", (0, 255, 255), RED),
        ("YCbCr", (255, 128, 128), WHITE),
        ("RGBa", (0, 0, 0, 0), WHITE),
        ("La", (0, 0), WHITE),
        ("RGBX", (1, 2, 3, 0), (1, 2, 3)),
        ("I;16", 65535, WHITE),
        ("I;16B", 65535, WHITE),
        ("F", -1.0, BLACK),
    ],
)
def test_every_mode_of_pillow_becomes_rgb(mode: str, color: Any, expected: tuple[int, int, int]) -> None:
    assert tuple(open_image(Image.new(mode, (3, 2), color))[1, 2]) == expected


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_in_each_colour(channels: int) -> None:
    deep = np.full((4, 4, channels), 65535, np.uint16)
    deep[:, :, :3] = np.array([10, 20, 30]) * 257  # OpenCV has blue first
    assert tuple(open_image(cv2.imencode(".png", deep)[1].tobytes())[0, 0]) == (30, 20, 10)


def test_a_jpeg_of_cyan_magenta_yellow_and_black() -> None:
    inks = 255 - np.dstack([quarters(), np.full((32, 48), 255, np.uint8)])
    data = encode(Image.frombytes("CMYK", (48, 32), inks.tobytes()), "JPEG")
    assert_same(open_image(data), quarters(), LOSSY["JPEG"])


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF", "MPO"])
def test_of_an_animation_the_first_frame(format: str) -> None:
    later = [Image.new("RGB", (48, 32), color) for color in ("black", "gray")]
    data = encode(quarters(), format, save_all=True, append_images=later)
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert_same(open_image(data), quarters(), 20)


def test_a_pillow_animation_stays_at_its_frame() -> None:
    stream = io.BytesIO(encode(quarters(), "GIF", save_all=True, append_images=[Image.new("RGB", (48, 32), "black")]))
    animation = Image.open(stream)
    animation.seek(1)
    assert not open_image(animation).any()
    assert animation.tell() == 1


def test_an_array_is_returned_as_it_is() -> None:
    picture = quarters()
    assert open_image(picture) is picture


def test_a_view_of_an_array_becomes_contiguous() -> None:
    assert_same(open_image(quarters()[:, ::-1]), np.ascontiguousarray(quarters()[:, ::-1]))


def test_the_source_stays_as_it_was() -> None:
    picture = Image.fromarray(quarters())
    picture.getexif()[ORIENTATION] = 6
    assert_same(open_image(picture), open_image(picture))
    assert picture.size == (48, 32)
    assert picture.getexif()[ORIENTATION] == 6


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_a_picture_may_be_one_pixel_wide(size: tuple[int, int]) -> None:
    assert open_image(encode(Image.new("RGB", size, RED), "PNG")).shape == (size[1], size[0], 3)
