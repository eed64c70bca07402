"""COCO's object detection format (https://cocodataset.org/#format-data): all photos in one JSON file, each part and each person
an annotation.

A segment without holes is polygons along the edges of its pixels, which tools can edit; one with holes is run lengths. COCO's
own tools give back both pixel for pixel. The score, and the number of the person, are in `attributes`, where CVAT and datumaro
look for such things.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parsing.extras import needs
from parsing.formats.outlines import edge_outlines
from parsing.formats.regions import Regions
from parsing.formats.run_lengths import encode_rle
from parsing.formats.sample import Sample
from parsing.labels import BACKGROUND, HUMAN
from parsing.result import Segment


def encode(sample: Sample) -> bytes:
    """One line of JSON: "image" and "annotations" without their numbers, which `gather` gives, and "categories"."""
    height, width = sample.parsing.size
    segments = [segment for segment in (*sample.parsing.people, *sample.parsing.parts) if segment.area]
    line = {
        "image": {"file_name": sample.name, "width": width, "height": height},
        "annotations": [describe_segment(segment) for segment in segments],
        "categories": [
            *(
                {"id": part.index, "name": part.name, "supercategory": part.group}
                for part in sample.parsing.classes
                if part.index != BACKGROUND
            ),
            {"id": HUMAN, "name": "Human", "supercategory": "person"},
        ],
    }
    return json.dumps(line, allow_nan=False).encode()


def describe_segment(segment: Segment) -> dict[str, Any]:
    """An annotation without the numbers of itself and its photo."""
    x0, y0, x1, y1 = segment.box
    polygons, holes = edge_outlines(segment)
    score = round(float(segment.score), 4)
    return {
        "category_id": segment.label,
        "segmentation": encode_rle(segment) if holes else [polygon.ravel().tolist() for polygon in polygons],
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": segment.area,
        "iscrowd": 0,
        "score": score,
        "attributes": {"score": score} | ({} if segment.person is None else {"person": segment.person}),
    }


def gather(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of the JSON file, with a photo and an annotation to a line."""
    categories: list[dict[str, Any]] = []
    yield b'{\n"info": {"description": "Human parsing"},\n"licenses": [],\n"images": ['
    for number, line in enumerate(lines, start=1):
        found = json.loads(line)
        categories = found["categories"]
        yield _item({"id": number, **found["image"]}, number)
    yield b'\n],\n"annotations": ['
    numbers = itertools.count(1)
    for photo, line in enumerate(lines, start=1):
        for annotation in json.loads(line)["annotations"]:
            number = next(numbers)
            yield _item({"id": number, "image_id": photo, **annotation}, number)
    yield b'\n],\n"categories": ' + json.dumps(categories).encode() + b"\n}\n"


def _item(entry: dict[str, Any], number: int) -> bytes:
    """An entry of a list, the first or a later one."""
    return (b"\n" if number == 1 else b",\n") + json.dumps(entry).encode()


def read(document: dict[str, Any]) -> Iterator[tuple[str, Regions]]:
    """The photos of a COCO file by name, with their regions; raises KeyError or TypeError where it is damaged."""
    names = {category["id"]: category["name"] for category in document["categories"]}
    found: dict[int, list[dict[str, Any]]] = {photo["id"]: [] for photo in document["images"]}
    for annotation in document["annotations"]:
        found[annotation["image_id"]].append(annotation)
    for photo in document["images"]:

        def regions(photo: dict[str, Any] = photo) -> Iterator[tuple[str, NDArray[np.bool_]]]:
            for annotation in found[photo["id"]]:
                height, width = photo["height"], photo["width"]
                yield names[annotation["category_id"]], read_segmentation(annotation["segmentation"], height, width)

        yield photo["file_name"], regions


def read_segmentation(segmentation: Any, height: int, width: int) -> NDArray[np.bool_]:
    """The mask, (H, W) bool, of polygons, of run lengths, or of run lengths as numbers.

    Raises:
        ImportError: pycocotools is missing.
        ValueError: it is none of these.
    """
    with needs("score"):
        from pycocotools import mask as tools
    if not segmentation:
        return np.zeros((height, width), bool)
    try:
        if isinstance(segmentation, list):
            runs = tools.merge(tools.frPyObjects(segmentation, height, width))
        elif isinstance(segmentation["counts"], list):
            runs = tools.frPyObjects(segmentation, height, width)
        else:
            runs = segmentation
        mask = tools.decode(runs)
    except Exception as error:
        raise ValueError(f"A mask is neither polygons nor run lengths ({error}).") from error
    if mask.shape != (height, width):
        raise ValueError(f"A mask is {mask.shape[1]} by {mask.shape[0]} pixels, but its photo is {width} by {height}.")
    return np.asarray(mask, bool)
