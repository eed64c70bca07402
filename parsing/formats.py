"""What a parsed photo is handed on as: indexed PNG, ZIP of masks, JSON with COCO run lengths, encoded pictures.

Run lengths are those of the COCO data set (Lin et al., "Microsoft COCO", ECCV 2014) in the compressed form that its own tools
read: lengths of alternating runs of 0 and 1, down the columns, each from the third on as the difference to the one two before,
five bits to a character. All functions give bytes, which `write_file` puts on a disk.
"""

from __future__ import annotations

import io
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from parsing.labels import BACKGROUND, PARTS

if TYPE_CHECKING:
    from parsing.result import Parsing, Segment

PictureFormat = Literal["jpeg", "png", "webp"]
PICTURE_FORMATS: Final[tuple[str, ...]] = get_args(PictureFormat)

_CHOICES: Final[dict[str, list[int]]] = {
    "jpeg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    "png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
    "webp": [cv2.IMWRITE_WEBP_QUALITY, 90],
}
_LONGEST_CODE: Final = 7
"""Characters of five bits that hold any run of a photo of 50 megapixels."""
_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""Of each file in a ZIP: the same parsing gives the same bytes."""


def encode_rle(segment: Segment) -> dict[str, Any]:
    """COCO run lengths of a segment's mask: {"size": [H, W], "counts": text}, ready for JSON and for `pycocotools`."""
    height, width = segment.size
    x0, y0, _, _ = segment.box
    # With a 0 above and below, every run ends inside its column and the changes come in pairs: first pixel, one past the last.
    # Rows of the transposed crop are columns of the photo.
    columns = np.pad(segment.crop.T.view(np.int8), ((0, 0), (1, 1)))
    x, y = np.nonzero(np.diff(columns, axis=1))
    edges = (x + x0) * height + y + y0
    whole = np.flatnonzero(edges[1:-1:2] == edges[2::2])  # a run that goes on at the top of the next column
    edges = np.delete(edges, np.concatenate((2 * whole + 1, 2 * whole + 2)))
    ends = [] if edges.size and edges[-1] == height * width else [height * width]
    return {"size": [height, width], "counts": _compress(np.diff(np.concatenate(([0], edges, ends)).astype(np.int64)))}


def _compress(counts: NDArray[np.int64]) -> str:
    rest = counts.copy()
    rest[3:] -= counts[1:-2]
    codes = np.zeros((len(rest), _LONGEST_CODE), np.uint8)
    used = np.zeros(codes.shape, bool)
    more = np.ones(len(rest), bool)
    for position in range(_LONGEST_CODE):
        used[:, position] = more
        bits = rest & 31
        rest >>= 5
        more &= np.where(bits & 16, rest != -1, rest != 0)  # the highest of the five bits is the sign's
        codes[:, position] = bits + 48 + 32 * more
    return codes[used].tobytes().decode("ascii")


def describe(parsing: Parsing) -> dict[str, Any]:
    """`Parsing.to_dict` with "rle", the COCO run lengths, in every part and person; ready for `json.dumps`."""
    described = parsing.to_dict()
    for kind, segments in (("parts", parsing.parts), ("people", parsing.people)):
        for entry, segment in zip(described[kind], segments, strict=True):
            entry["rle"] = encode_rle(segment)
    return described


def encode_json(parsing: Parsing) -> bytes:
    """`describe` as the bytes of a JSON file."""
    return json.dumps(describe(parsing), allow_nan=False).encode() + b"\n"


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


def encode_masks(parsing: Parsing) -> bytes:
    """The bytes of a ZIP of black and white PNG files of the photo's size, white where the mask is.

    In it: `Hair.png` and so on for each part of the label map; `person-1.png` and so on for each person; where people were told
    apart, `person-1-Hair.png` and so on for the parts of each; `labels.png`, the label map; `parsing.json`, all of `describe`.
    """
    files = {"parsing.json": encode_json(parsing), "labels.png": encode_labels(parsing.labels)}
    masks = _masks_by_part(parsing.labels)
    files |= {f"{name}.png": encode_mask(mask) for name, mask in masks.items()}
    for person in parsing.people:
        files[f"person-{person.person}.png"] = encode_mask(person.mask.view(np.uint8) * np.uint8(255))
        own = cv2.compare(parsing.person_of, person.person, cv2.CMP_EQ)
        worn = {name: cv2.bitwise_and(mask, own) for name, mask in masks.items()}
        files |= {f"person-{person.person}-{name}.png": encode_mask(mask) for name, mask in worn.items() if mask.any()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            deflated = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content, deflated)
    return stream.getvalue()


def _masks_by_part(labels: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """(H, W) uint8, 255 and 0, of each part that is somewhere in the label map."""
    masks = {part.name: cv2.compare(labels, part.index, cv2.CMP_EQ) for part in PARTS if part.index != BACKGROUND}
    return {name: mask for name, mask in masks.items() if mask.any()}


def encode_mask(mask: NDArray[np.uint8]) -> bytes:
    """A mask, (H, W) uint8, 0 and 255, as the bytes of a PNG of one bit a pixel."""
    return cv2.imencode(".png", mask, [cv2.IMWRITE_PNG_BILEVEL, 1])[1].tobytes()


def encode_picture(picture: NDArray[np.uint8], form: str) -> bytes:
    """A picture as the bytes of an image file; it carries pixels and nothing else: no EXIF, no place, no camera.

    Args:
        picture: uint8, RGB (H, W, 3) or RGBA (H, W, 4); JPEG, which knows no transparency, shows white instead.
        form: "jpeg"; "png", without loss; "webp".

    Raises:
        ValueError: there is no such format, or the picture is longer than it can hold: 65,500 pixels for JPEG, 16,383 for WebP.
    """
    if form not in PICTURE_FORMATS:
        raise ValueError(f"There is no format {form!r}; there are {', '.join(PICTURE_FORMATS)}.")
    if picture.shape[2] == 3:
        ordered = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    elif form == "jpeg":
        ordered = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGR)
        ordered[picture[:, :, 3] == 0] = 255
    else:
        ordered = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA)
    longest = {"jpeg": 65_500, "webp": 16_383}.get(form)
    if longest is not None and max(picture.shape[:2]) > longest:
        raise ValueError(f"A side of this picture has more than {longest} pixels, too many for {form}; ask for png.")
    return cv2.imencode(f".{form}", ordered, _CHOICES[form])[1].tobytes()


def write_file(content: bytes, path: str | os.PathLike[str]) -> None:
    """Writes a file so that nobody ever sees half of it: into a neighbour first, which then takes the name.

    Raises:
        OSError: the folder is missing, full or may not be written to.
    """
    with whole_file(path) as partial:
        partial.write_bytes(content)


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The neighbour to write into; it takes the file's name at the end, unless something went wrong, and is gone then."""
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield partial
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
