"""From class and mask logits to a label map, parts and people: the rules of ModelScope's pipeline, in bounded memory.

ModelScope brings all 100 masks to the photo's size, 4.8 GB for 12 megapixels. Here a mask is brought there alone, only if its
class can still reach the score that counts, only in the rectangle where it can be positive, and a band of rows at a time, which
stays in the processor's cache; the numbers are the same. Whose a part is, which ModelScope leaves open, is decided by overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from parsing.labels import BACKGROUND, HUMAN
from parsing.result import Segment

BEST_PAIRS: Final = 100
"""How many pairs of query and class are looked at, the most probable ones."""
LOWEST_SCORE: Final = 0.1
"""Score that an instance needs to be returned."""
SURE: Final = 0.5
"""Sigmoid times score above which an instance's pixel counts in the label map."""
BAND_PIXELS: Final = 1 << 17
"""Of a band of rows: half a megabyte."""


@dataclass(frozen=True)
class Frame:
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
class Decoded:
    """What was read from the network's output.

    Attributes:
        labels: (H, W) uint8, class index of each pixel.
        parts: parts in ModelScope's order, each with the number of its person, or None where it overlaps nobody.
        people: people in ModelScope's order, numbered from 1.
        person_of: (H, W) uint8, number of the person of each pixel, 0 for none.
    """

    labels: NDArray[np.uint8]
    parts: list[Segment]
    people: list[Segment]
    person_of: NDArray[np.uint8]


@dataclass(frozen=True)
class Candidate:
    """A pair of query and class, and the softmax probability of the class."""

    query: int
    label: int
    probability: float


def decode_instances(class_logits: Tensor, mask_logits: Tensor, frame: Frame, num_parts: int, part_threshold: float) -> Decoded:
    """Reads the network's output as parts and people, as the multi-person models do.

    The 100 most probable pairs of query and class are candidates. A candidate's mask is where its logits are positive, its
    score the probability times the mean sigmoid of those logits. In the label map a class has at each pixel the mean of sigmoid
    times score over its instances that score at least `part_threshold` and come to more than 0.5 there; the highest class wins,
    background where there is none.

    Args:
        class_logits: (Q, classes + 1) float32, "no object" last.
        mask_logits: (Q, h, w) float32.
        frame: how the masks lie on the photo.
        num_parts: classes of the label map, background included; the class of this index is a whole person.
        part_threshold: as above.
    """
    candidates = _best_pairs(class_logits)
    upsample = Upsampler(mask_logits.shape[1:], frame)
    label_map = LabelMap(frame.photo)
    found: dict[Candidate, Segment] = {}
    for label in sorted({candidate.label for candidate in candidates}):
        for candidate in (candidate for candidate in candidates if candidate.label == label):
            window = upsample(mask_logits[candidate.query])
            mask, certainty = window.read()
            score = candidate.probability * certainty
            if label < num_parts and score >= part_threshold and score > SURE:  # no sigmoid reaches 1
                label_map.add(window, score)
            if label != BACKGROUND and score >= LOWEST_SCORE:
                origin = (window.columns.start, window.rows.start)
                known = HUMAN if label == num_parts else label
                found[candidate] = Segment.from_mask(mask, known, score, origin=origin, size=frame.photo)
        label_map.close(label)

    parts = [candidate for candidate in candidates if candidate in found and candidate.label != num_parts]
    people = [candidate for candidate in candidates if candidate in found and candidate.label == num_parts]
    masks = (mask_logits > 0).flatten(1).float()  # (Q, h * w): overlaps are counted on the network's own grid
    overlaps = masks[[part.query for part in parts]] @ masks[[person.query for person in people]].T  # (parts, people)
    numbered = [replace(found[person], person=number) for number, person in enumerate(people, start=1)]
    owned = [replace(found[part], person=owner) for part, owner in zip(parts, owners(overlaps), strict=True)]
    return Decoded(label_map.labels.numpy(), owned, numbered, layer_people(owned, numbered, frame.photo))


