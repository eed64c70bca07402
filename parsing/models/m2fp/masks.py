"""Masks at the photo's size, one at a time and only where they can be positive, and the label map that grows from them.

Bringing a mask from the network's output to the photo takes two bilinear steps: to the size of the network's input, of which
the photo's part is kept, and from there to the photo. Both are separable, and two linear steps are one: each column of the
photo mixes four columns of the output, each row four rows. The C kernels mix rows in registers; without them PyTorch makes a
band of rows at a time, which stays in the processor's cache, and mixes columns by a matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from parsing.models.m2fp import kernels

SURE: Final = 0.5
"""Sigmoid times score above which an instance's pixel counts in the label map."""
BAND_PIXELS: Final = 1 << 17
"""Of a band of rows: half a megabyte."""


@dataclass(frozen=True)
class Placement:
    """How the network's masks lie on the photo.

    Attributes:
        padded: height and width of the network's input.
        box: x0, y0, x1, y1 of the photo inside the network's input.
        photo: height and width of the photo.
    """

    padded: tuple[int, int]
    box: tuple[int, int, int, int]
    photo: tuple[int, int]


@dataclass(frozen=True)
class Taps:
    """What each entry along one axis of the photo mixes of the network's output.

    Attributes:
        places: (n, 4) int64, entries of the output, ascending from first to last.
        shares: (n, 4) float32, which sum to 1.
    """

    places: Tensor
    shares: Tensor

    @classmethod
    def through(cls, source: int, padded: int, start: int, stop: int, photo: int) -> Taps:
        """From `source` entries to `padded`, of which `start` to `stop` are kept, and from these to `photo`."""
        low, high, share = _resize(source, padded)
        first, second, mix = _resize(stop - start, photo)
        first, second = first + start, second + start
        places = torch.stack((low[first], high[first], low[second], high[second]), dim=1)
        near, far = 1 - mix, mix
        shares = torch.stack(
            (near * (1 - share[first]), near * share[first], far * (1 - share[second]), far * share[second]), dim=1
        )
        return cls(places, shares)

    def matrix(self, source: int) -> Tensor:
        """(source, n) float32: what multiplies the output from the right to mix its columns."""
        return torch.zeros(len(self.places), source).scatter_add_(1, self.places, self.shares).T.contiguous()

    def blocks(self, source: int, length: int) -> tuple[Tensor, Tensor]:
        """The matrix without most of its zeros: its columns in blocks of `length`, of each only the rows that are used.

        Returns:
            (blocks,) int32, the first used row, and (blocks, depth, length) float32, what it and the rows after it count.
        """
        matrix = functional.pad(self.matrix(source), (0, -len(self.places) % length)).unflatten(1, (-1, length))
        used = matrix.any(dim=2).to(torch.uint8)  # (source, blocks)
        first, after = used.argmax(dim=0), source - used.flip(0).argmax(dim=0)
        depth = int((after - first).max())
        first = first.clamp(max=source - depth)
        rows = first[:, None] + torch.arange(depth)  # (blocks, depth)
        return first.to(torch.int32), matrix[rows, torch.arange(len(first))[:, None]]

    def reached(self, used: NDArray[np.bool_]) -> slice:
        """The photo's entries that read something between the first and the last used entry of the output."""
        found = np.flatnonzero(used)
        if found.size == 0:
            return slice(0, 0)
        last_read, first_read = self.places[:, 3].contiguous(), self.places[:, 0].contiguous()
        start = int(torch.searchsorted(last_read, int(found[0])))
        return slice(start, max(start, int(torch.searchsorted(first_read, int(found[-1]), right=True))))


def _resize(source: int, target: int) -> tuple[Tensor, Tensor, Tensor]:
    """Linear interpolation as torch's `interpolate` has it without `align_corners`: two entries, the share of the second."""
    place = ((torch.arange(target) + 0.5) * (source / target) - 0.5).clamp_(min=0)
    low = place.to(torch.int64)
    return low, (low + 1).clamp_(max=source - 1), place - low


