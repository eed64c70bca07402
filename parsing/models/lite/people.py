"""Telling people apart, as Panoptic-DeepLab does (arXiv 1911.10194, section 3.2), from a heatmap of person centres and, at
every pixel, the offset to the centre of its person: every person pixel votes for a spot, and belongs to the nearest centre.
Where two people are so close that their centres melt into one, their faces tell them apart: nobody has two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

LOWEST_PEAK: Final = 0.5
FAINTEST_PEAK: Final = 0.3
"""Of a peak that is the highest in a group that touches no other."""
SMALLEST_GROUP: Final = 30
"""Fewest cells, a rim of one around included, of a group that is somebody although no peak in it is high."""
MOST_PEAKS: Final = 100
SMALLEST_PERSON: Final = 6
"""Fewest cells that vote for a person."""
TWIN_GAP: Final = 1 / 2
"""Two people stand at least so far apart, as a share of the smaller one's side."""
SMALLEST_FACE: Final = 6
"""Fewest cells of the part map that make a face."""
FACE_GAP: Final = 1.2
"""Two faces are at least so many widths of the larger one apart."""
SMALLER_FACE: Final = 1 / 4
"""A second face in one person has at least this share of the largest one's area."""


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


def squared_distances(spots: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, h, w), from each centre to each voted spot.

    Args:
        spots: (2, h, w), x then y.
        centers: (n, 2), x and y, n at least 1.
    """
    squared: NDArray[np.float32] = ((spots[None] - centers[:, :, None, None]) ** 2).sum(axis=1)
    return squared


def nearest(spots: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.int64]:
    """(h, w) index of the centre nearest to each voted spot; arguments as for `squared_distances`."""
    closest: NDArray[np.intp] = squared_distances(spots, centers).argmin(axis=0)
    return closest


@dataclass(frozen=True)
class Face:
    """One face in the picture: its middle in network input pixels, and its area in cells of the part map."""

    x: float
    y: float
    area: int


def find_faces(mask: NDArray[np.bool_], stride: int, smallest: int = SMALLEST_FACE) -> list[Face]:
    """The faces of a mask, largest first; of pieces closer together than a face is wide, only the largest counts.

    Args:
        mask: (h, w), where faces are.
        stride: input pixels per cell.
        smallest: fewest cells that make a face.
    """
    _, _, stats, middles = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    pieces = zip(stats[1:, cv2.CC_STAT_AREA], middles[1:], strict=True)
    middle = (stride - 1) / 2
    faces: list[Face] = []
    for area, (x, y) in sorted(pieces, key=lambda piece: -piece[0]):
        face = Face(x * stride + middle, y * stride + middle, int(area))
        apart = (np.hypot(face.x - other.x, face.y - other.y) > FACE_GAP * stride * other.area**0.5 for other in faces)
        if area >= smallest and all(apart):
            faces.append(face)
    return faces


def find_people(
    heat: NDArray[np.float32],
    spots: NDArray[np.float32],
    inside: NDArray[np.bool_],
    faces: list[Face],
    stride: int,
    smallest: int = SMALLEST_PERSON,
) -> tuple[list[Center], NDArray[np.uint8]]:
    """The people in a picture.

    Peaks of the heatmap are candidates, and where there are people without a high one, the highest that is there. One that too
    few cells vote for, or whose cells vote for the spot of another, is no person. One with several faces, none much smaller
    than the largest, is several people, each where its face votes for.

    Args:
        heat: (h, w) in [0, 1].
        spots: (2, h, w) of `votes`.
        inside: (h, w), where people are.
        faces: of `find_faces`.
        stride: input pixels per cell.
        smallest: fewest cells that make a person.

    Returns:
        Centres, and (h, w) uint8 number of the person in each cell: 0 for none, 1 for the first centre.
    """
    numbers = np.zeros(heat.shape, np.uint8)
    centers = _prune(_candidates(heat, inside, stride), spots, inside, stride, smallest)
    if not centers or not inside.any():
        return [], numbers
    owner = nearest(spots, _positions(centers))
    cells = [(int(face.y / stride), int(face.x / stride)) for face in faces]
    split: list[Center] = []
    for index, center in enumerate(centers):
        own = [(face, cell) for face, cell in zip(faces, cells, strict=True) if owner[cell] == index]
        own = [(face, cell) for face, cell in own if face.area >= own[0][0].area * SMALLER_FACE]
        aims = [spots[:, row, column] for _, (row, column) in own]
        split += [Center(float(x), float(y), center.score) for x, y in aims] if len(own) > 1 else [center]
    numbers[inside] = nearest(spots, _positions(split))[inside] + 1
    return split, numbers


def _candidates(heat: NDArray[np.float32], inside: NDArray[np.bool_], stride: int) -> list[Center]:
    """The peaks that may be people, the highest first."""
    rim = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, groups, stats, _ = cv2.connectedComponentsWithStats(rim)
    seen = {0, *np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < SMALLEST_GROUP)}
    candidates = []
    for peak in _peaks(heat, stride, FAINTEST_PEAK):
        group = groups[int(peak.y / stride), int(peak.x / stride)]
        if peak.score >= LOWEST_PEAK or group not in seen:
            candidates.append(peak)
        seen.add(group)
    return candidates


def _peaks(heat: NDArray[np.float32], stride: int, threshold: float) -> list[Center]:
    """Local maxima of the heatmap, at most `MOST_PEAKS`, the highest first."""
    rows, columns = np.nonzero((heat == cv2.dilate(heat, np.ones((3, 3), np.uint8))) & (heat >= threshold))
    middle = (stride - 1) / 2
    peaks = [Center(x * stride + middle, y * stride + middle, float(heat[y, x])) for y, x in zip(rows, columns, strict=True)]
    return sorted(peaks, key=lambda peak: -peak.score)[:MOST_PEAKS]


def _prune(
    centers: list[Center], spots: NDArray[np.float32], inside: NDArray[np.bool_], stride: int, smallest: int
) -> list[Center]:
    """Leaves out centres, the weakest first, until each has its own voters."""
    while centers:
        owner = nearest(spots, _positions(centers))
        counts = np.bincount(owner[inside], minlength=len(centers))
        weakest: int | None = int(np.argmin(counts))
        if counts[weakest] >= smallest:
            weakest = _twin(centers, owner, inside, spots, stride)
        if weakest is None:
            break
        centers = centers[:weakest] + centers[weakest + 1 :]
    return centers


def _positions(centers: list[Center]) -> NDArray[np.float32]:
    return np.array([(center.x, center.y) for center in centers], np.float32)


def _twin(
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
            if gap < min(sides[weaker], sides[stronger]) * TWIN_GAP:
                return weaker
    return None
