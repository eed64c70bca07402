"""Photos that have come in, opened and parsed alike for whoever asks: the page, REST, tools for language models."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import parsing
from parsing.image import MAX_PIXELS
from parsing.stages import OnStage
from parsing.web.server.background import BackgroundLoader
from parsing.web.server.memory import memory_told
from parsing.web.server.models import ServedModels
from parsing.web.server.reception import Reception

Decode = Callable[[bytes, int], NDArray[np.uint8]]
"""Turns a file's bytes into RGB uint8 (H, W, 3), as `parsing.open_image`, of at most so many pixels."""


@dataclass(frozen=True, eq=False)
class Opened(parsing.Photo):
    """An opened photo, and the height and width that it had before it was made smaller."""

    original: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Shown:
    """A photo, RGB uint8 (H, W, 3), its parsing, what the model that made it is called, and the height and width of the photo
    before it was made smaller.
    """

    photo: NDArray[np.uint8]
    parsing: parsing.Parsing
    title: str
    original: tuple[int, int]


class Photos:
    """Opens and parses photos.

    Args:
        lite: the embedded model's parser.
        loader: of the larger model; None where there is none.
        choice: as in `ServedModels`.
        reception: where they come in; one of its own by default.
        decode: opens the file of a stranger; in this process by default.

    Attributes:
        models: that can be asked for.
        reception: where photos come in.
    """

    def __init__(
        self,
        lite: parsing.Parser,
        loader: BackgroundLoader | None = None,
        choice: str = "auto",
        reception: Reception | None = None,
        decode: Decode = parsing.open_image,
    ) -> None:
        self.models = ServedModels(lite, loader, choice)
        self.reception = reception or Reception()
        self._decode = decode

    def open_and_parse(self, source: bytes | Path, parser: parsing.Parser) -> Shown:
        """Opens and parses a photo at its own size; raises `parsing.ImageError`."""
        return self.parse(self.open(source, sys.maxsize), parser)

    def open(self, source: bytes | Path, longest: int, most_pixels: int = MAX_PIXELS) -> Opened:
        """Opens a photo, and makes it smaller where its longer side has more than `longest` pixels.

        Raises:
            ImageError: it cannot be used, or has more than `most_pixels`.
        """
        start = time.perf_counter()
        with memory_told():
            opened = parsing.open_image(source) if isinstance(source, Path) else self._decode(source, most_pixels)
            photo = shrink(opened, longest)
        return Opened(photo, (time.perf_counter() - start) * 1000, opened.shape[:2])

    def parse(self, photo: Opened, parser: parsing.Parser, on_stage: OnStage | None = None) -> Shown:
        """Parses an opened photo."""
        with memory_told():
            return Shown(photo.pixels, parser(photo, on_stage), parser.title, photo.original)


def shrink(photo: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """The photo, made smaller where its longer side has more than `longest` pixels."""
    height, width = photo.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return photo
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
