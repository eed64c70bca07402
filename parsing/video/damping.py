"""Labels that do not flicker: at every pixel the frames vote, where the picture stands still.

The vote is that of Boyer and Moore (1981), with a limit: a pixel keeps a label and how sure it is of it. The same label once
more makes it surer, another one less sure, and at nothing the other one is taken. Where the picture moves, the newest label
counts. It takes a few steps and six bytes of memory for each pixel, and waits for no frame that is still to come.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SUREST: Final = 4
"""Frames in a row that it takes to change a label of long standing."""
STILL: Final = 6
"""Levels of brightness, of 256, by which a pixel may differ from the frame before and still be at rest; noise is smaller."""
SMOOTHING: Final = 5
"""Pixels of the side of the square over which the brightness is smoothed, so that noise is no movement."""


class Damping:
    """Damps the maps of one video, frame after frame."""

    def __init__(self) -> None:
        self.labels: NDArray[np.int32] | None = None
        self.sureness = np.zeros((0, 0), np.uint8)
        self.brightness = np.zeros((0, 0), np.uint8)

    def damp(self, pixels: NDArray[np.uint8], labels: NDArray[np.int32]) -> NDArray[np.int32]:
        """The map of the next frame.

        Args:
            pixels: RGB uint8 (H, W, 3).
            labels: (H, W) int32, whatever each pixel belongs to; it is not changed.

        Returns:
            (H, W) int32, a new array.
        """
        brightness = np.asarray(cv2.blur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (SMOOTHING, SMOOTHING)), np.uint8)
        if self.labels is None:
            self.labels, self.sureness = labels.copy(), np.ones(labels.shape, np.uint8)
        else:
            moves = cv2.absdiff(brightness, self.brightness) > STILL
            sure = np.where(labels == self.labels, np.minimum(self.sureness + 1, SUREST), self.sureness - 1)
            sure = np.where(moves, np.uint8(0), sure)
            changes = sure == 0
            self.labels = np.where(changes, labels, self.labels)
            self.sureness = np.where(changes, np.uint8(1), sure).astype(np.uint8)
        self.brightness = brightness
        return self.labels.copy()
