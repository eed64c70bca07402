"""Telling people apart, as Panoptic-DeepLab does (arXiv 1911.10194, section 3.2), from a heatmap of person centres and, at
every pixel, the offset to the centre of its person: every person pixel votes for a spot, and belongs to the nearest centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Center:
    """The middle of one person.

    Attributes:
        x, y: position in network input pixels.
        score: height of the heatmap there, in [0, 1].
    """

    x: float
    y: float
    score: float


def votes(offsets: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    """Where each cell says that the centre of its person is.

    Args:
        offsets: (2, h, w), x then y, in network input pixels.
        stride: input pixels per cell.

    Returns:
        (2, h, w), x then y, in network input pixels.
    """
    _, height, width = offsets.shape
    middle = (stride - 1) / 2
    columns = np.arange(width, dtype=np.float32) * stride + middle
    rows = np.arange(height, dtype=np.float32) * stride + middle
    return np.stack([offsets[0] + columns, offsets[1] + rows[:, None]])


def nearest(spots: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.int64]:
    """Index of the centre nearest to each voted spot.

    Args:
        spots: (2, h, w), x then y.
        centers: (n, 2), x and y, n at least 1.

    Returns:
        (h, w) index into `centers`.
    """
    distance = ((spots[None] - centers[:, :, None, None]) ** 2).sum(axis=1)
    return distance.argmin(axis=0)


def find_centers(
    heat: NDArray[np.float32],
    spots: NDArray[np.float32],
    inside: NDArray[np.bool_],
    stride: int,
    threshold: float = 0.2,
    smallest: int = 6,
) -> tuple[list[Center], NDArray[np.uint8]]:
    """The people in a picture.

    Peaks of the heatmap are candidates. One that too few pixels vote for, or whose pixels vote for somewhere else, is no
    person; its pixels go to the next nearest.

    Args:
        heat: (h, w) in [0, 1].
        spots: (2, h, w) of `votes`.
        inside: (h, w), where people are.
        stride: input pixels per cell.
        threshold: lowest peak that counts.
        smallest: fewest cells that make a person.

    Returns:
        Centres, and (h, w) uint8 number of the person in each cell: 0 for none, 1 for the first centre.
    """
    numbers = np.zeros(heat.shape, np.uint8)
    peaks = (heat == cv2.dilate(heat, np.ones((5, 5), np.uint8))) & (heat >= threshold)
    rows, columns = np.nonzero(peaks)
    middle = (stride - 1) / 2
    centers = [Center(x * stride + middle, y * stride + middle, float(heat[y, x])) for y, x in zip(rows, columns, strict=True)]
    centers.sort(key=lambda center: -center.score)
    centers = centers[:100]
    while centers and inside.any():
        owner = nearest(spots, _positions(centers))
        counts = np.bincount(owner[inside], minlength=len(centers))
        weakest = int(np.argmin(counts))
        if counts[weakest] >= smallest:
            twin = _twins(centers, owner, inside, spots, stride)
            if twin is None:
                numbers[inside] = owner[inside] + 1
                return centers, numbers
            weakest = twin
        centers = centers[:weakest] + centers[weakest + 1 :]
    return [], numbers


def _positions(centers: list[Center]) -> NDArray[np.float32]:
    return np.array([(center.x, center.y) for center in centers], np.float32)


def _twins(
    centers: list[Center], owner: NDArray[np.int64], inside: NDArray[np.bool_], spots: NDArray[np.float32], stride: int
) -> int | None:
    """The weaker of two centres that share one person: their voters aim at nearly one spot. None where everybody stands
    alone.
    """
    aims = [np.median(spots[:, inside & (owner == index)], axis=1) for index in range(len(centers))]
    sides = [stride * np.sqrt(np.count_nonzero(inside & (owner == index))) for index in range(len(centers))]
    for weaker in range(len(centers) - 1, 0, -1):
        for stronger in range(weaker):
            gap = np.hypot(*(aims[weaker] - aims[stronger]))
            if gap < min(sides[weaker], sides[stronger]) / 3:  # two people stand at least so far apart for their size
                return weaker
    return None
