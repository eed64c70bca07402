"""What the network should answer for a training picture, and the loss that compares the two."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.augment import Picture
from training.data import IGNORE, NUM_PARTS
from training.network import OFFSET_UNIT

PERSON_STRIDE = 8
SMALLEST_PERSON = 48
"""Pixels; a smaller remnant of a person has no centre worth learning."""


def person_targets(people: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Heatmap of centres, offsets to them and their weights, at stride 8 (Panoptic-DeepLab, section 3.2).

    Returns:
        (5, H/8, W/8): heatmap in [0, 1]; offset x and y in `OFFSET_UNIT` pixels; weight of the heatmap; weight of the offset.
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
        target[4][here] = 1
    return target


def example(picture: Picture, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    """Pixels (H, W, 3), labels at stride 2 and person targets of one picture.

    Which of the four pixels under a label of stride 2 is taken is left to chance, so that the grid is centred on average.
    """
    row, column = rng.integers(0, 2, 2)
    return picture.pixels, picture.labels[row::2, column::2], person_targets(picture.people, picture.labels)


def loss(outputs: tuple[Tensor, Tensor, Tensor], labels: Tensor, person: Tensor) -> dict[str, Tensor]:
    """Cross-entropy and Dice of the parts, focal loss of the heatmap, L1 of the offsets; their sum is "total".

    Args:
        outputs: of `LiteNetwork`.
        labels: (B, H/2, W/2) int64 with `IGNORE`.
        person: (B, 5, H/8, W/8) of `person_targets`.
    """
    parts, centers, offsets = (output.float() for output in outputs)
    cross_entropy = functional.cross_entropy(parts, labels, ignore_index=IGNORE)
    known = labels != IGNORE
    probability = parts.softmax(1) * known[:, None]
    wanted = functional.one_hot(labels.where(known, 0), NUM_PARTS).permute(0, 3, 1, 2) * known[:, None]
    overlap = (probability * wanted).sum((0, 2, 3))
    size = probability.sum((0, 2, 3)) + wanted.sum((0, 2, 3))
    present = wanted.sum((0, 2, 3)) > 0
    dice = (1 - (2 * overlap + 1) / (size + 1))[present].mean()
    heat, weight = person[:, :1], person[:, 3:4]
    probability = centers.sigmoid().clamp(1e-4, 1 - 1e-4)
    peak = (heat > 0.99).float()
    # CornerNet's focal loss (arXiv 1808.01244): pixels near a centre count less as mistakes
    positive = peak * (1 - probability) ** 2 * probability.log()
    negative = (1 - peak) * (1 - heat) ** 4 * probability**2 * (1 - probability).log()
    focal = -(weight * (positive + negative)).sum() / peak.sum().clamp(min=1)
    inside = person[:, 4:5]
    distance = ((offsets - person[:, 1:3]).abs() * inside).sum() / (2 * inside.sum()).clamp(min=1)
    total = cross_entropy + dice + 0.15 * focal + 0.5 * distance
    return {"total": total, "cross_entropy": cross_entropy, "dice": dice, "center": focal, "offset": distance}


def as_tensors(examples: list[tuple[NDArray, NDArray, NDArray]]) -> tuple[Tensor, Tensor, Tensor]:
    """A batch: pixels uint8 (B, 3, H, W) in channels-last memory, labels and person targets."""
    pixels, labels, person = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*examples, strict=True))
    return pixels.permute(0, 3, 1, 2), labels, person