def decode_pixels(class_logits: Tensor, mask_logits: Tensor, frame: Frame) -> Decoded:
    """Reads the network's output as votes for the class of each pixel, as the single-person model does.

    A query's vote for a class is its softmax probability times the sigmoid of its mask; votes are summed at the size of the
    network's input and then brought to the photo's size. The score of a part is the mean sigmoid of its class's votes.

    Args:
        class_logits: (Q, classes + 1) float32, "no object" last.
        mask_logits: (Q, h, w) float32.
        frame: how the masks lie on the photo.
    """
    x0, y0, x1, y1 = frame.box
    probabilities = class_logits.softmax(dim=1)[:, :-1]  # (Q, classes)
    masks = functional.interpolate(mask_logits[None], size=frame.padded, mode="bilinear", align_corners=False)
    masks = masks[0, :, y0:y1, x0:x1].sigmoid()  # (Q, h of the photo in the input, w)
    votes = torch.einsum("qc,qhw->chw", probabilities, masks)
    best = torch.full(frame.photo, -1.0)
    labels = torch.zeros(frame.photo, dtype=torch.uint8)
    for label, vote in enumerate(votes):  # one at a time: all of them are 1 GB for 12 megapixels
        vote = functional.interpolate(vote[None, None], size=frame.photo, mode="bilinear", align_corners=False)[0, 0]  # (H, W)
        labels.masked_fill_(vote > best, label)
        torch.maximum(best, vote, out=best)

    confidence = best.sigmoid_()

    def segment(mask: Tensor, label: int) -> Segment:
        score = float((confidence * mask).sum()) / (int(mask.sum()) + 1)
        return Segment.from_mask(mask.numpy(), label, score, person=1)

    foreground = labels != BACKGROUND
    parts = [segment(labels == label, label) for label in labels.unique().tolist() if label != BACKGROUND]
    people = [segment(foreground, HUMAN)] if parts else []
    return Decoded(labels.numpy(), parts, people, foreground.to(torch.uint8).numpy())


@dataclass(frozen=True)
class Taps:
    """Linear interpolation along one axis: entry n of the result is `low[n]` and `high[n]` of the source, mixed by `share[n]`.

    Attributes:
        low: (n,) int64, ascending.
        high: (n,) int64, the next one, or the last.
        share: (n, 1) float32 of `high`.
    """

    low: Tensor
    high: Tensor
    share: Tensor

    @classmethod
    def resize(cls, source: int, target: int) -> Taps:
        """From `source` to `target` entries, edges aligned, as torch's `interpolate` without `align_corners` does."""
        place = ((torch.arange(target) + 0.5) * (source / target) - 0.5).clamp_(min=0)
        low = place.to(torch.int64)
        return cls(low, (low + 1).clamp_(max=source - 1), (place - low)[:, None])

    def __getitem__(self, part: slice) -> Taps:
        """The same for a part of the result."""
        return Taps(self.low[part], self.high[part], self.share[part])

    def __call__(self, x: Tensor) -> Tensor:
        """From (source, m) to (n, m)."""
        return torch.lerp(x.index_select(0, self.low), x.index_select(0, self.high), self.share)

    def reached(self, first: int, last: int) -> slice:
        """The entries that read something between two entries of the source, these included."""
        return slice(int(torch.searchsorted(self.high, first)), int(torch.searchsorted(self.low, last, right=True)))


