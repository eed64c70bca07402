"""A model that needs no weights and leaves nothing out: three people side by side, all parts on each, in ragged patches."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from parsing.labels import HUMAN, PARTS
from parsing.result import Parsing, Segment
from parsing.stages import OnStage

PHOTO: Final = np.random.default_rng(11).integers(0, 256, (96, 131, 3), dtype=np.uint8)


class Crowd:
    """What it finds depends only on the size of the photo."""

    name: Final = "crowd"
    title: Final = "Crowd"
    classes: Final = PARTS

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        height, width = image.shape[:2]
        random = np.random.default_rng(height * width)
        cells = random.integers(0, 20, (height // 6 + 1, width // 6 + 1), dtype=np.uint8)
        labels = np.kron(cells, np.ones((6, 6), np.uint8))[:height, :width]
        labels[random.random(labels.shape) < 0.02] = 7
        number = np.where(labels > 0, 1 + np.arange(width) * 3 // width, 0).astype(np.uint8)
        people = [Segment.from_mask(number == who, HUMAN, 0.9, who) for who in (1, 2, 3)]
        parts = [
            Segment.from_mask((number == who) & (labels == part), part, 0.8, who) for who in (1, 2, 3) for part in range(1, 20)
        ]
        return Parsing(labels, parts, people, self.name, {"network": 1.0}, number)


PARSED: Final = Crowd()(PHOTO)
"""What it finds in `PHOTO`."""
