"""Reading photos: `open_photo` turns whatever holds a picture into upright RGB pixels, or says in one sentence why it cannot.

Only six file formats are decoded, by Pillow. Orientation follows the EXIF tag (CIPA DC-008, tag 0x0112); transparency is laid
on white; deeper pixels are scaled to 8 bits. Whatever a damaged file makes a decoder raise comes out as `ImageError`.
"""

from __future__ import annotations

import io
import math
import os
import stat
import time
import warnings
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from parsing.jpeg import has_more_scans


@dataclass(frozen=True, eq=False)
class Photo:
    """An opened photo, which is handed on so that nobody opens it a second time.

    Attributes:
        pixels: RGB uint8 (H, W, 3), upright, contiguous, at most 50 megapixels.
        milliseconds: how long opening it took.
    """

    pixels: NDArray[np.uint8]
    milliseconds: float


ImageSource = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.uint8] | Photo
"""Whatever holds a photo."""

FILE_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
MAX_PIXELS: Final = 50_000_000
MOST_SCANS: Final = 64
"""Of a JPEG; encoders write up to 18. Each takes as long as a whole picture, and may be no longer than ten bytes."""

Kind = Literal["missing", "not-an-image", "damaged", "too-large", "unsupported", "memory", "slow"]

_STATUS: Final[dict[Kind, int]] = {
    "missing": 422,
    "not-an-image": 415,
    "damaged": 422,
    "too-large": 413,
    "unsupported": 415,
    "memory": 503,
    "slow": 422,
}

_SIGNATURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"GIF8")

_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation to the operation that undoes it."""

# Pillow's remarks on damaged files are noise: what is unusable becomes an `ImageError`, sizes are checked here.
warnings.filterwarnings("ignore", module=r"PIL\.")


class ImageError(ValueError):
    """A picture that cannot be used; the message is one sentence for the user and names no folder.

    Attributes:
        kind: what was wrong, for programs.
        status: the HTTP status that says so: 413, 415, 422 or 503.
    """

    def __init__(self, message: str, kind: Kind = "damaged") -> None:
        super().__init__(message)
        self.kind = kind

    @property
    def status(self) -> int:
        """HTTP status for this kind of error."""
        return _STATUS[self.kind]


def open_photo(source: ImageSource) -> Photo:
    """Opens a photo as `open_image` does, and says how long it took; one that is open is returned as it is."""
    if isinstance(source, Photo):
        return source
    start = time.perf_counter()
    pixels = open_image(source)
    return Photo(pixels, (time.perf_counter() - start) * 1000)


def open_image(source: ImageSource, most_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Reads a picture.

    Args:
        source: path of an image file; the bytes of one; a PIL image, whose EXIF orientation is honoured; an RGB uint8 array
            (H, W, 3) or an opened photo, whose pixels are returned as they are. Files are JPEG, PNG, WebP, BMP, TIFF or GIF; of
            an animation the first frame is taken.
        most_pixels: how many it may have.

    Returns:
        RGB uint8 (H, W, 3), upright, contiguous.

    Raises:
        ImageError: it is not an image, it is damaged or cut short, it has no pixels or too many, or it is of no kind
            listed here; or the memory does not suffice for it.
    """
    if isinstance(source, Photo):
        return source.pixels
    if isinstance(source, np.ndarray):
        return _from_array(source, most_pixels)
    if isinstance(source, Image.Image):
        return _from_picture(source, most_pixels)
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_stream(io.BytesIO(source), most_pixels)
    if isinstance(source, str | os.PathLike):
        return _from_path(source, most_pixels)
    raise ImageError(
        f"A picture is a path, bytes, a PIL image or an RGB array, but this is {type(source).__name__}.", "unsupported"
    )


def check_file(path: str | os.PathLike[str]) -> None:
    """Whether there is a file to open, without opening it.

    Raises:
        ImageError: there is none, or it is a folder or a device.
    """
    name = os.path.basename(os.fspath(path)) or "this path"
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        raise _unopenable(path, error) from None
    if stat.S_ISDIR(mode):
        raise ImageError(f"{name!r} is a folder; give the image files in it.", "missing")
    if not stat.S_ISREG(mode):  # reading a pipe or a device might never end
        raise ImageError(f"{name!r} is not a regular file.", "missing")


def _from_array(array: NDArray[np.uint8], most_pixels: int) -> NDArray[np.uint8]:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise ImageError(
            f"An array must be RGB uint8 of shape (height, width, 3), but this is {array.dtype} of shape {array.shape}.",
            "unsupported",
        )
    _check_size(array.shape[1], array.shape[0], most_pixels)
    return np.ascontiguousarray(array)


def _from_path(path: str | os.PathLike[str], most_pixels: int) -> NDArray[np.uint8]:
    check_file(path)
    try:
        with open(path, "rb") as stream:
            return _from_stream(stream, most_pixels)
    except ImageError:
        raise
    except (OSError, ValueError) as error:
        raise _unopenable(path, error) from None


