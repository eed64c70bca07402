"""The outlines of a mask as polygons, traced by border following (Suzuki and Abe, 1985, as OpenCV has it).

Two conventions are in use. Along the edges of pixels, a pixel (x, y) is the square from (x, y) to (x + 1, y + 1); COCO's tools
and Label Studio take polygons so. Through the centres of the border's pixels, the polygon covers the pixels on its line too;
labelme's tools take it so. Either way they give back the mask pixel for pixel.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.result import Segment

MANY_LINES = cv2.RETR_CCOMP
"""OpenCV's mode that gives all borders and tells those of holes."""


def edge_outlines(segment: Segment) -> tuple[list[NDArray[np.int32]], bool]:
    """The outer borders of a segment along the edges of its pixels, and whether there are holes inside them.

    Returns:
        For each piece of the mask (n, 2) int32, the corners x, y in pixels of the photo; and whether a piece has a hole, so
        that these borders alone do not tell the mask.
    """
    doubled = np.repeat(np.repeat(segment.crop.view(np.uint8), 2, axis=0), 2, axis=1)
    borders, holes = _borders(doubled)
    # Half pixels 2 x and 2 x + 1 belong to pixel x: a border at its left is at 2 x, one at its right at 2 x + 1.
    corners = [_without_doubles((border + 1) // 2) + _origin(segment) for border in borders]
    return corners, holes


def centre_outlines(segment: Segment) -> tuple[list[NDArray[np.int32]], bool]:
    """As `edge_outlines`, but through the centres of the border's pixels; a piece that is one pixel wide may have two corners
    or one.
    """
    borders, holes = _borders(segment.crop.view(np.uint8))
    return [border + _origin(segment) for border in borders], holes


def _borders(mask: NDArray[np.uint8]) -> tuple[list[NDArray[np.int32]], bool]:
    """The outer borders, (n, 2) int32 each, and whether there are others."""
    borders, relations = cv2.findContours(mask, MANY_LINES, cv2.CHAIN_APPROX_SIMPLE)
    if not borders:
        return [], False
    outer = relations[0, :, 3] < 0  # without a border around it
    return [
        np.asarray(border[:, 0], np.int32) for border, is_outer in zip(borders, outer, strict=True) if is_outer
    ], not outer.all()


def _origin(segment: Segment) -> NDArray[np.int32]:
    return np.array(segment.box[:2], np.int32)


def _without_doubles(corners: NDArray[np.int32]) -> NDArray[np.int32]:
    """Without corners that follow on the same one, or lie on the straight line between their neighbours."""
    corners = corners[np.any(corners != np.roll(corners, 1, axis=0), axis=1)]
    before, after = np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)
    straight = ((before == corners) & (corners == after)).any(axis=1)
    kept: NDArray[np.int32] = corners[~straight]
    return kept
