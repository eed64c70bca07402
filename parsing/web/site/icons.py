"""The app's icons, drawn: a person in three colours, as on the page's favicon."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from parsing.pictures import encode_picture

GRID: Final = 64
"""Units on a side, in which the shapes are measured."""
FINER: Final = 4
"""Pixels are drawn so many times smaller, then averaged."""
HEAD, BODY, LEFT, RIGHT = (13, 148, 136), (245, 158, 11), (99, 102, 241), (236, 72, 153)
WHITE: Final = (255, 255, 255)


def draw_icon(side: int, scale: float = 0.9) -> bytes:
    """The icon as a PNG on white.

    Args:
        side: pixels on a side.
        scale: size of the person in the picture, 0 to 1; 0.6 stays within the circle that a phone may cut out of an icon.
    """
    whole = side * FINER
    unit = whole / GRID * scale
    start = whole * (1 - scale) / 2
    picture = Image.new("RGB", (whole, whole), WHITE)
    draw = ImageDraw.Draw(picture)

    def box(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        return start + x0 * unit, start + y0 * unit, start + x1 * unit, start + y1 * unit

    draw.ellipse(box(21, 4, 43, 26), fill=HEAD)
    draw.rounded_rectangle(box(11, 29, 53, 47), 7 * unit, fill=BODY)
    draw.rounded_rectangle(box(11, 49, 31, 61), 3 * unit, fill=LEFT)
    draw.rounded_rectangle(box(33, 49, 53, 61), 3 * unit, fill=RIGHT)
    return encode_picture(np.asarray(picture.resize((side, side), Image.Resampling.BOX)), "png")
