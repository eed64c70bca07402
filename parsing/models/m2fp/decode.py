"""From class and mask logits to a label map, parts and people: the rules of ModelScope's pipeline, in bounded memory.

ModelScope brings all 100 masks to the photo's size, 4.8 GB for 12 megapixels. Here a mask is brought there alone, only if its
class can still reach the score that counts, only in the rectangle where it can be positive, and a band of rows at a time, which
stays in the processor's cache; the numbers are the same. Whose a part is, which ModelScope leaves open, is decided by overlap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from parsing.labels import BACKGROUND, HUMAN
from parsing.models.m2fp.masks import SURE, LabelMap, Placement, Upsampler
from parsing.result import Segment

BEST_PAIRS: Final = 100
"""How many pairs of query and class are looked at, the most probable ones."""
LOWEST_SCORE: Final = 0.1
"""Score that an instance needs to be returned."""


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


def decode_instances(
    class_logits: Tensor, mask_logits: Tensor, placement: Placement, num_parts: int, part_threshold: float
) -> Decoded:
    """Reads the network's output as parts and people, as the multi-person models do.

    The 100 most probable pairs of query and class are candidates. A candidate's mask is where its logits are positive, its
    score the probability times the mean sigmoid of those logits. In the label map a class has at each pixel the mean of sigmoid
    times score over its instances that score at least `part_threshold` and come to more than 0.5 there; the highest class wins,
    background where there is none.

    Args:
        class_logits: (Q, classes + 1) float32, "no object" last.
        mask_logits: (Q, h, w) float32.
        placement: how the masks lie on the photo.
        num_parts: classes of the label map, background included; the class of this index is a whole person.
        part_threshold: as above.
    """
    candidates = _best_pairs(class_logits)
    upsample = Upsampler(mask_logits.shape[1:], placement)
    label_map = LabelMap(placement.photo)
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
                found[candidate] = Segment.from_mask(mask, known, score, origin=origin, size=placement.photo)
        label_map.close(label)

    parts = [candidate for candidate in candidates if candidate in found and candidate.label != num_parts]
    people = [candidate for candidate in candidates if candidate in found and candidate.label == num_parts]
    masks = (mask_logits > 0).flatten(1).float()  # (Q, h * w): overlaps are counted on the network's own grid
    overlaps = masks[[part.query for part in parts]] @ masks[[person.query for person in people]].T  # (parts, people)
    numbered = [replace(found[person], person=number) for number, person in enumerate(people, start=1)]
    owned = [replace(found[part], person=owner) for part, owner in zip(parts, owners(overlaps), strict=True)]
    return Decoded(label_map.labels, owned, numbered, layer_people(owned, numbered, placement.photo))


def decode_pixels(class_logits: Tensor, mask_logits: Tensor, placement: Placement) -> Decoded:
    """Reads the network's output as votes for the class of each pixel, as the single-person model does.

    A query's vote for a class is its softmax probability times the sigmoid of its mask; votes are summed at the size of the
    network's input and then brought to the photo's size. The score of a part is the mean sigmoid of its class's votes.

    Args:
        class_logits: (Q, classes + 1) float32, "no object" last.
        mask_logits: (Q, h, w) float32.
        placement: how the masks lie on the photo.
    """
    x0, y0, x1, y1 = placement.box
    probabilities = class_logits.softmax(dim=1)[:, :-1]  # (Q, classes)
    masks = functional.interpolate(mask_logits[None], size=placement.padded, mode="bilinear", align_corners=False)
    masks = masks[0, :, y0:y1, x0:x1].sigmoid()  # (Q, h of the photo in the input, w)
    votes = torch.einsum("qc,qhw->chw", probabilities, masks)
    best = torch.full(placement.photo, -1.0)
    labels = torch.zeros(placement.photo, dtype=torch.uint8)
    for label, vote in enumerate(votes):  # one at a time: all of them are 1 GB for 12 megapixels
        vote = functional.interpolate(vote[None, None], size=placement.photo, mode="bilinear", align_corners=False)
        vote = vote[0, 0]  # (H, W)
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


def _best_pairs(class_logits: Tensor) -> list[Candidate]:
    """The most probable pairs of query and class; a score is at most its probability, so improbable ones are left out."""
    probabilities = class_logits.softmax(dim=1)[:, :-1]  # (Q, classes)
    # Unsorted, because ModelScope returns instances in the order in which this leaves them.
    chances, places = probabilities.flatten().topk(min(BEST_PAIRS, probabilities.numel()), sorted=False)
    return [
        Candidate(place // probabilities.shape[1], place % probabilities.shape[1], chance)
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
        inside = person_of[y0:y1, x0:x1]
        # Five times faster than `copyto` with `where`; a difference below zero comes out right modulo 256.
        inside += (np.uint8(segment.person or 0) - inside) * segment.crop.view(np.uint8)
    return person_of
