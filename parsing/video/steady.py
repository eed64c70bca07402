"""A video's parsings, steady from frame to frame: people keep their numbers, and labels do not flicker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.formats.document import describe
from parsing.labels import BACKGROUND, HUMAN
from parsing.render import restrict
from parsing.result import Parsing, Segment, where_equal
from parsing.video.damping import Damping
from parsing.video.tracking import Tracker

BITS: Final = 5
"""Of a pixel's number that are its label; the rest is the number of its person."""
LABEL: Final = (1 << BITS) - 1


@dataclass(frozen=True, eq=False)
class Steady:
    """One frame's parsing.

    Attributes:
        parsing: as `Parsing` has it, people numbered 1, 2, ... within the frame.
        numbers: the number that each of those people has in the whole video.
    """

    parsing: Parsing
    numbers: tuple[int, ...]

    def person(self, number: int) -> int | None:
        """What somebody's number in the video is within the frame; None where the person is not in it."""
        return self.numbers.index(number) + 1 if number in self.numbers else None

    def only(self, parts: Iterable[int | str] | None, number: int | None) -> Steady:
        """The chosen parts (None: all) of everybody (None), or of whoever has this number in the video; nothing where that
        one is not in the frame. Raises ValueError where there is no such part.
        """
        if number is None:
            return self if parts is None else replace(self, parsing=restrict(self.parsing, parts))
        if person := self.person(number):
            return Steady(restrict(self.parsing, parts, person), (number,))
        nothing = np.zeros_like(self.parsing.labels)
        return Steady(replace(self.parsing, labels=nothing, person_of=nothing, parts=[], people=[]), ())

    def describe(self) -> dict[str, Any]:
        """`formats.document.describe`, with people's numbers in the video."""
        described = describe(self.parsing)
        for entry in (*described["parts"], *described["people"]):
            if entry["person"]:
                entry["person"] = self.numbers[entry["person"] - 1]
        return described


class Steadying:
    """Steadies the parsings of one video, in the order of its frames."""

    def __init__(self) -> None:
        self.tracker = Tracker()
        self.damping = Damping()
        self.scores: dict[tuple[int, int], float] = {}

    def __call__(self, pixels: NDArray[np.uint8], parsing: Parsing, second: float) -> Steady:
        """Steadies the parsing of the next frame.

        Args:
            pixels: RGB uint8 (H, W, 3).
            parsing: what a parser found in it.
            second: when it is shown; later than the frame before.
        """
        numbers = np.array([0, *self.tracker.number(pixels, parsing.people, second)], np.int32)
        keys = self.damping.damp(pixels, numbers[parsing.person_of] << BITS | parsing.labels)
        for one in _segments(parsing):
            self.scores[int(numbers[one.person or 0]), one.label] = one.score
        steady = self._from_keys(parsing, keys)
        kept = {(steady.numbers[one.person - 1] if one.person else 0, one.label) for one in _segments(steady.parsing)}
        self.scores = {key: score for key, score in self.scores.items() if key in kept}
        return steady

    def _from_keys(self, parsing: Parsing, keys: NDArray[np.int32]) -> Steady:
        """A parsing made anew of the damped map: parts and people are what it shows, with the scores that they had last."""
        found = np.flatnonzero(np.bincount(keys.ravel()))
        numbers = tuple(int(number) for number in np.unique(found >> BITS) if number > 0)
        within = np.zeros((found[-1] >> BITS) + 1, np.uint8)
        within[list(numbers)] = np.arange(1, len(numbers) + 1)
        labels, person_of = (keys & LABEL).astype(np.uint8), within[keys >> BITS]
        parts, people = [], []
        for person, number in enumerate((0, *numbers)):
            x, y, width, height = cv2.boundingRect(where_equal(person_of, person)) if person else (0, 0, *labels.shape[::-1])
            window = slice(y, y + height), slice(x, x + width)
            own = person_of[window] == person
            if person:
                score = self.scores.get((number, HUMAN), 0.0)
                people.append(Segment.from_mask(own, HUMAN, score, person, (x, y), labels.shape))
            for label in (int(key) & LABEL for key in found if key >> BITS == number and key & LABEL != BACKGROUND):
                mask = own & (labels[window] == label)
                score = self.scores.get((number, label), 0.0)
                parts.append(Segment.from_mask(mask, label, score, person or None, (x, y), labels.shape))
        return Steady(replace(parsing, labels=labels, person_of=person_of, parts=parts, people=people), numbers)


def _segments(parsing: Parsing) -> tuple[Segment, ...]:
    return (*parsing.parts, *parsing.people)