@dataclass(frozen=True)
class Window:
    """A mask's logits in a rectangle of the photo, of which one band of rows exists at a time.

    Attributes:
        rows: of the photo.
        columns: of the photo.
        logits: (h, columns) float32, at the photo's width and the height of the network's input.
        taps: to the photo's rows.
    """

    rows: slice
    columns: slice
    logits: Tensor
    taps: Taps

    def bands(self) -> Iterator[tuple[slice, Tensor]]:
        """Rows of the window, and the logits there, (band, columns) float32, which the caller may change."""
        height, width = len(self.taps.low), self.logits.shape[1]
        step = max(BAND_PIXELS // max(width, 1), 1)
        for start in range(0, height, step):
            band = slice(start, min(start + step, height))
            yield band, self.taps[band](self.logits)

    def read(self) -> tuple[NDArray[np.bool_], float]:
        """The mask in the window, (rows, columns), true where logits are positive, and their mean sigmoid there, 0 for none."""
        mask = np.empty((len(self.taps.low), self.logits.shape[1]), bool)
        total = 0.0
        for band, logits in self.bands():
            np.greater(logits.numpy(), 0, out=mask[band])
            total += float(logits.relu_().sigmoid_().sum())
        pixels = np.count_nonzero(mask)
        outside = mask.size - pixels  # each counted as the sigmoid of 0
        return mask, (total - outside * 0.5) / max(pixels, 1)


class Upsampler:
    """Brings masks to the photo's size as the pipeline does: resized to the network's input, cropped, resized to the photo.

    Both steps are bilinear, thus separable: columns first, by a matrix that does both steps at once, then rows, of which each
    step mixes two.
    """

    def __init__(self, size: Sequence[int], frame: Frame) -> None:
        x0, y0, x1, y1 = frame.box
        self._rows = Taps.resize(size[0], frame.padded[0])[y0:y1], Taps.resize(y1 - y0, frame.photo[0])
        self._columns = Taps.resize(size[1], frame.padded[1])[x0:x1], Taps.resize(x1 - x0, frame.photo[1])
        self._widen = self._columns[1](self._columns[0](torch.eye(size[1]))).T.contiguous()  # (w, W)

    def __call__(self, mask: Tensor) -> Window:
        """The rectangle outside which a mask, (h, w) logits, is not positive; an empty one where it is positive nowhere.

        A pixel of the photo is a mean of logits around it, so it is positive only where one of them is.
        """
        positive = mask.numpy() > 0
        rows = _reached(self._rows, positive.any(axis=1))
        columns = _reached(self._columns, positive.any(axis=0))
        to_input, to_photo = self._rows
        return Window(rows, columns, to_input(mask @ self._widen[:, columns]), to_photo[rows])


def _reached(steps: tuple[Taps, Taps], used: NDArray[np.bool_]) -> slice:
    """The entries, after two steps, that read something between the first and the last used one."""
    places = np.flatnonzero(used)
    if places.size == 0:
        return slice(0, 0)
    near = steps[0].reached(int(places[0]), int(places[-1]))
    return steps[1].reached(near.start, near.stop - 1)


class LabelMap:
    """The label map, grown class by class, in the memory of a few masks."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.labels = torch.zeros(size, dtype=torch.uint8)
        self._best = torch.zeros(size)
        self._sum = torch.zeros(size)
        self._count = torch.zeros(size, dtype=torch.uint8)
        self._windows: list[tuple[slice, slice]] = []

    def add(self, window: Window, score: float) -> None:
        """Adds an instance of the current class: where sigmoid times score is above `SURE`, it counts."""
        for band, logits in window.bands():
            rows = slice(window.rows.start + band.start, window.rows.start + band.stop)
            values = logits.sigmoid_().mul_(score)
            counts = values > SURE
            self._sum[rows, window.columns] += values.mul_(counts)
            self._count[rows, window.columns] += counts
        self._windows.append((window.rows, window.columns))

    def close(self, label: int) -> None:
        """Ends a class, in ascending order: it takes the pixels where its mean is above that of all classes before it."""
        if not self._windows:
            return
        rows, columns = (
            slice(min(span.start for span in spans), max(span.stop for span in spans))
            for spans in zip(*self._windows, strict=True)
        )
        mean = self._sum[rows, columns] / self._count[rows, columns].clamp(min=1)
        self.labels[rows, columns].masked_fill_(mean > self._best[rows, columns], label)
        torch.maximum(self._best[rows, columns], mean, out=self._best[rows, columns])
        self._sum[rows, columns] = 0
        self._count[rows, columns] = 0
        self._windows.clear()


def _best_pairs(class_logits: Tensor) -> list[Candidate]:
    """The most probable pairs of query and class; a score is at most its probability, so improbable ones are left out."""
    probabilities = class_logits.softmax(dim=1)[:, :-1]  # (Q, classes)
    # Unsorted, because ModelScope returns instances in the order in which this leaves them.
    chances, places = probabilities.flatten().topk(min(BEST_PAIRS, probabilities.numel()), sorted=False)
    return [
        Candidate(*divmod(place, probabilities.shape[1]), chance)
        for chance, place in zip(chances.tolist(), places.tolist(), strict=True)
        if chance >= LOWEST_SCORE
    ]


def owners(overlaps: Tensor) -> list[int | None]:
    """For each part the number, from 1, of the person whose mask covers most of it, None where none does.

    Args:
        overlaps: (parts, people) pixels that a part and a person have in common.
    """
    return [int(overlap.argmax()) + 1 if overlap.any() else None for overlap in overlaps]


def layer_people(parts: list[Segment], people: list[Segment], photo: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W) the person of each pixel: masks of people, the surest on top, then their parts, the smallest on top."""
    person_of = np.zeros(photo, np.uint8)
    owned = [part for part in parts if part.person is not None]
    layers = sorted(people, key=lambda person: person.score) + sorted(owned, key=lambda part: -part.area)
    for segment in layers:
        x0, y0, x1, y1 = segment.box
        np.copyto(person_of[y0:y1, x0:x1], np.uint8(segment.person), where=segment.crop)
    return person_of
