"""The example that a visitor finds on show: the site brings its label map, so that nobody waits for the model to see one."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, Final

import numpy as np

from parsing.image import open_image
from parsing.labels import PARTS
from parsing.models.lite.lite import Lite

FIRST: Final = "astronaut"
"""The example's name, as `site.js` has it."""


def parse_first(photo: Path) -> tuple[list[dict[str, Any]], bytes]:
    """What `lite` finds in a photo, as the worker on the device gives it: each person's "score", and "parts" with the
    confidence in each of the 20 classes; and the label map followed by the map of people, a byte a pixel, row by row, gzipped.

    Raises:
        OSError: the embedded model is missing or damaged; the message is one sentence.
    """
    found = Lite()(open_image(photo))
    scores = np.zeros((len(found.people), len(PARTS)))
    for part in found.parts:
        if part.person:
            scores[part.person - 1, part.label] = part.score
    people = [
        {"score": round(person.score, 4), "parts": own.round(4).tolist()}
        for person, own in zip(found.people, scores, strict=True)
    ]
    maps = np.stack((found.labels, found.person_of))
    return people, gzip.compress(maps.tobytes(), 9, mtime=0)
