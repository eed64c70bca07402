"""What a batch is made of: crops and pasted scenes of fully labelled people, people anywhere, and places without people."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training import augment
from training.augment import Library, Picture
from training.courses import Shares
from training.data import Photo, read_backgrounds, read_ids, read_photos, sampling_weights, split_ids

LARGE_PERSON: Final = 80
"""Longer side in pixels of a person who may be looked at closely."""
WILD_IN_SCENES: Final = 0.3
"""Share of the people pasted into scenes who come from anywhere."""


@dataclass(frozen=True)
class Source:
    """One kind of picture: how it is made, from what, and how often."""

    make: Callable[[Library, np.random.Generator, tuple[int, int]], Picture]
    library: Library
    share: float


@dataclass(frozen=True)
class Mixture:
    """Several kinds of pictures, each with its share."""

    sources: list[Source]

    def make(self, rng: np.random.Generator, size: tuple[int, int]) -> Picture:
        """One picture of (height, width) `size`."""
        shares = np.array([source.share for source in self.sources])
        source = self.sources[rng.choice(len(self.sources), p=shares / shares.sum())]
        return source.make(source.library, rng, size)

    def __str__(self) -> str:
        kinds = (f"{source.make.__name__} {source.share:.2f} of {len(source.library.photos)}" for source in self.sources)
        return ", ".join(kinds)


def read_mixture(options: argparse.Namespace, held_out: int, shares: Shares) -> Mixture:
    """Reads all folders that the options of `training.train` name; photos that are held out stay away."""
    labelled = [photo for root in options.data for photo in read_photos(root, split_ids(read_ids(root), held_out)[0])]
    pseudo = [photo for root in options.extra for photo in read_photos(root, read_ids(root))]
    photos = labelled + pseudo
    wild = [photo for root in options.wild for photo in read_photos(root, read_ids(root))]
    textures = [texture for root in options.data for texture in read_backgrounds(root / "Backgrounds")]
    places = [place for folder in options.places for place in read_backgrounds(folder)]
    weights = _mixed(sampling_weights(labelled), sampling_weights(pseudo), shares.pseudo)
    sources = [Source(augment.crop, Library(photos, weights, textures, places), shares.crops)]
    close = [photo for photo in map(_close, wild) if photo.boxes]
    everybody, often = photos + close, weights
    if close:
        number = np.array([len(photo.boxes) for photo in close], float)
        wild_weights = number / number.sum()
        often = _mixed(weights, wild_weights, WILD_IN_SCENES)
        sources.append(Source(augment.crop, Library(close, wild_weights, textures, places), shares.wild_crops))
        sources.append(Source(augment.whole, Library(wild, _alike(wild), textures, places), shares.wild_photos))
    pasted = Library(everybody, often, textures, places)
    sources += [Source(augment.scene, pasted, shares.scenes), Source(augment.close_up, pasted, shares.close_ups)]
    if places:
        sources.append(Source(augment.empty, Library([], np.zeros(0), textures, places), shares.places))
    return Mixture(sources)


def _close(photo: Photo) -> Photo:
    """The photo with the people in it who are large enough for a closer look."""
    sides = {number: max(x1 - x0, y1 - y0) for number, (x0, y0, x1, y1) in photo.boxes.items()}
    return replace(photo, boxes={number: box for number, box in photo.boxes.items() if sides[number] >= LARGE_PERSON})


def _mixed(weights: NDArray[np.float64], others: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """How often to draw each of two lists in one, the second list's `share` of the time; all of it where the first is empty."""
    if not (weights.size and others.size):
        return np.concatenate((weights, others))
    return np.concatenate(((1 - share) * weights, share * others))


def _alike(photos: list[Photo]) -> NDArray[np.float64]:
    return np.full(len(photos), 1 / len(photos))
