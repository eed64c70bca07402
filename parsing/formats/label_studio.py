"""Label Studio's tasks with predictions (https://labelstud.io/guide/predictions): all photos in one JSON file, each part and
each person a region, the parts of a person inside that person.

A segment of one piece without holes is a polygon, which can be edited corner by corner; any other is a brush, as Label Studio
has no polygons with holes. The project's labelling interface must know both: it is `labelling_interface`.
"""

from __future__ import annotations

import base64
import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from parsing.formats.brush import decode_brush, encode_brush
from parsing.formats.coco import read_segmentation
from parsing.formats.outlines import edge_outlines
from parsing.formats.regions import Regions
from parsing.formats.sample import Sample
from parsing.labels import BACKGROUND, KNOWN_PARTS
from parsing.pictures import encode_picture
from parsing.result import Segment


def encode(sample: Sample) -> bytes:
    """One line of JSON: a task."""
    parsing = sample.parsing
    people = {person.person: f"person-{person.person}" for person in parsing.people if person.area}
    regions = [_region(person, people[person.person]) for person in parsing.people if person.area]
    for number, part in enumerate((part for part in parsing.parts if part.area), start=1):
        parent = people.get(part.person)
        regions.append(_region(part, f"part-{number}") | ({"parentID": parent} if parent else {}))
    task = {
        "data": {"image": _address(sample)},
        "predictions": [{"model_version": parsing.model, "score": _mean_score(parsing.people), "result": regions}],
    }
    return json.dumps(task, allow_nan=False).encode()


def gather(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of the JSON file, with a task to a line."""
    yield b"["
    for number, line in enumerate(lines):
        yield (b",\n" if number else b"\n") + line
    yield b"\n]\n"


def labelling_interface() -> str:
    """What a project's settings have to say, as XML, for the regions to find their labels."""
    names = [("Human", (255, 255, 255)), *((part.name, part.color) for part in KNOWN_PARTS if part.index != BACKGROUND)]
    labels = [f'    <Label value={quoteattr(name)} background="#{bytes(color).hex()}"/>' for name, color in names]
    controls = [
        line
        for tag, name in (("PolygonLabels", "outlines"), ("BrushLabels", "masks"))
        for line in (f'  <{tag} name="{name}" toName="image">', *labels, f"  </{tag}>")
    ]
    return "\n".join(["<View>", '  <Image name="image" value="$image" zoom="true"/>', *controls, "</View>", ""])


def _address(sample: Sample) -> str:
    """Where Label Studio finds the photo: among its local files, from the folder above the one that was named; inside the task
    where the photo is no file.
    """
    if sample.folder is None:
        return "data:image/png;base64," + base64.b64encode(encode_picture(sample.photo, "png")).decode()
    place = posixpath.join(PurePath(sample.folder).name, sample.name)
    return "/data/local-files/?d=" + quote(place.encode("utf-8", "surrogateescape"))


def _region(segment: Segment, name: str) -> dict[str, Any]:
    height, width = segment.size
    polygons, holes = edge_outlines(segment)
    region = {
        "id": name,
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "score": round(float(segment.score), 4),
        "meta": {"text": [] if segment.person is None else [f"person {segment.person}"]},
    }
    if holes or len(polygons) > 1:
        value = {"format": "rle", "rle": encode_brush(segment.mask), "brushlabels": [segment.name]}
        return region | {"from_name": "masks", "type": "brushlabels", "value": value}
    points = [[round(100 * int(x) / width, 6), round(100 * int(y) / height, 6)] for x, y in polygons[0]]
    outline: dict[str, Any] = {"points": points, "closed": True, "polygonlabels": [segment.name]}
    return region | {"from_name": "outlines", "type": "polygonlabels", "value": outline}


def _mean_score(people: list[Segment]) -> float:
    return round(sum(float(person.score) for person in people) / max(len(people), 1), 4)


def read(tasks: list[dict[str, Any]]) -> Iterator[tuple[str, Regions]]:
    """The photos of a file that Label Studio exported as JSON, with their regions: of the newest annotation, or of the
    prediction where there is none; a task that was skipped has neither and is left out. Raises KeyError or TypeError where the
    file is damaged.
    """
    for task in tasks:
        done = [entry for entry in task.get("annotations", []) if not entry.get("was_cancelled")] or task["predictions"]
        if not done:
            continue

        def regions(found: list[dict[str, Any]] = done[-1]["result"]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
            yield from (_read_region(region) for region in found if region["type"] in ("brushlabels", "polygonlabels"))

        # An upload is called 1a2b3c4d-NAME, a local file ?d=FOLDER/NAME.
        address = unquote(task["data"]["image"].rpartition("?d=")[2])
        yield re.sub(r"(^|/)[0-9a-f]{8}-([^/]+)$", r"\1\2", address), regions


def _read_region(region: dict[str, Any]) -> tuple[str, NDArray[np.bool_]]:
    value, height, width = region["value"], region["original_height"], region["original_width"]
    if region["type"] == "brushlabels":
        return value["brushlabels"][0], decode_brush(value["rle"], (height, width))
    corners = np.array(value["points"], float) * (width, height) / 100
    # What is as good as a whole number was one: six digits of a per cent are a hundredth of a pixel and less.
    corners = np.where(np.abs(corners - corners.round()) < 0.01, corners.round(), corners)
    return value["polygonlabels"][0], read_segmentation([corners.ravel().tolist()], height, width)
