"""What a parser returns: `Parsing`, one photo's label map with its parts and people, and `Segment`, one of those."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.extras import needs
from parsing.files import write_file
from parsing.labels import BACKGROUND, HUMAN, PARTS, Part
from parsing.pictures import encode_labels

SHOWN_SIDE: Final = 640
"""Pixels of the longer side of the picture in a notebook, at most."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One part of one person, or one whole person.

    The mask is kept as the rectangle that holds it, eight pixels to a byte, because a photo of 12 megapixels with a hundred
    segments would otherwise take 1.2 GB; `mask` gives it at the photo's size.

    Attributes:
        label: class index, 1 to 19 for a part, 20 for a person.
        score: confidence in [0, 1].
        box: x0, y0, x1, y1 in pixels; x1 and y1 are one past the last pixel.
        bits: (y1 - y0, (x1 - x0 + 7) // 8) uint8, the mask inside the box, packed along the rows.
        size: height and width of the photo.
        person: number of the person, from 1, or None where no person claims the part.
        classes: the table that `label` is of; a `Parsing` gives its segments its own.
    """

    label: int
    score: float
    box: tuple[int, int, int, int]
    bits: NDArray[np.uint8] = field(repr=False)
    size: tuple[int, int]
    person: int | None = None
    classes: tuple[Part, ...] = field(default=PARTS, repr=False)

    @classmethod
    def from_mask(
        cls,
        mask: NDArray[np.bool_],
        label: int,
        score: float,
        person: int | None = None,
        origin: tuple[int, int] = (0, 0),
        size: tuple[int, int] | None = None,
    ) -> Segment:
        """The segment of a bool mask.

        Args:
            mask: (h, w) bool, the photo or a window of it; an empty one gives the empty box (0, 0, 0, 0).
            label, score, person: as above.
            origin: x and y of the window's first pixel in the photo.
            size: height and width of the photo; None where the mask is of that size.
        """
        size = size or mask.shape
        rows = np.flatnonzero(mask.any(axis=1))
        if rows.size == 0:
            return cls(label, score, (0, 0, 0, 0), np.zeros((0, 0), np.uint8), size, person)
        y0, y1 = int(rows[0]), int(rows[-1]) + 1
        columns = np.flatnonzero(mask[y0:y1].any(axis=0))
        x0, x1 = int(columns[0]), int(columns[-1]) + 1
        box = (x0 + origin[0], y0 + origin[1], x1 + origin[0], y1 + origin[1])
        return cls(label, score, box, np.packbits(mask[y0:y1, x0:x1], axis=1), size, person)

    @property
    def name(self) -> str:
        """English class name, "Human" for a person."""
        return "Human" if self.label == HUMAN else self.classes[self.label].name

    @property
    def crop(self) -> NDArray[np.bool_]:
        """(y1 - y0, x1 - x0) bool, the mask inside the box."""
        return np.unpackbits(self.bits, axis=1, count=self.box[2] - self.box[0]).view(bool)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(H, W) bool at the photo's size."""
        full = np.zeros(self.size, bool)
        x0, y0, x1, y1 = self.box
        full[y0:y1, x0:x1] = self.crop
        return full

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.bitwise_count(self.bits).sum())


