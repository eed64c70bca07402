"""What a video is to this program: frames, upright, each with its time, from wherever they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

OnSound = Callable[[Any], None]
"""Told each packet of sound, an `av.Packet`, in the order in which the video has it."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame.

    Attributes:
        pixels: RGB uint8 (H, W, 3), upright.
        time: when it is shown, in the time base of its video; later than the frame before.
        duration: for how long, in the same units; 0 where nobody says.
    """

    pixels: NDArray[np.uint8]
    time: int
    duration: int = 0


@dataclass(frozen=True)
class Facts:
    """What is known of a video before its frames come.

    Attributes:
        size: height and width of each frame in pixels.
        time_base: seconds in a unit of time.
        rate: frames in a second, on average.
        count: how many frames there are; None where nobody knows.
        pixel_shape: width of a pixel divided by its height.
        sounds: its tracks of sound, each an `av.AudioStream`.
    """

    size: tuple[int, int]
    time_base: Fraction
    rate: Fraction
    count: int | None = None
    pixel_shape: Fraction = Fraction(1)
    sounds: tuple[Any, ...] = field(default=(), repr=False)


class Video(Protocol):
    """A video that can be read once."""

    @property
    def facts(self) -> Facts:
        """What is known of it."""

    def frames(self, on_sound: OnSound) -> Iterator[Frame]:
        """The frames in order, read as they are asked for; raises ValueError with a sentence where the rest is damaged."""