def _unopenable(path: str | os.PathLike[str], error: Exception) -> ImageError:
    """What to say about a path that the system refuses, without the folders in it."""
    name = os.path.basename(os.fspath(path))[:80]
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return ImageError(f"There is no file {name!r}.", "missing")
    if isinstance(error, PermissionError):
        return ImageError(f"The file {name!r} may not be read.", "missing")
    return ImageError(f"The file {name!r} cannot be read.", "missing")  # a name too long, a NUL in it, a failing disk


def _from_stream(stream: BinaryIO, most_pixels: int) -> NDArray[np.uint8]:
    start = stream.read(16)
    stream.seek(0)
    if not start:
        raise ImageError("The file is empty.", "not-an-image")
    try:
        picture = Image.open(stream, formats=FILE_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(_too_large("more than 178", most_pixels), "too-large") from None
    except UnidentifiedImageError:
        raise _unidentified(start) from None
    except Exception:  # noqa: BLE001, the format plug-ins raise nearly anything: struct.error, SyntaxError, MemoryError, ...
        raise _damaged() from None
    with picture:
        if picture.format in ("JPEG", "MPO") and has_more_scans(stream, MOST_SCANS):
            raise ImageError("The JPEG has too many scans; save it again as an ordinary picture.", "unsupported")
        return _from_picture(picture, most_pixels)


def _from_picture(picture: Image.Image, most_pixels: int) -> NDArray[np.uint8]:
    _check_size(*picture.size, most_pixels)  # before anything is decoded
    try:
        picture.load()
        upright = _turn_upright(picture)
        return np.ascontiguousarray(_to_rgb(upright))
    except ImageError:
        raise
    except MemoryError:
        raise ImageError("The memory does not suffice for this picture; make it smaller.", "memory") from None
    except Exception:  # noqa: BLE001, as above: the decoders raise nearly anything
        raise _damaged() from None


def _turn_upright(picture: Image.Image) -> Image.Image:
    try:
        # Asked after `load`: PNG may keep EXIF behind the pixels, and TIFF is turned by Pillow, which then drops the tag.
        operation = _UPRIGHT.get(picture.getexif().get(0x0112, 1))
    except Exception:  # noqa: BLE001, broken EXIF does not make a picture unusable
        operation = None
    return picture if operation is None else picture.transpose(operation)


def _to_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    mode = picture.mode
    if mode in ("I", "F") or mode.startswith("I;"):
        return _deep_to_rgb(picture)
    if mode == "LAB":
        raise ImageError("LAB colours are not supported; save the picture as RGB.", "unsupported")
    if mode == "La":
        picture = picture.convert("LA")  # Pillow has no way from it to RGBA
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        white = Image.new("RGB", layer.size, "white")
        white.paste(layer, mask=layer.getchannel("A"))
        return np.asarray(white)
    return np.asarray(picture.convert("RGB"))


def _deep_to_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    """Grey of 16 or 32 bits or floating point; the range is taken from the values where the mode leaves it open."""
    values = np.asarray(picture)
    if picture.mode.startswith("I;16"):
        grey = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    else:
        # Infinities are no brightness; the bounds keep the differences below finite.
        values = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0).clip(-1e30, 1e30)
        low, high = min(float(values.min()), 0.0), float(values.max())
        if picture.mode == "F" and high <= 1.0:
            high = 1.0
        else:
            high = next((limit for limit in (255.0, 65535.0) if high <= limit), high)
        grey = np.rint((values - low) * (255.0 / (high - low))).astype(np.uint8)
    transparent = picture.info.get("transparency")
    if picture.mode.startswith("I;16") and isinstance(transparent, int):
        grey[values == transparent] = 255
    return np.repeat(grey[:, :, None], 3, axis=2)


def _check_size(width: int, height: int, most_pixels: int) -> None:
    if width < 1 or height < 1:
        raise ImageError(f"The picture has no pixels: it is {width} by {height}.", "unsupported")
    if width * height > most_pixels:
        raise ImageError(_too_large(f"{math.ceil(width * height / 1e5) / 10}", most_pixels), "too-large")


def _too_large(megapixels: str, most_pixels: int) -> str:
    return f"The picture has {megapixels} megapixels, but {most_pixels // 1_000_000} are the limit; make it smaller."


def _damaged() -> ImageError:
    return ImageError("The picture is damaged or cut short; save or download it again.", "damaged")


def _unidentified(start: bytes) -> ImageError:
    """What to say about a file that no decoder took, from its first 16 bytes."""
    if start[4:8] == b"ftyp" or (start.startswith(b"RIFF") and start[8:12] == b"AVI "):
        return ImageError("HEIC, AVIF and video files are not supported; save the photo as JPEG.", "unsupported")
    if start.startswith(_SIGNATURES) or (start.startswith(b"RIFF") and start[8:12] == b"WEBP"):
        return _damaged()
    return ImageError("This is not an image; use JPEG, PNG, WebP, BMP, TIFF or GIF.", "not-an-image")
