"""Numbers that people keep from frame to frame: those of one frame are matched with those of the frames before by how far their
boxes overlap and how like their colours are. It looks back only, and keeps a few numbers for each person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.result import Segment
from parsing.video.assignment import best_pairs

OVERLAP_SHARE: Final = 0.4
"""Of a pair's likeness; the rest is that of colours."""
LEAST_LIKENESS: Final = 0.5
"""Of a pair. Somebody who is somewhere else has to have nearly the same colours."""
MEMORY: Final = 3.0
"""Seconds for which somebody who is lost may come back."""
COLOR_LEVELS: Final = 6
"""Of red, green and blue in a histogram; there is one of the upper half of a person and one of the lower."""
COLOR_RATE: Final = 0.03
"""How much of a person's colours is new in each frame; little, for two who meet are seen as one for a while."""
SPEED_RATE: Final = 0.2
"""Likewise of the speed."""

Box = NDArray[np.float64]
"""(4,): x0, y0, x1, y1 in pixels."""


@dataclass
class Track:
    """One person through the frames.

    Attributes:
        number: from 1; nobody else gets it.
        box: where the person was seen last.
        speed: (2,), pixels a second along x and y.
        colors: (2 x levels cubed,), histograms of the two halves, which add up to 1 together.
        seen: second at which the person was seen last.
    """

    number: int
    box: Box
    colors: NDArray[np.float64] = field(repr=False)
    seen: float
    speed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def box_at(self, second: float) -> Box:
        """Where the person is then, if nothing has changed."""
        moved: Box = self.box + np.tile(self.speed * (second - self.seen), 2)
        return moved

    def meet(self, box: Box, colors: NDArray[np.float64], second: float) -> None:
        """The person is seen again."""
        speed = (box - self.box).reshape(2, 2).mean(axis=0) / max(second - self.seen, 1e-6)
        self.speed = (1 - SPEED_RATE) * self.speed + SPEED_RATE * speed
        self.colors = (1 - COLOR_RATE) * self.colors + COLOR_RATE * colors
        self.box, self.seen = box, second


class Tracker:
    """Gives people their numbers, frame after frame."""

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self.count = 0

    def number(self, pixels: NDArray[np.uint8], people: list[Segment], second: float) -> list[int]:
        """The numbers of the people in the next frame.

        Args:
            pixels: RGB uint8 (H, W, 3).
            people: who is in it.
            second: when it is shown; later than the frame before.

        Returns:
            A number for each of them, from 1; different ones.
        """
        self.tracks = [track for track in self.tracks if second - track.seen <= MEMORY]
        boxes = [np.array(person.box, float) for person in people]
        colors = [color_histogram(pixels, person) for person in people]
        likeness = np.zeros((len(self.tracks), len(people)))
        for row, track in enumerate(self.tracks):
            expected = track.box_at(second)
            for column, (box, color) in enumerate(zip(boxes, colors, strict=True)):
                likeness[row, column] = OVERLAP_SHARE * overlap(expected, box) + (1 - OVERLAP_SHARE) * alike(
                    track.colors, color
                )
        likeness[likeness < LEAST_LIKENESS] = 0
        known = {column: self.tracks[row] for row, column in best_pairs(likeness) if likeness[row, column] > 0}
        for column, (box, color) in enumerate(zip(boxes, colors, strict=True)):
            if column in known:
                known[column].meet(box, color, second)
                continue
            self.count += 1
            known[column] = Track(self.count, box, color, second)
            self.tracks.append(known[column])
        return [known[column].number for column in range(len(people))]


def overlap(one: Box, other: Box) -> float:
    """Two boxes' common area, as a share of what they cover together."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(sides.clip(0).prod())
    both = float((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod()) - common
    return common / both if both > 0 else 0.0


def alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """How like two histograms are, 0 to 1: the Bhattacharyya coefficient."""
    return float(np.sqrt(one * other).sum())


def color_histogram(pixels: NDArray[np.uint8], person: Segment) -> NDArray[np.float64]:
    """The colours of a person's pixels in the upper and the lower half of the box, see `Track`."""
    x0, y0, x1, y1 = person.box
    mask = person.crop.view(np.uint8)
    middle = (y1 - y0) // 2
    both = np.zeros((2, COLOR_LEVELS**3))
    for half, rows in enumerate((slice(0, middle), slice(middle, None))):
        picture = np.ascontiguousarray(pixels[y0:y1, x0:x1][rows])
        if picture.size:
            both[half] = cv2.calcHist([picture], [0, 1, 2], mask[rows], [COLOR_LEVELS] * 3, [0, 256] * 3).ravel()
    return np.asarray(both.ravel() / max(both.sum(), 1.0))
