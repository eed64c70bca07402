"""What the network should answer for a training picture, and the loss that compares the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.augment import Picture
from training.data import IGNORE, NUM_PARTS, PERSON
from training.network import OFFSET_UNIT

PERSON_STRIDE = 8
SMALLEST_PERSON = 48
"""Pixels; a smaller remnant of a person has no centre worth learning."""


SMALLEST_PART = 6
"""Pixels at stride 2 from which a class counts as present."""
DOUBT = 0.25
"""Share of people's pixels without a class from which the absence of a class says nothing."""
WEIGHTS: Final = {"cross_entropy": 1.0, "dice": 1.0, "center": 0.15, "offset": 2.0, "presence": 0.5}


def person_targets(people: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Heatmap of centres, offsets to them and their weights, at stride 8 (Panoptic-DeepLab, section 3.2).

    Returns:
        (5, H/8, W/8): heatmap in [0, 1]; offset x and y in `OFFSET_UNIT` pixels; weight of the heatmap; weight of the offset,
        which makes of its error a share of the person's size: a small person is as easily missed as a large one.
    """
    height, width = people.shape
    rows = np.arange(height // PERSON_STRIDE, dtype=np.float32) * PERSON_STRIDE + (PERSON_STRIDE - 1) / 2
    columns = np.arange(width // PERSON_STRIDE, dtype=np.float32) * PERSON_STRIDE + (PERSON_STRIDE - 1) / 2
    sampled = people[PERSON_STRIDE // 2 :: PERSON_STRIDE, PERSON_STRIDE // 2 :: PERSON_STRIDE]
    target = np.zeros((5, *sampled.shape), np.float32)
    target[3] = labels[PERSON_STRIDE // 2 :: PERSON_STRIDE, PERSON_STRIDE // 2 :: PERSON_STRIDE] != IGNORE
    for number in np.unique(people):
        if number == 0:
            continue
        mask = (people == number).astype(np.uint8)
        moments = cv2.moments(mask, binaryImage=True)
        here = sampled == number
        if moments["m00"] < SMALLEST_PERSON:
            target[3][here] = 0
            continue
        x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
        _, _, box_width, box_height = cv2.boundingRect(mask)
        sigma = np.clip(0.04 * max(box_width, box_height), 5, 16)
        heat = np.exp(-((rows[:, None] - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2))
        target[0] = np.maximum(target[0], heat / heat.max())
        target[3][heat > 0.3] = 1
        target[1][here] = (np.broadcast_to(columns, here.shape)[here] - x) / -OFFSET_UNIT
        target[2][here] = (np.broadcast_to(rows[:, None], here.shape)[here] - y) / -OFFSET_UNIT
        target[4][here] = OFFSET_UNIT / moments["m00"] ** 0.5
    return target


def presence_target(labels: NDArray[np.uint8], people: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(20,): 1 for a class that is in the picture, 0 for one that is not, -1 where nobody knows: too few pixels to see it, or
    too many that might be it.
    """
    counts = np.bincount(labels.ravel(), minlength=256)[:NUM_PARTS]
    doubtful = (people > 0) & (labels >= PERSON)
    unknown = doubtful.sum() > DOUBT * max(np.count_nonzero(people), 1)
    target = np.where(counts >= SMALLEST_PART, 1, -1).astype(np.float32)
    target[counts == 0] = -1 if unknown else 0
    return target


@dataclass(frozen=True)
class Batch:
    """Pictures and what the network should answer.

    Attributes:
        pixels: (B, 3, H, W) uint8, channels-last in memory.
        labels: (B, H/2, W/2) uint8 with `PERSON` and `IGNORE`.
        person: (B, 5, H/8, W/8) of `person_targets`.
        presence: (B, 20) of `presence_target`.
    """

    pixels: Tensor
    labels: Tensor
    person: Tensor
    presence: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(*(tensor.to(device) for tensor in (self.pixels, self.labels, self.person, self.presence)))


def make_batch(pictures: Sequence[Picture], rng: np.random.Generator) -> Batch:
    """The batch of some pictures of one size.

    Which of the four pixels under a label of stride 2 is taken is left to chance, so that the grid is centred on average.
    """
    row, column = rng.integers(0, 2, 2)
    labels = [np.ascontiguousarray(picture.labels[row::2, column::2]) for picture in pictures]
    presence = [
        presence_target(label, picture.people[row::2, column::2]) for label, picture in zip(labels, pictures, strict=True)
    ]
    person = [person_targets(picture.people, picture.labels) for picture in pictures]
    pixels = np.stack([picture.pixels for picture in pictures])
    targets = (torch.from_numpy(np.stack(target)) for target in (labels, person, presence))
    return Batch(torch.from_numpy(pixels).permute(0, 3, 1, 2), *targets)


def loss(outputs: tuple[Tensor, ...], batch: Batch) -> dict[str, Tensor]:
    """Losses of the answers of `LiteNetwork` or `GarmentNetwork`; their weighted sum is "total"."""
    parts, *people, presence = (output.float() for output in outputs)
    losses = {**parts_loss(parts, batch.labels), "presence": presence_loss(presence, batch.presence)}
    if people:
        losses |= people_loss(*people, batch.person)
    total = sum(WEIGHTS[name] * value for name, value in losses.items())
    return {"total": total, **losses}


def parts_loss(parts: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Cross-entropy and Dice (Milletari et al., arXiv 1606.04797) of part logits (B, 20, H, W); at `PERSON` the answer may be
    anything but background.
    """
    scores = parts.permute(0, 2, 3, 1).reshape(-1, NUM_PARTS)  # (N, 20)
    wanted = labels.flatten().long()
    logarithm = scores.log_softmax(1)
    certain, somebody = wanted < NUM_PARTS, wanted == PERSON
    target = wanted.where(certain, 0)
    right = logarithm.gather(1, target[:, None])[:, 0]
    somebodys = torch.log1p(-logarithm[:, 0].exp().clamp(max=1 - 1e-4))
    cross_entropy = -(right * certain + somebodys * somebody).sum() / (certain | somebody).sum().clamp(min=1)
    zeros = scores.new_zeros(NUM_PARTS)
    weight = certain.float()
    overlap = zeros.index_add(0, target, right.exp() * weight)
    count = zeros.index_add(0, target, weight)
    size = weight @ logarithm.exp() + count
    dice = (1 - (2 * overlap + 1) / (size + 1))[count > 0].mean()
    return {"cross_entropy": cross_entropy, "dice": dice}


def people_loss(centers: Tensor, offsets: Tensor, person: Tensor) -> dict[str, Tensor]:
    """Focal loss of the heatmap's logits (CornerNet's, arXiv 1808.01244: pixels near a centre count less as mistakes) and L1 of
    the offsets.
    """
    heat, weight = person[:, :1], person[:, 3:4]
    probability = centers.sigmoid().clamp(1e-4, 1 - 1e-4)
    peak = (heat > 0.99).float()
    positive = peak * (1 - probability) ** 2 * probability.log()
    negative = (1 - peak) * (1 - heat) ** 4 * probability**2 * (1 - probability).log()
    focal = -(weight * (positive + negative)).sum() / peak.sum().clamp(min=1)
    inside = person[:, 4:5]
    distance = ((offsets - person[:, 1:3]).abs() * inside).sum() / (2 * (inside > 0).sum()).clamp(min=1)
    return {"center": focal, "offset": distance}


def presence_loss(presence: Tensor, wanted: Tensor) -> Tensor:
    """Binary cross-entropy of the presence logits (B, 20), where it is known."""
    known = (wanted >= 0).float()
    return functional.binary_cross_entropy_with_logits(presence, wanted.clamp(min=0), known, reduction="sum") / known.sum()
