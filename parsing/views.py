"""The views: from a photo, a label map and what is chosen to a picture. `parsing.render` says what each shows, and checks
what is asked for; how pixels change, where it is more than a colour, is in `parsing.effects`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing import effects
from parsing.result import Parsing


def draw(
    photo: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    regions: NDArray[np.uint16],
    chosen: NDArray[np.uint8],
    opacity: float,
    colors: NDArray[np.uint8],
    view: str,
) -> NDArray[np.uint8]:
    """One view, with hard edges; `regions` are those of `number_regions`, `chosen` is 255 where something is drawn."""
    if view == "cutout":
        cutout = np.zeros((*chosen.shape, 4), np.uint8)
        cv2.copyTo(cv2.merge((*cv2.split(photo), chosen)), chosen, cutout)
        return cutout
    if view == "outlines":
        chosen = chosen & _borders(regions, chosen)
    picture = np.zeros_like(photo) if view == "map" else photo.copy()
    if view == "blur":
        return np.asarray(cv2.copyTo(effects.blur(photo), chosen, picture), np.uint8)
    if view == "pixelate":
        return np.asarray(cv2.copyTo(effects.pixelate(photo), chosen, picture), np.uint8)
    flat = _color(labels, colors)
    if view == "recolor":
        flat = effects.recolor(photo, np.asarray(cv2.copyTo(regions, chosen), np.uint16), flat)
    if view == "overlay":
        # In exact arithmetic all sums are multiples of 1/256; the extra 1/512 makes rounding to nearest round halves up,
        # which is the integer rule of `parsing.render`. Float32 holds these numbers exactly.
        share = math.floor(opacity * 256 + 0.5) / 256
        flat = np.asarray(cv2.addWeighted(photo, 1 - share, flat, share, 1 / 512), np.uint8)
    return np.asarray(cv2.copyTo(flat, chosen, picture), np.uint8)


def draw_edges(
    photo: NDArray[np.uint8],
    parsing: Parsing,
    chosen: NDArray[np.uint8],
    opacity: float,
    colors: NDArray[np.uint8],
    view: str,
    grow: int,
    feather: int,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The same, with edges that grow or shrink, and fade; also what is chosen then, 0 where nothing is."""
    grown = effects.grow(np.asarray(cv2.copyTo(number_regions(parsing), chosen), np.uint16), grow)
    share = effects.fade(grown, 0 if view == "outlines" else feather)
    reached = effects.grow(grown, 0 if view == "outlines" else feather)
    there = np.where(reached > 0, np.uint8(255), np.uint8(0))
    picture = draw(photo, (reached & 31).astype(np.uint8), reached, there, opacity, colors, view)
    if view == "cutout":
        picture[..., 3] = share
        picture[share == 0] = 0
        return picture, share
    below = np.zeros_like(photo) if view == "map" else photo
    return effects.mix(below, picture, share), share


def outline_width(size: tuple[int, int]) -> int:
    """How wide the lines of "outlines" are, in pixels, on a photo of height and width `size`."""
    return 1 + max(size) // 640


def number_regions(parsing: Parsing) -> NDArray[np.uint16]:
    """(H, W), a number for each part of each person: the class, and 32 times the number of the person."""
    return parsing.labels + parsing.person_of * np.uint16(32)


def _borders(regions: NDArray[np.uint16], chosen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) uint8, 255 where another part or person, or what is not chosen, is within the width of an outline."""
    inside = cv2.copyTo(regions, chosen)
    side = 2 * outline_width(chosen.shape) + 1
    square = np.ones((side, side), np.uint8)
    return np.asarray(cv2.compare(cv2.erode(inside, square), cv2.dilate(inside, square), cv2.CMP_NE), np.uint8)


def _color(labels: NDArray[np.uint8], colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`colors[labels]`, about ten times as fast."""
    table = np.zeros((256, 1, 3), np.uint8)
    table[: len(colors), 0] = colors
    return np.asarray(cv2.LUT(cv2.merge((labels, labels, labels)), table), np.uint8)
