"""Pixels as the bytes of image files: coloured pictures, label maps as indexed PNG, masks of one bit a pixel."""

from __future__ import annotations

import io
from typing import Final, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from parsing.labels import PARTS

PictureFormat = Literal["jpeg", "png", "webp"]
PICTURE_FORMATS: Final[tuple[str, ...]] = get_args(PictureFormat)

_CHOICES: Final[dict[str, list[int]]] = {
    "jpeg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    "png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
    "webp": [cv2.IMWRITE_WEBP_QUALITY, 90],
}


def encode_labels(labels: NDArray[np.uint8], colors: NDArray[np.uint8] | None = None) -> bytes:
    """A label map as the bytes of an indexed PNG: pixel values are class indices, a palette inside shows them in colour.

    Args:
        labels: (H, W) uint8, class indices.
        colors: (20, 3) uint8 RGB, a `Palette`'s; None for the usual ones.
    """
    picture = Image.fromarray(labels).convert("P")
    shown = [part.color for part in PARTS] if colors is None else colors
    picture.putpalette(np.asarray(shown, np.uint8).tobytes())
    stream = io.BytesIO()
    picture.save(stream, format="PNG")
    return stream.getvalue()


def encode_mask(mask: NDArray[np.uint8], soft: bool = False) -> bytes:
    """A mask, (H, W) uint8, as the bytes of a PNG: 0 and 255 as one bit a pixel or, where it is `soft`, 0 to 255 as greys."""
    return _encode("png", mask, [] if soft else [cv2.IMWRITE_PNG_BILEVEL, 1])


def on_white(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An RGBA picture (H, W, 4) as RGB (H, W, 3), what is transparent on white."""
    share = picture[..., 3:].astype(np.uint16)
    return ((picture[..., :3] * share + 255 * (255 - share) + 127) // 255).astype(np.uint8)


def encode_picture(picture: NDArray[np.uint8], form: str) -> bytes:
    """A picture as the bytes of an image file; it carries pixels and nothing else: no EXIF, no place, no camera.

    Args:
        picture: uint8, RGB (H, W, 3) or RGBA (H, W, 4); JPEG, which knows no transparency, shows white instead.
        form: "jpeg"; "png", without loss; "webp".

    Raises:
        ValueError: there is no such format, or the picture is longer than it can hold: 65,500 pixels for JPEG, 16,383 for WebP,
            1,000,000 for PNG; or the memory does not suffice.
    """
    if form not in PICTURE_FORMATS:
        raise ValueError(f"There is no format {form!r}; there are {', '.join(PICTURE_FORMATS)}.")
    if picture.shape[2] == 4 and form == "jpeg":
        picture = on_white(picture)
    order = cv2.COLOR_RGB2BGR if picture.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    longest = {"jpeg": 65_500, "webp": 16_383}.get(form)
    if longest is not None and max(picture.shape[:2]) > longest:
        raise ValueError(f"A side of this picture has more than {longest} pixels, too many for {form}; ask for png.")
    return _encode(form, np.asarray(cv2.cvtColor(picture, order), np.uint8), _CHOICES[form])


def _encode(form: str, pixels: NDArray[np.uint8], choices: list[int]) -> bytes:
    done, content = cv2.imencode(f".{form}", pixels, choices)
    if not done:
        raise ValueError(f"The picture cannot be written as {form}: it is too long or wide, or the memory does not suffice.")
    return content.tobytes()
