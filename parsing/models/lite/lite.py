"""The embedded model: a small network run by ONNX Runtime, first on the whole photo, then on each person, and another that
knows better what that person wears.

The first look, at low resolution, finds the people; where somebody is alone and large, a glance is enough. The second takes
each person's view at one fixed area, so that a face in a portrait and a figure in a group of ten reach the network at about the
size it was trained on. The networks and their training are in `training/`; the model card is `README.md` beside this file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.labels import BACKGROUND, HUMAN, PARTS, part_index
from parsing.models.lite.networks import PART_STRIDE, PERSON_STRIDE, STRIDE, Answer, GarmentNetwork, PartNetwork, mean
from parsing.models.lite.people import find_faces, find_people, squared_distances
from parsing.models.lite.scores import crop_scores, label_map, settle_garments, shrink_scores, with_opinion, with_presence
from parsing.result import Parsing, Segment
from parsing.stages import OnStage, Stage, Stages

MODEL_FILE: Final = Path(__file__).parent / "lite.onnx"
GARMENTS_NAME: Final = "garments.onnx"
"""Of the second network's file, beside the first's."""
FACE: Final = (part_index("Face"), part_index("Sunglasses"))
LONGEST_SIDE: Final = 1536
GLANCE_AREA: Final = 256 * 256
"""Pixels of a glance at the whole photo, in which somebody alone and large is seen as well as in more."""
LOOK_AREA: Final = 320 * 320
"""Pixels of the first look, over the whole photo, at everybody else."""
PERSON_AREA: Final = 56_000
"""Pixels of the second look, at one person, by both networks; 72,000 are no better and take longer."""
PORTRAIT_AREA: Final = 112_000
"""Pixels of the second network's look at somebody alone and large: there is time for it, and it is the better for it."""
LARGEST_ZOOM: Final = 3.0
"""A small figure is enlarged by no more than this."""
LARGE: Final = 0.5
"""Share of the photo that one person's view covers at least where a glance at the photo counts as one of the closer looks: half
the arithmetic, and about the same accuracy.
"""
MARGIN: Final = 0.25
"""Added around a person's box on each side, as a share of its size: the first look may have missed a hand."""
INSIDE: Final = 0.3
"""Share of a cell that parts must cover for it to be somebody's."""
SMALLEST_PIECE: Final = 0.05
"""Patches of a person smaller than this share of them are left out of their box."""
LEAST_CERTAIN: Final = 0.8
"""Mean probability of being somebody at all, over what the closer look finds; with less it is a statue or a chair."""
UNRIVALLED: Final = 10.0
"""Claim to a pixel that nobody else can have: far above any other."""
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Person:
    """Somebody found at first look: centre x, y and box in photo pixels, score in [0, 1]; the view is the box with a margin,
    at which the closer look is taken.
    """

    center: tuple[float, float]
    box: Box
    view: Box
    score: float


