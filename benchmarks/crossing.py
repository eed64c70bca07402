"""How well people keep their numbers: pairs of people, cut out of an example photo by the app itself, walk across each other,
and each frame is parsed and numbered as `python -m parsing clip.mp4` does it. `python -m benchmarks.crossing` prints the
figures of docs/video.md.

A person counts in a frame where at least a quarter of it is to be seen; it is found where somebody in the result covers it,
with an intersection over union of 0.3 or more, and keeps its number where that is the one that it was given first.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

import parsing
from parsing.files import find_examples
from parsing.video.steady import Steadying

PHOTO: Final = "group-collage"
NAMES: Final = ("admiral", "astronaut", "photographer")
"""Who stands in that photo, from left to right."""
SIZE: Final = (360, 800)
HEIGHT: Final = 340
"""Pixels of each person."""
LEAST_SEEN: Final = 0.25
LEAST_OVERLAP: Final = 0.3


@dataclass
class Count:
    """Frames of people: in which they are to be seen, are found, and have the number that they had first."""

    seen: int = 0
    found: int = 0
    kept: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.seen + other.seen, self.found + other.found, self.kept + other.kept)

    def __str__(self) -> str:
        share = self.kept / max(self.found, 1)
        return f"to be seen {self.seen}, found {self.found}, with their own number {self.kept} ({share:.1%} of those found)"


def cut_out(parser: parsing.Parser) -> dict[str, NDArray[np.uint8]]:
    """The people of `NAMES`, each RGBA (HEIGHT, W, 4)."""
    photo = parsing.open_image(next(path for path in find_examples() if path.stem == PHOTO))
    found = parser(photo)
    largest = sorted(found.people, key=lambda one: one.area)[-len(NAMES) :]
    pictures = {}
    for name, person in zip(NAMES, sorted(largest, key=lambda one: one.box), strict=True):
        x0, y0, x1, y1 = person.box
        picture = parsing.composite(photo, found, view="cutout", person=person.person)[y0:y1, x0:x1]
        width = round((x1 - x0) * HEIGHT / (y1 - y0))
        pictures[name] = np.asarray(cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
    return pictures


def walk(
    people: Sequence[NDArray[np.uint8]], frames: int
) -> Iterator[tuple[NDArray[np.uint8], list[NDArray[np.bool_]], list[float]]]:
    """The frames of a clip in which the first person walks from left to right, and the second behind it from right to left:
    RGB pixels, what is to be seen of each person, and which share of the whole person that is.
    """
    height, width = SIZE
    for number in range(frames):
        random = np.random.default_rng(number)
        picture = np.linspace(90, 170, width)[None, :, None] + random.normal(0, 2, (*SIZE, 3))
        masks = [np.zeros(SIZE, bool) for _ in people]
        whole = [1.0 for _ in people]
        for place in (1, 0):  # the one behind first
            person = people[place]
            way = width - person.shape[1]
            left = round(way * (number if place == 0 else frames - 1 - number) / (frames - 1))
            window = slice(height - HEIGHT, height), slice(left, left + person.shape[1])
            there = person[..., 3] > 127
            picture[window][there] = person[..., :3][there]
            for mask in masks:
                mask[window] &= ~there
            masks[place][window] |= there
            whole[place] = float(there.sum())
        shares = [float(mask.sum()) / area for mask, area in zip(masks, whole, strict=True)]
        yield picture.clip(0, 255).astype(np.uint8), masks, shares


def measure(parser: parsing.Parser, people: Sequence[NDArray[np.uint8]], frames: int, rate: float) -> Count:
    """Counts the frames of one clip."""
    steadying, first, count = Steadying(), dict[int, int](), Count()
    for number, (pixels, masks, shares) in enumerate(walk(people, frames)):
        steady = steadying(pixels, parser(pixels), number / rate)
        for place, (mask, share) in enumerate(zip(masks, shares, strict=True)):
            if share < LEAST_SEEN:
                continue
            count.seen += 1
            overlaps = [_overlap(mask, person.mask) for person in steady.parsing.people]
            if not overlaps or max(overlaps) < LEAST_OVERLAP:
                continue
            count.found += 1
            given = steady.numbers[int(np.argmax(overlaps))]
            count.kept += first.setdefault(place, given) == given
    return count


def _overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))


def main() -> None:
    options = argparse.ArgumentParser(description="How well people who cross keep their numbers.")
    options.add_argument("--model", default="lite")
    options.add_argument("--frames", type=int, default=75, help="of each clip (default: 75)")
    options.add_argument("--rate", type=float, default=25.0, help="frames in a second (default: 25)")
    chosen = options.parse_args()
    parser = parsing.load(chosen.model)
    cutouts = cut_out(parser)
    total = Count()
    for front, behind in itertools.permutations(NAMES, 2):
        count = measure(parser, (cutouts[front], cutouts[behind]), chosen.frames, chosen.rate)
        print(f"{front} before {behind}: {count}", flush=True)
        total += count
    print(f"all: {total}")


if __name__ == "__main__":
    main()
