"""A contact sheet: photos beside their answers, small, many to a picture. Numbers don't say that a chair has become hair."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.render import composite
from parsing.result import Parsing

TILE: Final = (230, 400)
"""Height and width in pixels of a photo with its answer beside it."""
COLUMNS: Final = 5


def contact_sheet(answers: Iterable[tuple[NDArray[np.uint8], Parsing]]) -> NDArray[np.uint8]:
    """RGB uint8 picture of all photos, each with its parts beside it, row by row."""
    tiles = [_tile(np.hstack([pixels, composite(pixels, parsing, opacity=0.75)])) for pixels, parsing in answers]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    return np.vstack([np.hstack(tiles[row : row + COLUMNS]) for row in range(0, len(tiles), COLUMNS)])


def _tile(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture shrunk into a tile, black around it."""
    zoom = min(TILE[0] / picture.shape[0], TILE[1] / picture.shape[1])
    small = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)[: TILE[0], : TILE[1]]
    tile = np.zeros((*TILE, 3), np.uint8)
    tile[: small.shape[0], : small.shape[1]] = small
    return tile
