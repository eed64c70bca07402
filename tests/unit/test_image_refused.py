"""One sentence for each kind of file that `open_image` does not take, and no other failure whatever is damaged."""

from __future__ import annotations

import io
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.pictures import (
    NO_PILLOW_WARNINGS,
    ORIENTATION,
    chunk,
    encode,
    grey,
    palette_picture,
    pixels,
    quarters,
)

from parsing.image import FILE_FORMATS, MAX_PIXELS, ImageError, open_image

pytestmark = NO_PILLOW_WARNINGS


def with_size(format: str, width: int, height: int) -> bytes:
    """A small file whose header claims another size."""
    data = bytearray(encode(quarters(), format))
    if format == "PNG":
        data[8:33] = chunk(b"IHDR", struct.pack(">II", width, height) + data[24:29])
    elif format == "BMP":
        data[18:26] = struct.pack("<ii", width, height)
    elif format == "GIF":
        data[6:10] = struct.pack("<HH", width, height)
    elif format == "JPEG":
        start = data.index(b"\xff\xc0") + 5
        data[start : start + 4] = struct.pack(">HH", height, width)
    elif format == "WEBP":
        start = data.index(b"\x9d\x01\x2a") + 3
        data[start : start + 4] = struct.pack("<HH", width, height)
    else:  # TIFF: the entries of ImageWidth and ImageLength
        for tag, value in ((256, width), (257, height)):
            start = data.index(struct.pack("<HHI", tag, 4, 1)) + 8
            data[start : start + 4] = struct.pack("<I", value)
    return bytes(data)


@pytest.mark.parametrize("size", [(10_000, 5_001), (12_000, 12_000), (16_000, 16_000)])
@pytest.mark.parametrize("format", FILE_FORMATS)
def test_more_than_50_megapixels_are_refused_before_anything_is_decoded(format: str, size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="megapixels") as refusal:
        open_image(with_size(format, *size))  # decoding would find the data far too short
    assert (refusal.value.kind, refusal.value.status) == ("too-large", 413)


def test_50_megapixels_are_not_too_many() -> None:
    assert open_image(np.zeros((5_000, 10_000, 3), np.uint8)).shape == (5_000, 10_000, 3)
    with pytest.raises(ImageError, match=r"50\.1 megapixels"):
        open_image(np.zeros((5_001, 10_000, 3), np.uint8))


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)