@dataclass(frozen=True, eq=False)
class Parsing:
    """One parsed photo.

    Attributes:
        labels: (H, W) uint8, index in `classes` of each pixel.
        parts: the parts found, each of one person where people are told apart.
        people: the people found, numbered 1, 2, ... in this order.
        model: name of the model.
        timings: milliseconds by stage, in the order in which they ran.
        person_of: (H, W) uint8, number of the person each pixel belongs to, 0 for none.
        classes: the model's table of classes, background first; at most 20.
    """

    labels: NDArray[np.uint8] = field(repr=False)
    parts: list[Segment]
    people: list[Segment]
    model: str
    timings: dict[str, float]
    person_of: NDArray[np.uint8] = field(repr=False)
    classes: tuple[Part, ...] = field(default=PARTS, repr=False)

    def __post_init__(self) -> None:
        for name, array in (("labels", self.labels), ("person_of", self.person_of)):
            if array.dtype != np.uint8 or array.ndim != 2:
                raise ValueError(f"{name} must be (H, W) uint8, but is {array.dtype} of shape {array.shape}.")
        if self.labels.size == 0:
            raise ValueError("labels has no pixels.")
        if self.labels.shape != self.person_of.shape:
            raise ValueError(f"labels has shape {self.labels.shape}, but person_of has {self.person_of.shape}.")
        if self.labels.max() >= len(self.classes):
            raise ValueError(f"labels holds {self.labels.max()}, but the classes are 0 to {len(self.classes) - 1}.")
        if [person.person for person in self.people] != list(range(1, len(self.people) + 1)):
            raise ValueError("people must be numbered 1, 2, ... in the order of the list.")
        if self.person_of.max() > len(self.people):
            raise ValueError(f"person_of holds {self.person_of.max()}, but there are {len(self.people)} people.")
        for segment in (*self.parts, *self.people):
            if tuple(segment.size) != self.labels.shape:
                raise ValueError(f"A segment is for a photo of shape {segment.size}, but labels has {self.labels.shape}.")
        for name, segments in (("parts", self.parts), ("people", self.people)):  # names are those of this result's table
            object.__setattr__(self, name, [replace(segment, classes=self.classes) for segment in segments])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the photo in pixels."""
        return self.labels.shape

    def check_person(self, person: int) -> None:
        """Raises ValueError, with a sentence for the user, unless there is a person of this number."""
        if not 1 <= person <= len(self.people):
            found = f"people are numbered 1 to {len(self.people)}" if self.people else "no people were told apart in this photo"
            raise ValueError(f"There is no person {person}; {found}.")

    def area(self, person: int | None = None) -> dict[str, float]:
        """How much of the people each class takes up.

        Args:
            person: number of one person, from 1; None for everybody.

        Returns:
            The class names, each with its share in [0, 1]. The parts' shares are of the area of the person or people, so
            they add up to 1, or are all 0 where nobody is. "Background" has its share of the whole picture, whoever is
            asked for.

        Raises:
            ValueError: there is no such person.
        """
        counts = _count(self.labels)
        background = counts[BACKGROUND] / self.labels.size
        if person is not None:
            self.check_person(person)
            counts = _count(self.labels, where_equal(self.person_of, person))
        shares = counts / max(counts[BACKGROUND + 1 :].sum(), 1.0)
        shares[BACKGROUND] = background
        return {part.name: float(share) for part, share in zip(self.classes, shares, strict=False)}

    def to_dict(self) -> dict[str, Any]:
        """What was found, without pixels, ready for `json.dumps`: areas in pixels, boxes x0, y0, x1, y1."""
        height, width = self.size
        return {
            "size": {"width": width, "height": height},
            "model": self.model,
            "timings": {stage: round(float(value), 2) for stage, value in self.timings.items()},
            "parts": [_describe(segment) for segment in self.parts],
            "people": [_describe(segment) for segment in self.people],
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the label map as an indexed PNG: pixel values are class indices, the palette inside shows the usual colours.

        Raises:
            OSError: the file cannot be written.
        """
        write_file(encode_labels(self.labels), path)

    def _repr_html_(self) -> str:
        """How a notebook shows it: the map of parts in the usual colours, and a legend with their shares; without scripts."""
        step = -(-max(self.size) // SHOWN_SIDE)
        picture = base64.b64encode(encode_labels(np.ascontiguousarray(self.labels[::step, ::step]))).decode()
        shares = self.area()
        legend = "".join(
            "<li><span style='display:inline-block;width:1em;height:1em;vertical-align:-2px;"
            f"background:#{bytes(part.color).hex()}'></span> {escape(part.name)} {shares[part.name]:.1%}</li>"
            for part in self.classes
            if part.index != BACKGROUND and shares[part.name]
        )
        height, width = self.size
        people = f"{len(self.people)} {'person' if len(self.people) == 1 else 'people'}"
        return (
            f"<figure style='display:flex;gap:1em;margin:0'><img src='data:image/png;base64,{picture}' alt='map of the parts'"
            f" style='max-width:60%;object-fit:contain'><figcaption>{people}, {width} × {height}, {escape(self.model)}"
            f"<ul style='list-style:none;padding:0'>{legend}</ul></figcaption></figure>"
        )

    def to_detections(self, kind: Literal["parts", "people"] = "parts") -> Any:
        """The parts, or the people, as `supervision.Detections`: boxes, masks, scores, class indices, numbers of the people as
        `tracker_id` (0: nobody's), and `data["class_name"]`.

        Raises:
            ImportError: supervision is missing; it says how to install it.
        """
        with needs("supervision"):
            import supervision
        segments = self.parts if kind == "parts" else self.people
        return supervision.Detections(
            xyxy=np.array([segment.box for segment in segments], np.float32).reshape(-1, 4),
            mask=np.array([segment.mask for segment in segments], bool).reshape(-1, *self.size),
            confidence=np.array([segment.score for segment in segments], np.float32),
            class_id=np.array([segment.label for segment in segments], int),
            tracker_id=np.array([segment.person or 0 for segment in segments], int),
            data={"class_name": np.array([segment.name for segment in segments], dtype=str)},
        )


def where_equal(values: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """(H, W) uint8: 255 where a map has this number, else 0."""
    # Not by OpenCV, which takes a map of one pixel for a number and has no answer.
    mask: NDArray[np.uint8] = np.negative((values == number).view(np.uint8))
    return mask


def _count(labels: NDArray[np.uint8], mask: NDArray[np.uint8] | None = None) -> NDArray[np.float64]:
    """Pixels of each class, (20,); where a mask is given, only where it is not 0."""
    return cv2.calcHist([labels], [0], mask, [len(PARTS)], [0, len(PARTS)]).ravel().astype(np.float64)


def _describe(segment: Segment) -> dict[str, Any]:
    return {
        "name": segment.name,
        "score": round(float(segment.score), 4),
        "person": segment.person,
        "box": [int(value) for value in segment.box],
        "area": segment.area,
    }