class Lite:
    """The embedded model. It tells 20 classes and separate people; what it gets wrong is in its model card.

    Attributes:
        ask: the first network, which is asked about a picture.
        garments: the second, which knows what the person in a picture wears.
        classes: those of CIHP.
        title: what the page calls it; a file that `training.distill` wrote brings a title that says whom it has learnt from.
    """

    name: Final = "lite"

    def __init__(self, file: str | os.PathLike[str] = MODEL_FILE) -> None:
        """Loads both networks, the second from beside `file`; raises OSError, with a sentence for the user, where a file is
        missing or damaged.
        """
        self.ask = PartNetwork(Path(file))
        self.garments = GarmentNetwork(garments_beside(Path(file)))
        self.classes = PARTS
        self.title = self.ask.title or "Lite (embedded)"

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        """Parses one RGB uint8 (H, W, 3) picture; tells its stages, in "parse" each person."""
        size = image.shape[:2]
        stages = Stages(on_stage)
        with stages("find"):
            look = self.ask(_resize(image, GLANCE_AREA))
            people = _locate_people(look, size)
            if not _is_portrait(people, size):
                small = _resize(image, LOOK_AREA)
                look = self.ask(small)
                people = _locate_people(look, size)
                if len(people) > 1:  # a second opinion in the mirror: 2 in 100 pasted groups more are counted right
                    look = mean(look, self.ask(small[:, ::-1]).mirrored())
                    people = _locate_people(look, size)
        with stages("parse", len(people)):
            labels = np.zeros(size, np.uint8) if people else label_map(look.parts, size)
            person_of = np.zeros(size, np.uint8)
            claims = np.zeros(size, np.float32)
            confidence = np.zeros((len(people), len(PARTS)))
            portrait = look if _is_portrait(people, size) else None
            largest_first = sorted(range(len(people)), key=lambda index: -_area(people[index].box))
            for number, index in enumerate(largest_first, start=1):
                stages.tell(Stage("parse", number, len(people)))
                view = people[index].view
                answer = self._look_closer(image, view) if portrait is None else self._look_again(image, view, portrait)
                confidence[index] = _parse_person(answer, people, index, labels, person_of, claims)
        with stages("decode"):
            parts, humans, person_of = _segments(labels, person_of, people, confidence)
        return Parsing(labels, parts, humans, self.name, stages.timings, person_of)

    def _look_closer(self, image: NDArray[np.uint8], view: Box) -> Answer:
        """A closer look at a `view` of somebody: the mean of two opinions, of the picture and of its mirror image, which is
        0.01 mean IoU better than one. What is worn, the second network says.
        """
        small = _resize_view(image, view, PERSON_AREA)
        answer = mean(self.ask(small), self.ask(small[:, ::-1]).mirrored())
        return replace(answer, parts=with_presence(answer.parts, answer.presence, self.garments.worn(small)))

    def _look_again(self, image: NDArray[np.uint8], view: Box, look: Answer) -> Answer:
        """A closer look at the `view` of somebody alone and large: the mean of the first `look` and of its mirror image. The
        second network says what is worn and, in more detail, has half a say in where.
        """
        mirrored = self.ask(_resize_view(image, view, PERSON_AREA)[:, ::-1]).mirrored()
        size = mirrored.parts.shape[1:]
        parts = crop_scores(look.parts, view, image.shape[:2], size)
        answer = mean(replace(mirrored, parts=parts, presence=look.presence), mirrored)
        where, worn = self.garments.parse(_resize_view(image, view, PORTRAIT_AREA))
        scores = with_opinion(with_presence(answer.parts, answer.presence, worn), shrink_scores(where, size))
        return replace(answer, parts=scores)


def garments_beside(file: Path) -> Path:
    """The second network's file, of the first's."""
    return file.with_name(GARMENTS_NAME)


