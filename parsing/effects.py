"""What the views need beside colours: edges that grow, shrink and fade, a blurred and a pixelated photo, another colour.

Whole numbers throughout, so that a browser can do the same; the squares are cut off at the edges of the picture.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

WIDEST_EDGE: Final = 64
"""Pixels by which edges may grow, shrink or fade, at most."""
BLUR_PASSES: Final = 3
"""A box blur, three times, is close to a Gaussian."""
LUMA: Final = (77, 150, 29)
"""How much red, green and blue count in brightness, in 256ths (ITU-R BT.601)."""
LIFT: Final = 16
"""Added to brightness where a garment gets another colour, so that noise in black cloth stays small."""


def grow(regions: NDArray[np.uint16], pixels: int) -> NDArray[np.uint16]:
    """Regions that are wider, or narrower where `pixels` is negative, by so many pixels on every side.

    Args:
        regions: (H, W), 0 where nothing is chosen, elsewhere a number for each region. What is added takes the largest number
            in the square around it.
        pixels: -64 to 64.
    """
    if pixels == 0:
        return regions
    square = np.ones((2 * abs(pixels) + 1,) * 2, np.uint8)
    if pixels > 0:
        return np.where(regions > 0, regions, cv2.dilate(regions, square))
    return np.asarray(cv2.copyTo(regions, cv2.erode((regions > 0).astype(np.uint8), square)), np.uint16)


def fade(regions: NDArray[np.uint8] | NDArray[np.uint16], pixels: int) -> NDArray[np.uint8]:
    """How much of each pixel is chosen, 0 to 255: the mean over the square of 2 `pixels` + 1 around it."""
    chosen = np.where(regions > 0, np.uint8(255), np.uint8(0))
    return _box_blur(chosen, pixels) if pixels else chosen


def mix(below: NDArray[np.uint8], above: NDArray[np.uint8], share: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two pictures (H, W, 3), one laid over the other as far as `share` (H, W) says, 0 to 255."""
    weight = share[..., None].astype(np.uint16)
    return ((below * (255 - weight) + above * weight + 127) // 255).astype(np.uint8)


def blur(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo (H, W, 3) so blurred that nobody is recognised: a box of one 48th of the longer side to each side."""
    reach = max(2, max(photo.shape) // 48)
    for _ in range(BLUR_PASSES):
        photo = _box_blur(photo, reach)
    return photo


def pixelate(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo (H, W, 3) in squares of one 40th of the longer side, each in its mean colour."""
    side = max(4, max(photo.shape) // 40)
    rows, columns = (np.arange(0, length, side) for length in photo.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(photo, rows, axis=0, dtype=np.int64), columns, axis=1)
    counts = np.outer(*(np.diff(starts, append=length) for starts, length in zip((rows, columns), photo.shape, strict=False)))
    means: NDArray[np.uint8] = ((sums + counts[..., None] // 2) // counts[..., None]).astype(np.uint8)
    return np.asarray(means[np.arange(photo.shape[0])[:, None] // side, np.arange(photo.shape[1]) // side])


def recolor(photo: NDArray[np.uint8], regions: NDArray[np.uint16], flat: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Regions in another colour, their light and shade kept: as much brighter or darker than that colour as the photo's pixel
    is than the mean of its region.

    Args:
        photo, flat: (H, W, 3), the photo and the colour that each pixel gets.
        regions: (H, W), 0 where nothing is chosen, elsewhere a number for each region.
    """
    luma = ((photo * np.array(LUMA, np.uint16)).sum(axis=2, dtype=np.uint16) + 128) >> 8
    counts = np.maximum(np.bincount(regions.ravel()), 1)
    sums = np.bincount(regions.ravel(), luma.ravel()).astype(np.int64)
    usual = ((sums + counts // 2) // counts)[regions] + LIFT
    bright = (2 * flat.astype(np.int64) * (luma + LIFT)[..., None] + usual[..., None]) // (2 * usual[..., None])
    return np.asarray(np.minimum(bright, 255), np.uint8)


def _box_blur(picture: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    side = 2 * reach + 1
    return np.asarray(cv2.blur(picture, (side, side), borderType=cv2.BORDER_REPLICATE))