@dataclass(frozen=True)
class Window:
    """A mask's logits in a rectangle of the photo.

    Attributes:
        rows: of the photo.
        columns: of the photo.
        logits: (h, w) float32, the output's rows, the photo's columns and, up to a whole number of the kernels' vectors, some
            to their right, which belong to no photo.
        taps: of the rectangle's rows.
    """

    rows: slice
    columns: slice
    logits: Tensor
    taps: Taps

    def read(self) -> tuple[NDArray[np.bool_], float]:
        """The mask in the window, (rows, columns), true where logits are positive, and their mean sigmoid there, 0 for none."""
        mask = np.empty((len(self.taps.places), self.logits.shape[1]), bool)
        if kernels.library() is not None:
            total = kernels.read_mask(self.logits, self.taps.places, self.taps.shares, mask)
        else:
            total = sum((self._read_band(band, logits, mask) for band, logits in self.bands()), start=0.0)
        mask = mask[:, : self.columns.stop - self.columns.start]
        return mask, total / max(int(np.count_nonzero(mask)), 1)

    def _read_band(self, band: slice, logits: Tensor, mask: NDArray[np.bool_]) -> float:
        np.greater(logits.numpy(), 0, out=mask[band])
        outside = logits.numel() - np.count_nonzero(mask[band])
        return float(logits.relu_().sigmoid_().sum()) - outside * 0.5  # there each counts as the sigmoid of 0

    def bands(self) -> Iterator[tuple[slice, Tensor]]:
        """Rows of the window, and the logits there, (band, w) float32, which the caller may change."""
        height, width = len(self.taps.places), self.logits.shape[1]
        step = max(BAND_PIXELS // max(width, 1), 1)
        for start in range(0, height if width else 0, step):
            band = slice(start, min(start + step, height))
            places, shares = self.taps.places[band], self.taps.shares[band]
            yield band, functional.embedding_bag(places, self.logits, mode="sum", per_sample_weights=shares)


class Upsampler:
    """Cuts the window of each mask."""

    def __init__(self, size: Sequence[int], placement: Placement) -> None:
        """Takes the height and width of the network's output, and how it lies on the photo."""
        x0, y0, x1, y1 = placement.box
        self._rows = Taps.through(size[0], placement.padded[0], y0, y1, placement.photo[0])
        self._columns = Taps.through(size[1], placement.padded[1], x0, x1, placement.photo[1])
        self._step = kernels.vector_length()
        if kernels.library() is not None:
            self._first, self._shares = self._columns.blocks(size[1], self._step)
        else:
            self._matrix = self._columns.matrix(size[1])

    def __call__(self, mask: Tensor) -> Window:
        """The rectangle outside which a mask, (h, w) logits, is not positive; an empty one where it is positive nowhere.

        A pixel of the photo is a mean of logits around it, so it is positive only where one of them is.
        """
        positive: NDArray[np.bool_] = mask.numpy() > 0
        rows, columns = self._rows.reached(np.any(positive, axis=1)), self._columns.reached(np.any(positive, axis=0))
        columns = slice(columns.start // self._step * self._step, columns.stop)
        if kernels.library() is not None:
            blocks = slice(columns.start // self._step, -(-columns.stop // self._step))
            logits = kernels.widen(mask, self._first[blocks], self._shares[blocks])
        else:
            logits = mask @ self._matrix[:, columns]
        return Window(rows, columns, logits, Taps(self._rows.places[rows], self._rows.shares[rows]))


class LabelMap:
    """The label map, grown class by class, in the memory of a few masks."""

    def __init__(self, size: tuple[int, int]) -> None:
        height, self._width = size
        step = kernels.vector_length()
        size = height, self._width + -self._width % step
        self._labels = torch.zeros(size, dtype=torch.uint8)
        self._best = torch.zeros(size)
        self._sum = torch.zeros(size)
        self._count = torch.zeros(size, dtype=torch.uint8)
        self._windows: list[tuple[slice, slice]] = []

    @property
    def labels(self) -> NDArray[np.uint8]:
        """(H, W) the class of each pixel."""
        return self._labels[:, : self._width].contiguous().numpy()

    def add(self, window: Window, score: float) -> None:
        """Adds an instance of the current class: where sigmoid times score is above `SURE`, it counts."""
        start = window.columns.start
        place = window.rows, slice(start, start + window.logits.shape[1])
        sums, counts = self._sum[place], self._count[place]
        if kernels.library() is not None:
            kernels.add_mask(window.logits, window.taps.places, window.taps.shares, score, SURE, sums, counts)
        else:
            for band, logits in window.bands():
                values = logits.sigmoid_().mul_(score)
                counted = values > SURE
                sums[band] += values.mul_(counted)
                counts[band] += counted
        self._windows.append(place)

    def close(self, label: int) -> None:
        """Ends a class, in ascending order: it takes the pixels where its mean is above that of all classes before it."""
        if not self._windows:
            return
        rows, columns = (
            slice(min(span.start for span in spans), max(span.stop for span in spans))
            for spans in zip(*self._windows, strict=True)
        )
        sums, counts, best, labels = (x[rows, columns] for x in (self._sum, self._count, self._best, self._labels))
        if kernels.library() is not None:
            kernels.close_class(sums, counts, best, labels, label)
        else:
            mean = sums / counts.clamp(min=1)
            labels.masked_fill_(mean > best, label)
            torch.maximum(best, mean, out=best)
            sums.zero_()
            counts.zero_()
        self._windows.clear()
