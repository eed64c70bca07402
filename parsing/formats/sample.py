"""The input of every format: `Sample`, one parsed photo and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parsing.render import LIP, View
from parsing.result import Parsing


@dataclass(frozen=True, eq=False)
class Sample:
    """One photo of a data set, or the only one.

    Attributes:
        photo: RGB uint8 (H, W, 3), upright.
        parsing: what is to be handed on of it; `restrict` leaves out parts and people, `grow_edges` moves edges.
        name: of the photo's file, with "/" between it and the folders that it lies in below `folder`.
        folder: absolute path of the folder below which `name` is found; None where the photo is no file, so that data sets
            that need its pixels carry them inside.
        written_to: absolute path of the folder that the result is written to, from which data sets refer to the photo.
        opacity, palette, view, feather, crop, color: how the coloured picture is drawn, as `composite` takes them; the palette
            by name. Masks fade by `feather` too.
    """

    photo: NDArray[np.uint8]
    parsing: Parsing
    name: str = "photo.png"
    folder: str | None = None
    written_to: str | None = None
    opacity: float = 0.6
    palette: str = LIP.name
    view: View = "overlay"
    feather: int = 0
    crop: bool = False
    color: str | None = None
