"""Scores of the 20 classes, the network's logits at every cell of a picture: cropped to one person, joined with a second
opinion, their garments settled, and made a label map of.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.labels import BACKGROUND, part_index

GARMENTS: Final = [part_index(name) for name in ("UpperClothes", "Dress", "Coat", "Pants", "Skirt")]
"""Classes that the network confuses with each other, and seldom with anything else."""
WORN: Final = [
    part_index(name)
    for name in ("Hat", "Glove", "Sunglasses", "UpperClothes", "Dress", "Coat", "Socks", "Pants", "Scarf", "Skirt")
]
"""Classes that somebody may wear or not."""
SOMEBODY: Final = slice(BACKGROUND + 1, None)
"""All classes but the first, background."""
GARMENT_FLOOR: Final = 0.01
"""Added to each garment's share, so that one of which there is next to nothing can still be sure of its pixels."""


def crop_scores(
    scores: NDArray[np.float32], box: tuple[int, int, int, int], photo: tuple[int, int], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Scores (20, h, w) of a photo of (height, width) `photo` as (20, *size) of a `box` in it: x0, y0, x1, y1 in its pixels."""
    x0, y0, x1, y1 = box
    across, down = scores.shape[2] / photo[1], scores.shape[1] / photo[0]  # cells for each pixel of the photo
    wide, high = (x1 - x0) * across / size[1], (y1 - y0) * down / size[0]  # cells for each new cell
    to_cell = np.array([[wide, 0, x0 * across + (wide - 1) / 2], [0, high, y0 * down + (high - 1) / 2]])
    cropped = np.empty((len(scores), *size), np.float32)
    for plane, new in zip(scores, cropped, strict=True):
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(plane, to_cell, size[::-1], dst=new, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cropped


def shrink_scores(scores: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Scores (20, h, w) as (20, *size), each the mean of those in its place."""
    return np.stack([cv2.resize(plane, size[::-1], interpolation=cv2.INTER_AREA) for plane in scores])


def with_presence(scores: NDArray[np.float32], presence: NDArray[np.float32], worn: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores (20, h, w) of one person in which another opinion on what is `worn` takes the place of that which they contain,
    `presence`; both are (20,) logarithms of probabilities. Background stays as probable as it was.
    """
    changed = scores.copy()
    changed[WORN] += (worn - presence)[WORN, None, None]
    return _with_background_of(scores, changed)


def with_opinion(scores: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of two opinions (20, h, w) on which part of somebody a cell is; whether it is somebody's, the first says."""
    return _with_background_of(scores, (scores + others) * np.float32(0.5))


def _with_background_of(scores: NDArray[np.float32], changed: NDArray[np.float32]) -> NDArray[np.float32]:
    """`changed`, in which background is as probable as it is in `scores`."""
    changed[BACKGROUND] = scores[BACKGROUND] + _score_of_all(changed[SOMEBODY]) - _score_of_all(scores[SOMEBODY])
    return changed


def _score_of_all(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w) score of several classes (n, h, w) as if they were one: the logarithm of the sum of their exponentials."""
    top = scores.max(axis=0)
    together: NDArray[np.float32] = np.log(np.exp(scores - top).sum(axis=0)) + top
    return together


def settle_garments(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores (20, h, w) of one person with the garments settled among themselves, so that a coat is not torn into patches.

    What somebody wears is decided once for the whole picture: each garment's probability is weighted with its share of all
    garments there; their sum stays, so that no pixel changes between garments and the rest.
    """
    top = scores.max(axis=0)
    likely = np.exp(scores[GARMENTS] - top)  # (5, h, w), not yet divided by the sum over all classes
    amount = (likely / np.exp(scores - top).sum(axis=0)).sum(axis=(1, 2))  # (5,), in pixels
    share = amount / (amount.sum() + 1e-6) + GARMENT_FLOOR
    settled = likely * share[:, None, None]
    settled *= likely.sum(axis=0) / (settled.sum(axis=0) + 1e-12)
    scores = scores.copy()
    scores[GARMENTS] = np.log(settled + 1e-12) + top
    return scores


def label_map(scores: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W) class with the highest score, scores enlarged to `size` first; only classes that win somewhere are enlarged."""
    winners = np.unique(scores.argmax(axis=0))
    labels = np.full(size, winners[0], np.uint8)
    best = cv2.resize(scores[winners[0]], size[::-1], interpolation=cv2.INTER_LINEAR)
    for part in winners[1:]:
        score = cv2.resize(scores[part], size[::-1], interpolation=cv2.INTER_LINEAR)
        np.copyto(labels, np.uint8(part), where=score > best)
        np.maximum(best, score, out=best)
    return labels
