"""What the server hands to the viewer: a parsed photo.

The maps travel as raw bytes, compressed, rather than as a picture: a browser may change the pixels of pictures, for colour
management or against fingerprinting.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace
from typing import Any

import numpy as np

from parsing.pictures import encode_picture
from parsing.result import Segment
from parsing.web.photos import Shown
from parsing.web.viewer.markup import describe_classes


def mirror(shown: Shown) -> Shown:
    """The same as a mirror shows it; what is left and right stays the person's own."""

    def turn(segment: Segment) -> Segment:
        return Segment.from_mask(segment.mask[:, ::-1], segment.label, segment.score, segment.person)

    found = shown.parsing
    labels, person_of, photo = (np.ascontiguousarray(array[:, ::-1]) for array in (found.labels, found.person_of, shown.photo))
    parts, people = ([turn(segment) for segment in segments] for segments in (found.parts, found.people))
    turned = replace(found, labels=labels, person_of=person_of, parts=parts, people=people)
    return replace(shown, photo=photo, parsing=turned)


def photo_message(shown: Shown) -> dict[str, Any]:
    """What the page needs to show a parsed photo: "photo", a PNG as data address, "original", the "width" and "height" that it
    came with, and what `maps_message` holds.
    """
    height, width = shown.original
    photo = "data:image/png;base64," + as_text(encode_picture(shown.photo, "png"))
    return {"photo": photo, "original": {"width": width, "height": height}, **maps_message(shown)}


def maps_message(shown: Shown) -> dict[str, Any]:
    """As `photo_message`, but without the photo: "maps", label map and person map, one byte a pixel, row by row, one map after
    the other, zlib-compressed, in base 64; "width" and "height" in pixels; "people", how many; "model", its title; "timings";
    "classes", the model's table, see `describe_classes`.
    """
    height, width = shown.parsing.size
    maps = zlib.compress(shown.parsing.labels.tobytes() + shown.parsing.person_of.tobytes(), 1)
    return {
        "maps": as_text(maps),
        "width": width,
        "height": height,
        "people": len(shown.parsing.people),
        "model": shown.title,
        "timings": shown.parsing.timings,
        "classes": describe_classes(shown.parsing.classes),
    }


def as_text(content: bytes) -> str:
    """Bytes in base 64."""
    return base64.b64encode(content).decode()
