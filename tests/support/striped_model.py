"""A model that needs no weights: one person, a column of equal stripes, each stripe one part. Black photos are empty."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from parsing.labels import HUMAN, PARTS
from parsing.result import Parsing, Segment
from parsing.stages import OnStage

STRIPES: Final = ("Hair", "Face", "UpperClothes", "Left-arm", "Right-arm", "Pants", "Left-shoe", "Right-shoe")

PHOTO = np.random.default_rng(7).integers(1, 256, (120, 96, 3), dtype=np.uint8)
"""A photo for it."""


class Stripes:
    """Counts its calls in `calls`."""

    name: Final = "stripes"
    title: Final = "Stripes"
    classes: Final = PARTS

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        self.calls += 1
        height, width = image.shape[:2]
        labels = np.zeros((height, width), np.uint8)
        if image.any():
            rows = np.linspace(height // 8, height * 7 // 8, len(STRIPES) + 1).astype(int)
            index_of = {part.name: part.index for part in PARTS}
            for name, top, bottom in zip(STRIPES, rows[:-1], rows[1:], strict=True):
                labels[top:bottom, width // 4 : width * 3 // 4] = index_of[name]
        person = labels > 0
        people = [Segment.from_mask(person, HUMAN, 0.9, 1)] if person.any() else []
        timings = {"prepare": 1.0, "network": 2.0, "decode": 3.0}
        return Parsing(labels, [], people, self.name, timings, person.astype(np.uint8))
