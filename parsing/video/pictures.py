"""Pictures, one for each frame of a video, and a camera, whose frames come until somebody ends it."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any, Final

import cv2
import numpy as np

from parsing.image import open_image
from parsing.video.frames import Facts, Frame, OnSound

MILLISECONDS: Final = Fraction(1, 1000)


@dataclass(frozen=True)
class Pictures:
    """Photo files as the frames of a video, in the order of the numbers in their names.

    Attributes:
        facts: see `Facts`; a unit of time is one frame.
        paths: of the files, in order.
    """

    facts: Facts
    paths: Sequence[str] = field(repr=False)

    @classmethod
    def open(cls, paths: Sequence[str], rate: Fraction) -> Pictures:
        """Looks at the first picture.

        Args:
            paths: at least one file, in any order.
            rate: frames in a second.

        Raises:
            ImageError: the first picture cannot be read.
        """
        paths = sorted(paths, key=numbered)
        height, width, _ = open_image(paths[0]).shape
        return cls(Facts((height, width), 1 / rate, rate, len(paths)), paths)

    def frames(self, on_sound: OnSound) -> Iterator[Frame]:
        """The frames; raises ImageError or ValueError, with a sentence, for one that cannot be read or is of another size."""
        height, width = self.facts.size
        for number, path in enumerate(self.paths):
            pixels = open_image(path)
            if pixels.shape[:2] != self.facts.size:
                raise ValueError(
                    f"The frame {Path(path).name!r} is {pixels.shape[1]} by {pixels.shape[0]} pixels, but the first one is"
                    f" {width} by {height}; all frames of a video have one size."
                )
            yield Frame(pixels, number, 1)


def numbered(path: str) -> list[tuple[str, int]]:
    """What sorts "frame10" behind "frame9"."""
    return [(words, int(number or -1)) for words, number in re.findall(r"(\D*)(\d*)", path)]


@dataclass(frozen=True)
class Camera:
    """A camera of this machine. A unit of time is a millisecond.

    Attributes:
        facts: see `Facts`.
        device: OpenCV's open camera.
        ended: set by whoever wants no more frames.
    """

    facts: Facts
    device: Any = field(repr=False)
    ended: Event = field(default_factory=Event, repr=False)

    @classmethod
    def open(cls, number: int) -> Camera:
        """Switches on a camera.

        Args:
            number: 0 for the first one of the machine.

        Raises:
            OSError: there is none of this number, or it belongs to another program.
        """
        device = cv2.VideoCapture(number)
        there, picture = device.read()
        if not there:
            device.release()
            raise OSError(f"The camera {number} cannot be opened; it is not there, or another program has it.")
        height, width = picture.shape[:2]
        told = device.get(cv2.CAP_PROP_FPS)
        rate = Fraction(told if 0 < told < math.inf else 25).limit_denominator(1001)  # drivers that do not know say anything
        return cls(Facts((height, width), MILLISECONDS, rate), device)

    def frames(self, on_sound: OnSound) -> Iterator[Frame]:
        """What the camera sees, until that is to end, or it is unplugged."""
        start, last = time.monotonic(), -1
        try:
            while not self.ended.is_set():
                there, picture = self.device.read()
                if not there:
                    return
                last = max(last + 1, round((time.monotonic() - start) * 1000))
                yield Frame(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8), last)
        finally:
            self.device.release()