@pytest.mark.parametrize(
    ("source", "sentence", "kind"),
    [
        (b"", "The file is empty.", "not-an-image"),
        (b"Dear reader,\n", "This is not an image", "not-an-image"),
        (SVG, "This is not an image", "not-an-image"),
        (b"\0" * 4096, "This is not an image", "not-an-image"),
        (b"%PDF-1.7\n", "This is not an image", "not-an-image"),
        (HEIC, "HEIC", "unsupported"),
        (b"RIFF\x10\0\0\0AVI LIST" + bytes(100), "video files are not supported", "unsupported"),
        (b"RIFF\x10\0\0\0WAVEfmt " + bytes(100), "This is not an image", "not-an-image"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "damaged or cut short", "damaged"),
        (b"\xff\xd8\xff", "damaged or cut short", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged or cut short", "damaged"),
        (with_size("PNG", 0, 9), "damaged or cut short", "damaged"),
        (Image.new("RGB", (0, 9)), "no pixels", "unsupported"),
        (Image.new("LAB", (9, 9)), "LAB colours", "unsupported"),
        (np.zeros((9, 9), np.uint8), r"shape \(9, 9\)", "unsupported"),
        (np.zeros((9, 9, 4), np.uint8), r"shape \(9, 9, 4\)", "unsupported"),
        (np.zeros((1, 9, 9, 3), np.uint8), "RGB uint8 of shape", "unsupported"),
        (np.zeros((9, 9, 3), np.float32), "float32", "unsupported"),
        (np.zeros((9, 9, 3), bool), "bool", "unsupported"),
        (np.zeros((0, 9, 3), np.uint8), "no pixels", "unsupported"),
        (np.broadcast_to(np.uint8(0), (8_000, 8_000, 3)), "64.0 megapixels", "too-large"),
        (None, "NoneType", "unsupported"),
        (7, "int", "unsupported"),
        (io.BytesIO(), "BytesIO", "unsupported"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture_gets_its_own_sentence(source: Any, sentence: str, kind: str) -> None:
    with pytest.raises(ImageError, match=sentence) as refusal:
        open_image(source)
    assert refusal.value.kind == kind
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("format", ["JPEG 2000", "AVIF", "PPM", "ICO", "TGA", "EPS"])
def test_other_formats_are_refused_though_pillow_knows_them(format: str) -> None:
    data = encode(quarters(), format.replace(" ", ""))
    with pytest.raises(ImageError) as refusal:
        open_image(data)
    assert refusal.value.status == 415


def noise(format: str, **options: Any) -> bytes:
    """A file in which nearly every byte is of the pixels."""
    return encode(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8), format, **options)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("format", FILE_FORMATS)
def test_a_file_cut_short_is_damaged(format: str, share: float) -> None:
    data = noise(format)
    with pytest.raises(ImageError, match="damaged or cut short") as refusal:
        open_image(data[: int(len(data) * share)])
    assert (refusal.value.kind, refusal.value.status) == ("damaged", 422)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("absent.jpg", "There is no file 'absent.jpg'."),
        ("", "is a folder"),
        ("text.jpg", "This is not an image"),
        ("text.jpg/below.jpg", "There is no file 'below.jpg'."),
        ("pipe", "'pipe' is not a regular file."),
        ("loop", "'loop' cannot be read"),
        ("x" * 300, "x' cannot be read"),
        ("nul\0byte", "cannot be read"),
        ("cut.png", "damaged or cut short"),
        ("huge.png", "megapixels"),
    ],
)  # fmt: skip
def test_no_sentence_names_a_folder(name: str, sentence: str, tmp_path: Path) -> None:
    folder = tmp_path / "secret-folder"
    folder.mkdir()
    (folder / "text.jpg").write_text("words")
    (folder / "cut.png").write_bytes(noise("PNG")[:999])
    (folder / "huge.png").write_bytes(with_size("PNG", 20_000, 20_000))
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    with pytest.raises(ImageError) as refusal:
        open_image(f"{folder}/photos/../{name}" if name == "absent.jpg" else folder / name)
    assert sentence in str(refusal.value)
    if name:
        assert "secret" not in str(refusal.value)
    assert str(tmp_path) not in str(refusal.value)


VARIANTS: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: encode(quarters(), "JPEG"),
    "JPEG progressive": lambda: encode(quarters(), "JPEG", progressive=True),
    "JPEG with EXIF": lambda: encode(quarters(), "JPEG", exif=turned()),
    "PNG": lambda: encode(quarters(), "PNG"),
    "PNG with palette": lambda: encode(palette_picture(transparency=1), "PNG"),
    "PNG of 16 bits": lambda: encode(grey([0, 7, 65535], "uint16"), "PNG"),
    "PNG with EXIF": lambda: encode(quarters(), "PNG", exif=turned()),
    "WebP": lambda: encode(quarters(), "WEBP"),
    "WebP lossless, with EXIF": lambda: encode(pixels([9, 9, 9, 0]), "WEBP", lossless=True, exif=turned()),
    "BMP": lambda: encode(quarters(), "BMP"),
    "BMP with palette": lambda: encode(palette_picture(), "BMP"),
    "TIFF": lambda: encode(quarters(), "TIFF"),
    "TIFF LZW": lambda: encode(quarters(), "TIFF", compression="tiff_lzw"),
    "TIFF JPEG": lambda: encode(quarters(), "TIFF", compression="jpeg"),
    "TIFF fax": lambda: encode(Image.fromarray(quarters()).convert("1"), "TIFF", compression="group4"),
    "TIFF float": lambda: encode(grey([0.0, 0.5, 1.0], "float32"), "TIFF"),
    "GIF": lambda: encode(quarters(), "GIF"),
    "GIF animated": lambda: encode(quarters(), "GIF", save_all=True, append_images=[Image.new("RGB", (48, 32))]),
}  # fmt: skip


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return exif


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_damaged_file_gives_a_picture_or_an_image_error(variant: str) -> None:
    whole = VARIANTS[variant]()
    chance = random.Random(variant)
    outcomes = {"picture": 0, "refused": 0}
    for _ in range(60):
        data = bytearray(whole[: chance.randrange(len(whole))] if chance.random() < 0.25 else whole)
        for _ in range(chance.choice((1, 2, 8, 32))):
            if data:
                # Half of the flips near the start, where the header is.
                data[chance.randrange(min(len(data), 64) if chance.random() < 0.5 else len(data))] ^= 1 << chance.randrange(8)
        try:
            picture = open_image(bytes(data))
        except ImageError as error:
            assert str(error).endswith(".")  # noqa: PT017, any other exception must come through
            outcomes["refused"] += 1
        else:
            assert (picture.dtype, picture.ndim, picture.shape[2]) == (np.uint8, 3, 3)
            assert 0 < picture.shape[0] * picture.shape[1] <= MAX_PIXELS
            outcomes["picture"] += 1
    assert outcomes["refused"] > 0
