"""Which part of a photo a picture shows: maps (2, 3) from the pixels of a picture to those of a photo, as OpenCV takes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def window(
    rng: np.random.Generator,
    box: tuple[int, int, int, int],
    size: tuple[int, int],
    sides: tuple[int, ...] | None = None,
) -> NDArray[np.float64]:
    """The map from output to photo for a window around a box; where the photo's `sides` (height, width) are given, the window
    is moved towards their middle where it reaches beyond them, by up to a quarter of the box.
    """
    x0, y0, x1, y1 = box
    reach = rng.uniform(1.05, 1.55)
    scale = max((y1 - y0) * reach / size[0], (x1 - x0) * reach / size[1])
    center = [(x0 + x1) / 2, (y0 + y1) / 2]
    if sides:
        for axis, (own, side) in enumerate(((x1 - x0, sides[1]), (y1 - y0, sides[0]))):
            half = scale * size[1 - axis] / 2
            inside = np.clip(center[axis], half, side - half) if 2 * half < side else side / 2
            center[axis] += np.clip(inside - center[axis], -own / 4, own / 4)
    return around(rng, (center[0], center[1]), scale, size)


def stretch_of(box: tuple[int, int, int, int], size: tuple[int, int]) -> float:
    """By how much a box would be stretched to fill a picture of (height, width) `size`, 0 for not at all."""
    x0, y0, x1, y1 = box
    return abs(float(np.log((x1 - x0) / (y1 - y0) * size[0] / size[1])))


def around(rng: np.random.Generator, center: tuple[float, float], scale: float, size: tuple[int, int]) -> NDArray[np.float64]:
    """The map from output to photo around a spot of the photo, turned, stretched and moved a little."""
    center = (center[0] + rng.normal(0, 0.04) * scale * size[1], center[1] + rng.normal(0, 0.04) * scale * size[0])
    stretch = np.exp(rng.normal(0, 0.08))
    angle = np.deg2rad(rng.normal(0, 8) if rng.random() < 0.9 else rng.uniform(-40, 40))
    return placement(center, (scale * stretch, scale / stretch), angle, size, rng.random() < 0.5)


def placement(
    center: tuple[float, float], scale: tuple[float, float], angle: float, size: tuple[int, int], mirrored: bool
) -> NDArray[np.float64]:
    """(2, 3): from output pixels to photo pixels; a mirrored map has a negative determinant."""
    cosine, sine = np.cos(angle), np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([-scale[0] if mirrored else scale[0], scale[1]])
    middle = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    return np.column_stack([linear, np.array(center) - linear @ middle])
