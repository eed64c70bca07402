"""A model of the LIP data set that needs no weights: one person in a jumpsuit, with hair above it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from parsing.labels import HUMAN, LIP_PARTS
from parsing.result import Parsing, Segment
from parsing.stages import OnStage


class Jumpsuit:
    """What it finds depends only on the size of the photo."""

    name: Final = "m2fp-single"
    title: Final = "Jumpsuit"
    classes: Final = LIP_PARTS

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        labels = np.zeros(image.shape[:2], np.uint8)
        labels[len(labels) // 4 :, 4:-4] = 10
        labels[4 : len(labels) // 4, 4:-4] = 2
        person = labels > 0
        parts = [Segment.from_mask(labels == part, part, 0.8, 1) for part in (2, 10)]
        people = [Segment.from_mask(person, HUMAN, 0.9, 1)]
        return Parsing(labels, parts, people, self.name, {"network": 1.0}, person.astype(np.uint8), self.classes)
