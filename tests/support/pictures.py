"""Small pictures and their files, for the tests of `open_image`."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
LOSSY = {"JPEG": 6, "WEBP": 6}
"""How far a channel may be from the original in a plain area."""
ORIENTATION = 0x0112
NO_PILLOW_WARNINGS = pytest.mark.filterwarnings(r"ignore:::PIL\.")
"""As `parsing.image` itself has it: pytest forgets the filters that are set while modules are imported."""


def quarters() -> NDArray[np.uint8]:
    """(32, 48, 3): red and green above, blue and white below; no turn or mirroring leaves it as it is."""
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:16, :24], picture[:16, 24:], picture[16:, :24], picture[16:, 24:] = RED, GREEN, BLUE, WHITE
    return picture


def encode(picture: Image.Image | NDArray[Any], format: str, **options: Any) -> bytes:
    """The bytes of an image file; lossy formats at their best."""
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    best = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"quality": 100}}.get(format, {})
    stream = io.BytesIO()
    picture.save(stream, format=format, **best, **options)
    return stream.getvalue()


def assert_same(picture: NDArray[np.uint8], expected: NDArray[np.uint8], tolerance: int = 0) -> None:
    """Compares away from the quarters' edges, where lossy formats blur."""
    assert (picture.dtype, picture.shape, picture.flags.c_contiguous) == (np.uint8, expected.shape, True)
    inner = np.zeros(expected.shape[:2], bool)
    height, width = inner.shape
    for y in (height // 4, height * 3 // 4):
        for x in (width // 4, width * 3 // 4):
            inner[y - 3 : y + 3, x - 3 : x + 3] = True
    difference = np.abs(picture.astype(int) - expected.astype(int))
    assert difference[inner].max() <= tolerance


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def palette_picture(**info: Any) -> Image.Image:
    picture = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.info.update(info)
    return picture


def pixels(*colors: list[int]) -> Image.Image:
    return Image.fromarray(np.array([colors], np.uint8))


def grey(values: list[float], dtype: str) -> Image.Image:
    return Image.fromarray(np.array([values], dtype))
