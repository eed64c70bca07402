"""How good a model is on photos from everywhere, of which only people's masks and what they wear are known.

Four numbers that can't all be had cheaply: a model that finds nobody has no phantoms, and one that says UpperClothes everywhere
names nothing that is not worn, but misses what is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.labels import BACKGROUND
from parsing.result import Parsing
from training.data import CROWD, read_pixels
from training.worn import Worn, indices, read_worn

SMALLEST_PERSON: Final = 110
"""Longer side in pixels from which a person must be found."""
SMALLEST_OVERLAP: Final = 0.5
"""Intersection over union from which a person is found."""
NOBODY: Final = 0.25
"""Share of a found person's pixels that must be somebody's; below it is a phantom."""
SMALLEST_PART: Final = 1 / 300
"""Share of a person's pixels from which a class is there."""


@dataclass(frozen=True)
class Scene:
    """A photo from anywhere.

    Attributes:
        pixels: RGB uint8 (H, W, 3).
        people: uint8 (H, W), number of the person, 0 for nobody, `CROWD` where they are not told apart.
        worn: what some of them wear, by number.
    """

    pixels: NDArray[np.uint8]
    people: NDArray[np.uint8]
    worn: dict[int, Worn]


@dataclass(frozen=True)
class Tally:
    """Counts over photos; `+` adds two.

    Attributes:
        hits, either: pixels of people in truth and answer, and in one of them.
        people, found: those large enough, and those of them that were found.
        phantoms: people in the answer where nobody is.
        dressed, wrong: pixels with a class on people whose clothes are known, and those with a class that they do not wear.
        worn, missing: classes that people wear, and those that have next to no pixels.
    """

    hits: int = 0
    either: int = 0
    people: int = 0
    found: int = 0
    phantoms: int = 0
    dressed: int = 0
    wrong: int = 0
    worn: int = 0
    missing: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def __str__(self) -> str:
        return (
            f"people against background: IoU {self.hits / max(self.either, 1):.3f}\n"
            f"people of {SMALLEST_PERSON} pixels and more found: {self.found} of {self.people}\n"
            f"phantoms: {self.phantoms}\n"
            f"pixels of a class that is not worn: {self.wrong / max(self.dressed, 1):.1%}\n"
            f"classes worn but missing: {self.missing} of {self.worn} ({self.missing / max(self.worn, 1):.1%})"
        )


def read_scenes(root: Path, ids: Sequence[str]) -> list[Scene]:
    """Reads photos of a folder such as `training.worn` takes."""
    worn = read_worn(root)
    return [
        Scene(
            read_pixels(root / "Images" / f"{identity}.jpg"),
            cv2.imread(str(root / "People" / f"{identity}.png"), cv2.IMREAD_UNCHANGED),
            worn.get(identity, {}),
        )
        for identity in ids
    ]


def judge(scene: Scene, parsing: Parsing) -> Tally:
    """Compares one answer with the truth."""
    somebody, crowd = (scene.people > 0) & (scene.people < CROWD), scene.people == CROWD
    answer = (parsing.labels != BACKGROUND) & ~crowd
    found, people = count_found(scene.people, [segment.mask for segment in parsing.people])
    anybody = scene.people > 0
    phantoms = sum(anybody[segment.mask].mean() < NOBODY for segment in parsing.people)
    tally = Tally(int((answer & somebody).sum()), int((answer | somebody).sum()), people, found, int(phantoms))
    for number, clothes in scene.worn.items():
        labels = parsing.labels[scene.people == number]
        named = labels[labels != BACKGROUND]
        missing = sum(np.isin(labels, indices(name)).mean() < SMALLEST_PART for name in clothes.yes)
        wrong = ~np.isin(named, clothes.allowed)
        tally += Tally(dressed=named.size, wrong=int(wrong.sum()), worn=len(clothes.yes), missing=int(missing))
    return tally


def count_found(people: NDArray[np.uint8], masks: Sequence[NDArray[np.bool_]]) -> tuple[int, int]:
    """Of the people that are large enough, how many are found, each by a mask of its own, and how many there are."""
    free, found, large = list(masks), 0, 0
    for number in range(1, CROWD):
        own = people == number
        if max(cv2.boundingRect(own.astype(np.uint8))[2:]) < SMALLEST_PERSON:
            continue
        large += 1
        overlaps = [(own & mask).sum() / (own | mask).sum() for mask in free]
        if overlaps and max(overlaps) >= SMALLEST_OVERLAP:
            free.pop(int(np.argmax(overlaps)))
            found += 1
    return found, large
