"""Label Studio's tasks with predictions (https://labelstud.io/guide/predictions): all photos in one JSON file, each part and
each person a region, the parts of a person inside that person.

A segment of one piece without holes is a polygon, which can be edited corner by corner; any other is a brush, as Label Studio
has no polygons with holes. The project's labelling interface must know both: it is `labelling_interface`.
"""

from __future__ import annotations

import base64
import json
import posixpath
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from parsing.formats.brush import encode_brush
from parsing.formats.outlines import edge_outlines
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
