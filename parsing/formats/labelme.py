"""labelme's annotations (https://github.com/wkentaro/labelme): a JSON file for each photo, each part and each person a shape.

A segment of one piece without holes is a polygon, which can be edited corner by corner; any other is a mask, as labelme's
polygons have no holes. People come before parts, because labelme's own tools paint in that order. `group_id` is the number of
the person.
"""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from parsing.formats.outlines import centre_outlines
from parsing.formats.regions import Regions
from parsing.formats.sample import Sample
from parsing.pictures import encode_mask, encode_picture
from parsing.result import Segment

VERSION: Final = "5.3.0"
"""Of labelme, the first with masks."""


def encode(sample: Sample) -> bytes:
    """The bytes of the JSON file."""
    height, width = sample.parsing.size
    segments = [segment for segment in (*sample.parsing.people, *sample.parsing.parts) if segment.area]
    document: dict[str, Any] = {
        "version": VERSION,
        "flags": {},
        "shapes": [_shape(segment) for segment in segments],
        "imagePath": _photo_path(sample),
        "imageData": None if sample.folder else base64.b64encode(encode_picture(sample.photo, "png")).decode(),
        "imageHeight": height,
        "imageWidth": width,
    }
    return json.dumps(document, allow_nan=False, indent=1).encode() + b"\n"


def _photo_path(sample: Sample) -> str:
    """The photo's path from the folder that the annotation is in; its name alone where it is inside the annotation."""
    if sample.folder is None or sample.written_to is None:
        return PurePath(sample.name).name
    path = os.path.join(sample.folder, sample.name)
    try:
        return PurePath(os.path.relpath(path, sample.written_to)).as_posix()
    except ValueError:  # on another drive
        return path


def _shape(segment: Segment) -> dict[str, Any]:
    score = round(float(segment.score), 4)
    shape: dict[str, Any] = {
        "label": segment.name,
        "group_id": segment.person,
        "description": f"score {score}",
        "flags": {},
        "score": score,
    }
    polygons, holes = centre_outlines(segment)
    if holes or len(polygons) > 1 or len(polygons[0]) < 3:
        x0, y0, x1, y1 = segment.box
        mask = encode_mask(segment.crop.view(np.uint8) * np.uint8(255))
        corners = [[x0, y0], [x1 - 1, y1 - 1]]  # both inside
        return shape | {"shape_type": "mask", "points": corners, "mask": base64.b64encode(mask).decode()}
    return shape | {"shape_type": "polygon", "points": polygons[0].tolist(), "mask": None}


def read(document: dict[str, Any]) -> Iterator[tuple[str, Regions]]:
    """The photo of a labelme file, with its regions; raises KeyError or TypeError where the file is damaged."""

    def regions() -> Iterator[tuple[str, NDArray[np.bool_]]]:
        for shape in document["shapes"]:
            yield shape["label"], _read_shape(shape, (document["imageHeight"], document["imageWidth"]))

    yield document["imagePath"].replace("\\", "/"), regions


def _read_shape(shape: dict[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask of a shape, as labelme's own tools make it; (H, W) bool."""
    if shape["shape_type"] == "mask":
        mask = np.zeros(size, bool)
        try:
            (x0, y0), (x1, y1) = np.array(shape["points"]).astype(int)
            mask[y0 : y1 + 1, x0 : x1 + 1] = np.asarray(Image.open(io.BytesIO(base64.b64decode(shape["mask"])))) > 0
        except (ValueError, OSError) as error:
            raise ValueError("A mask of labelme's cannot be read, or has another size than its two corners say.") from error
        return mask
    if shape["shape_type"] not in ("polygon", "rectangle"):
        raise ValueError(f"A shape of labelme's is a {shape['shape_type']}; draw polygons, rectangles or masks.")
    picture = Image.new("1", size[::-1])
    points = [tuple(point) for point in shape["points"]]
    if shape["shape_type"] == "rectangle":
        (x0, y0), (x1, y1) = points[0], points[1]
        points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    ImageDraw.Draw(picture).polygon(points, outline=1, fill=1)
    return np.asarray(picture)
