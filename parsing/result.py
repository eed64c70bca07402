"""What a parser returns: `Parsing`, one photo's label map with its parts and people, and `Segment`, one of those."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parsing.labels import BACKGROUND, HUMAN, PARTS


@dataclass(frozen=True)
class Segment:
    """One part of one person, or one whole person.

    The mask is kept as the rectangle that holds it, because a photo of 12 megapixels with sixty segments would otherwise take
    720 MB; `mask` gives it at the photo's size.

    Attributes:
        label: class index, 1 to 19 for a part, 20 for a person.
        score: confidence in [0, 1].
        box: x0, y0, x1, y1 in pixels; x1 and y1 are one past the last pixel.
        crop: (y1 - y0, x1 - x0) bool, the mask inside the box.
        size: height and width of the photo.
        person: number of the person, from 1, or None where no person claims the part.
    """

    label: int
    score: float
    box: tuple[int, int, int, int]
    crop: NDArray[np.bool_] = field(repr=False)
    size: tuple[int, int]
    person: int | None = None

    @classmethod
    def from_mask(cls, mask: NDArray[np.bool_], label: int, score: float, person: int | None = None) -> Segment:
        """The segment of a (H, W) bool mask at the photo's size; an empty mask gives the empty box (0, 0, 0, 0)."""
        rows = np.flatnonzero(mask.any(axis=1))
        if rows.size == 0:
            return cls(label, score, (0, 0, 0, 0), np.zeros((0, 0), bool), mask.shape, person)
        y0, y1 = int(rows[0]), int(rows[-1]) + 1
        columns = np.flatnonzero(mask[y0:y1].any(axis=0))
        x0, x1 = int(columns[0]), int(columns[-1]) + 1
        return cls(label, score, (x0, y0, x1, y1), mask[y0:y1, x0:x1].copy(), mask.shape, person)

    @property
    def name(self) -> str:
        """English class name, "Human" for a person."""
        return "Human" if self.label == HUMAN else PARTS[self.label].name

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(H, W) bool at the photo's size."""
        full = np.zeros(self.size, bool)
        x0, y0, x1, y1 = self.box
        full[y0:y1, x0:x1] = self.crop
        return full

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.crop))
