"""Photos of every kind that `open_image` takes, upright and in RGB, and one sentence for each that it does not take."""

from __future__ import annotations

import io
import os
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from parsing.image import FORMATS, MAX_PIXELS, ImageError, open_image, write_png

pytestmark = pytest.mark.filterwarnings(r"ignore:::PIL\.")
"""As `parsing.image` itself has it: pytest forgets the filters that are set while modules are imported."""

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
LOSSY = {"JPEG": 6, "WEBP": 6}
"""How far a channel may be from the original in a plain area."""
# Pillow warns of what it meets in damaged files.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
]

ORIENTATION = 0x0112


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


@pytest.mark.parametrize("format", FORMATS)
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


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


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


def palette_picture(**info: Any) -> Image.Image:
    picture = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.info.update(info)
    return picture


def pixels(*colors: list[int]) -> Image.Image:
    return Image.fromarray(np.array([colors], np.uint8))


def grey(values: list[float], dtype: str) -> Image.Image:
    return Image.fromarray(np.array([values], dtype))


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
@pytest.mark.parametrize("format", FORMATS)
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
    ids=repr,
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
@pytest.mark.parametrize("format", FORMATS)
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


def test_write_png_leaves_the_old_file_where_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.png"
    write_png(Image.fromarray(quarters()), target)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_png(Image.new("RGB", (9, 9)), target)
    assert_same(open_image(target), quarters())
    assert [file.name for file in tmp_path.iterdir()] == ["out.png"]
