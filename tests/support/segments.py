"""Masks that are hard to outline: specks, holes, pieces that touch at a corner, edges of the photo, lines one pixel wide."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.result import Segment


def noise(share: float, seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((23, 37)) < share


def drawn(*shapes: tuple[tuple[int, int], tuple[int, int], int]) -> NDArray[np.bool_]:
    """Ellipses, (centre, axes, 1 or 0), one over the other, on a photo of 60 by 80."""
    mask = np.zeros((60, 80), np.uint8)
    for centre, axes, value in shapes:
        cv2.ellipse(mask, centre, axes, 30, 0, 360, value, -1)
    return mask > 0


SIMPLE: Final = {
    "one pixel": drawn(((9, 9), (0, 0), 1)),
    "whole photo": np.ones((7, 5), bool),
    "blob": drawn(((40, 30), (20, 12), 1)),
    "at the edge": drawn(((0, 59), (25, 18), 1)),
    "thin line": np.eye(20, 30, dtype=bool),
    "column": np.pad(np.ones((9, 1), bool), 4),
}
"""One piece without holes."""
HOLED: Final = {
    "ring": drawn(((40, 30), (25, 20), 1), ((40, 30), (12, 9), 0)),
    "hole at the edge of another": drawn(((40, 30), (30, 25), 1), ((30, 30), (6, 6), 0), ((43, 30), (7, 7), 0)),
    "island in the hole": drawn(((40, 30), (30, 25), 1), ((40, 30), (18, 14), 0), ((40, 30), (8, 6), 1)),
    **{f"noise {share} {seed}": noise(share, seed) for share in (0.5, 0.8, 0.95) for seed in range(5)},
}
"""With holes."""
PIECES: Final = {"two blobs": drawn(((20, 30), (9, 7), 1), ((60, 30), (8, 12), 1)), "specks": noise(0.04, 1)}
"""Several pieces without holes."""
MASKS: Final = SIMPLE | HOLED | PIECES


def segment_of(mask: NDArray[np.bool_], label: int = 5, score: float = 0.875, person: int | None = 1) -> Segment:
    """An upper garment of the first person."""
    return Segment.from_mask(mask, label, score, person)