def _parse_person(
    answer: Answer,
    people: list[_Person],
    index: int,
    labels: NDArray[np.uint8],
    person_of: NDArray[np.uint8],
    claims: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Writes the parts that a closer look at one person found into `labels` and `person_of` where its claim is above all
    `claims` before, unless it is nobody; returns the confidence in each class.
    """
    area = _slices(people[index].view)
    scores = settle_garments(answer.parts)
    best, top = scores.argmax(axis=0), scores.max(axis=0)
    probability = 1 / np.exp(scores - top).sum(axis=0)  # of the best class
    claim = _claim(answer, people, index)
    somebody = 1 - probability * np.exp(scores[BACKGROUND] - top)
    its = (best != BACKGROUND) & (claim > 0).repeat(PERSON_STRIDE // PART_STRIDE, 0).repeat(PERSON_STRIDE // PART_STRIDE, 1)
    if its.any() and somebody[its].mean() >= LEAST_CERTAIN:
        found = label_map(scores, labels[area].shape)
        mask = found != BACKGROUND
        if len(people) > 1:
            claimed = np.asarray(cv2.resize(claim, found.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
            mask &= claimed > claims[area]
            np.copyto(claims[area], claimed, where=mask)
        np.copyto(labels[area], found, where=mask)
        np.copyto(person_of[area], np.uint8(index + 1), where=mask)
    counts = np.bincount(best.ravel(), minlength=len(PARTS))
    return np.bincount(best.ravel(), probability.ravel(), len(PARTS)) / np.maximum(counts, 1)


def _resize_view(image: NDArray[np.uint8], view: Box, area: float) -> NDArray[np.uint8]:
    """What is in a view, at a size that the networks take, of at most about `area` pixels."""
    return _resize(image[_slices(view)], min(area, LARGEST_ZOOM**2 * _area(view)))


def _resize(image: NDArray[np.uint8], area: float) -> NDArray[np.uint8]:
    """The picture at a size that the network takes, of about `area` pixels."""
    size = _network_size(image.shape[:2], area)
    shrinking = size[0] < image.shape[0]
    resized = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def _network_size(size: tuple[int, int], area: float) -> tuple[int, int]:
    """Height and width, multiples of `STRIDE`, of about `area` pixels and the same shape as `size`."""
    zoom = (area / (size[0] * size[1])) ** 0.5
    return tuple(min(max(round(side * zoom / STRIDE), 1), LONGEST_SIDE // STRIDE) * STRIDE for side in size)


def _locate_people(look: Answer, size: tuple[int, int]) -> list[_Person]:
    """The people of the first look, from left to right."""
    labels = look.parts.argmax(axis=0)
    cells = look.heat.shape[::-1]
    inside = cv2.resize((labels != BACKGROUND).astype(np.float32), cells, interpolation=cv2.INTER_AREA) > INSIDE
    faces = find_faces(np.isin(labels, FACE), PART_STRIDE)
    centers, numbers = find_people(look.heat, look.spots, inside, faces, PERSON_STRIDE)
    zoom = np.array(size) / (np.array(look.heat.shape) * PERSON_STRIDE)
    people = []
    for number, center in enumerate(centers, start=1):
        if not (numbers == number).any():
            continue
        x0, y0, x1, y1 = _main_box(numbers == number)
        rows, columns = zoom * PERSON_STRIDE
        box = (int(x0 * columns), int(y0 * rows), int(np.ceil(x1 * columns)), int(np.ceil(y1 * rows)))
        spot = ((center.x + 0.5) * zoom[1] - 0.5, (center.y + 0.5) * zoom[0] - 0.5)
        people.append(_Person(spot, box, _with_margin(box, size), center.score))
    return sorted(people, key=lambda person: person.center[0])


def _is_portrait(people: list[_Person], size: tuple[int, int]) -> bool:
    """Whether somebody is alone and large in a photo of (height, width) `size`."""
    return len(people) == 1 and _area(people[0].view) >= LARGE * size[0] * size[1]


def _main_box(mask: NDArray[np.bool_]) -> Box:
    """Box of a mask, without patches smaller than a twentieth of it: one stray cell would make the second look too small."""
    _, components, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    cells = stats[1:, cv2.CC_STAT_AREA]
    kept = np.isin(components, 1 + np.flatnonzero(cells >= SMALLEST_PIECE * cells.sum()))
    x, y, width, height = cv2.boundingRect(kept.astype(np.uint8))
    return x, y, x + width, y + height


def _claim(answer: Answer, people: list[_Person], index: int) -> NDArray[np.float32]:
    """(H/8, W/8), by how much more each cell of the closer look belongs to this person than to anybody else in the picture: how
    much nearer its vote is, as a share of the look's size. Below 0 where it is another's, `UNRIVALLED` where there is no other.
    """
    x0, y0, x1, y1 = view = people[index].view
    rivals = [index] + [other for other in range(len(people)) if other != index and _overlap(people[other].box, view)]
    height, width = answer.heat.shape
    if len(rivals) == 1:
        return np.full((height, width), UNRIVALLED, np.float32)
    zoom = (width * PERSON_STRIDE / (x1 - x0), height * PERSON_STRIDE / (y1 - y0))
    centers = [
        ((people[i].center[0] + 0.5 - x0) * zoom[0] - 0.5, (people[i].center[1] + 0.5 - y0) * zoom[1] - 0.5) for i in rivals
    ]
    distances = np.sqrt(squared_distances(answer.spots, np.array(centers, np.float32)))
    nearer: NDArray[np.float32] = distances[1:].min(axis=0) - distances[0]
    return nearer / np.float32(PERSON_STRIDE * (height * width) ** 0.5)


def _segments(
    labels: NDArray[np.uint8], person_of: NDArray[np.uint8], people: list[_Person], confidence: NDArray[np.float64]
) -> tuple[list[Segment], list[Segment], NDArray[np.uint8]]:
    """Parts and people as segments, and the person map renumbered without those whom the closer look did not confirm."""
    parts: list[Segment] = []
    humans: list[Segment] = []
    renumber = np.zeros(256, np.uint8)
    for index, person in enumerate(people):
        view = _slices(person.view)
        mask = person_of[view] == index + 1
        if not mask.any():
            continue
        number = len(humans) + 1
        renumber[index + 1] = number
        origin = person.view[:2]
        humans.append(Segment.from_mask(mask, HUMAN, person.score, number, origin, labels.shape))
        inside = labels[view]
        for part in np.unique(inside[mask]):
            score = float(confidence[index, part])
            parts.append(Segment.from_mask(mask & (inside == part), int(part), score, number, origin, labels.shape))
    return parts, humans, np.asarray(cv2.LUT(person_of, renumber), np.uint8)


def _with_margin(box: Box, size: tuple[int, int]) -> Box:
    """The box with `MARGIN` on each side, inside a photo of (height, width) `size`."""
    x0, y0, x1, y1 = box
    across, down = int(MARGIN * (x1 - x0)) + 1, int(MARGIN * (y1 - y0)) + 1
    return max(x0 - across, 0), max(y0 - down, 0), min(x1 + across, size[1]), min(y1 + down, size[0])


def _slices(box: Box) -> tuple[slice, slice]:
    return slice(box[1], box[3]), slice(box[0], box[2])


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
