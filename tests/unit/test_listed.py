"""Photos of which only what people wear is known: labels made of lists and of what a model sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from parsing.labels import HUMAN, PARTS, part_index
from parsing.result import Parsing, Segment
from parsing.video.tracking import Box, overlap
from training.data import IGNORE, PERSON
from training.listed import label, read_lists
from training.worn import Worn

ROOT = Path(__file__).parents[2]
DRESS, SKIRT, UPPER = (part_index(name) for name in ("Dress", "Skirt", "UpperClothes"))
SIZE = (40, 60)
TALL, WIDE = np.array([10, 5, 20, 35], float), np.array([35, 10, 55, 30], float)


def mask_of(box: Box) -> NDArray[np.bool_]:
    mask = np.zeros(SIZE, bool)
    x0, y0, x1, y1 = box.astype(int)
    mask[y0:y1, x0:x1] = True
    return mask


class Rectangles:
    """Finds the same two people in every picture, and a hat in the corner that is not there in the mirror image."""

    def __call__(self, image: NDArray[np.uint8]) -> Parsing:
        masks = [mask_of(TALL), mask_of(WIDE)]
        people = [Segment.from_mask(mask, HUMAN, 0.9, number) for number, mask in enumerate(masks, start=1)]
        person_of = (masks[0] + 2 * masks[1]).astype(np.uint8)
        labels = np.where(person_of > 0, UPPER, 0).astype(np.uint8)
        if image[0, 0, 0]:
            labels, person_of = np.ascontiguousarray(labels[:, ::-1]), np.ascontiguousarray(person_of[:, ::-1])
        else:
            labels[2, 2] = part_index("Hat")
        return Parsing(labels, [], people, "rectangles", {}, person_of)


def dresses(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A teacher who sees skirts, and dresses behind them."""
    scores = np.zeros((*pixels.shape[:2], len(PARTS)), np.float32)
    scores[..., SKIRT], scores[..., DRESS] = 9, 8
    return scores


PHOTO = np.zeros((*SIZE, 3), np.uint8)
PHOTO[:, -1] = 1  # tells the mirror image


def test_the_list_decides_what_the_model_may_say() -> None:
    labelled = label(PHOTO, [(TALL, Worn(("Dress",), ()))], Rectangles(), dresses)  # type: ignore[arg-type]
    assert labelled is not None
    labels, numbers = labelled
    assert (labels[mask_of(TALL)] == DRESS).all()
    assert (numbers == mask_of(TALL)).all()


def test_who_is_not_listed_and_what_the_mirror_image_lacks_is_ignored() -> None:
    labels, _ = label(PHOTO, [(TALL, Worn(("Dress",), ()))], Rectangles(), dresses) or ([], [])  # type: ignore[arg-type]
    assert (labels[mask_of(WIDE)] == IGNORE).all()
    assert labels[2, 2] == IGNORE
    assert labels[0, 0] == 0


def test_what_is_open_is_somebodys() -> None:
    def either(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.zeros((*pixels.shape[:2], len(PARTS)), np.float32)

    labels, _ = label(PHOTO, [(TALL, Worn((), ("Dress", "Skirt")))], Rectangles(), either) or ([], [])  # type: ignore[arg-type]
    assert (labels[mask_of(TALL)] == PERSON).all()


def test_a_photo_in_which_somebody_is_missed_is_left_out() -> None:
    assert label(PHOTO, [(np.array([40.0, 0, 60, 8]), Worn((), ()))], Rectangles(), dresses) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("other", "share"),
    [(TALL, 1.0), ([10, 5, 20, 20], 0.5), ([20, 5, 30, 35], 0.0), (WIDE, 0.0), ([15, 5, 25, 35], 1 / 3)],
)
def test_overlap_of_boxes(other: Box | list[int], share: float) -> None:
    assert overlap(TALL, np.array(other, float)) == pytest.approx(share)


@pytest.mark.parametrize(("name", "photos", "people"), [("ccp", 954, 954), ("bsds", 98, 139)])
def test_the_lists_name_garments_that_there_are(name: str, photos: int, people: int) -> None:
    lists = read_lists(ROOT / "training" / "lists" / f"{name}.json")
    assert (len(lists), sum(map(len, lists.values()))) == (photos, people)
    for listed in lists.values():
        for (x0, y0, x1, y1), clothes in listed:
            assert x0 < x1
            assert y0 < y1
            assert clothes.allowed  # raises where a name is none
