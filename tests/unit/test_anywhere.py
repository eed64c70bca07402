"""Photos of which only masks and what is worn are known: labels made from them, and the measure taken on them."""

from __future__ import annotations

import numpy as np

from parsing.labels import HUMAN, part_index
from parsing.result import Parsing, Segment
from training.anywhere import Scene, Tally, count_found, judge
from training.data import CROWD, IGNORE, PERSON
from training.worn import Worn, label, settle

FACE, DRESS, COAT, UPPER = (part_index(name) for name in ("Face", "Dress", "Coat", "UpperClothes"))
LEFT_ARM, RIGHT_ARM = part_index("Left-arm"), part_index("Right-arm")


def scores_of(*winners: tuple[int, int]) -> np.ndarray:
    """Logits (N, 20) in which, for so many pixels each, one class is sure."""
    return np.concatenate([np.tile(10.0 * np.eye(20)[part], (count, 1)) for part, count in winners]).astype(np.float32)


def test_only_what_may_be_worn_is_labelled() -> None:
    scores = scores_of((COAT, 60), (FACE, 40))
    scores[:, DRESS] += 5
    labels = settle(scores, Worn(yes=("Dress", "Face"), maybe=()))
    assert np.unique(labels).tolist() == [DRESS, FACE]
    assert (labels[60:] == FACE).all()


def test_what_is_certainly_worn_gets_its_share_where_it_loses_by_the_least() -> None:
    scores = scores_of((UPPER, 1000))
    scores[:, DRESS] = np.linspace(-5, 5, 1000)
    assert (settle(scores, Worn(yes=("UpperClothes",), maybe=("Dress",))) == UPPER).all()
    labels = settle(scores, Worn(yes=("UpperClothes", "Dress"), maybe=()))
    assert (labels[-100:] == DRESS).all()
    assert (labels[:800] == UPPER).all()


def test_arms_are_either_side() -> None:
    labels = settle(scores_of((LEFT_ARM, 50), (RIGHT_ARM, 50)), Worn(yes=("Arm",), maybe=()))
    assert np.unique(labels).tolist() == [LEFT_ARM, RIGHT_ARM]


def test_a_pixel_in_doubt_is_somebodys() -> None:
    assert (settle(np.zeros((10, 20), np.float32), Worn(yes=(), maybe=("Dress", "Coat", "Face"))) == PERSON).all()


def test_edges_and_crowds_are_ignored_and_strangers_are_people() -> None:
    people = np.zeros((60, 90), np.uint8)
    people[10:50, 10:30], people[10:50, 40:60], people[10:50, 70:85] = 1, 2, CROWD
    teacher = lambda pixels: np.tile(10.0 * np.eye(20, dtype=np.float32)[FACE], (*pixels.shape[:2], 1))  # noqa: E731
    labels = label(np.zeros((60, 90, 3), np.uint8), people, {1: Worn(yes=("Face",), maybe=())}, teacher)
    assert labels[30, 20] == FACE
    assert labels[30, 50] == PERSON
    assert labels[30, 78] == labels[30, 10] == labels[30, 40] == IGNORE
    assert labels[30, 35] == 0


def answer(labels: np.ndarray, *masks: np.ndarray) -> Parsing:
    person_of = np.zeros(labels.shape, np.uint8)
    for number, mask in enumerate(masks, start=1):
        person_of[mask] = number
    humans = [Segment.from_mask(mask, HUMAN, 1.0, number, (0, 0), labels.shape) for number, mask in enumerate(masks, start=1)]
    return Parsing(labels, [], humans, "lite", {}, person_of)


def test_what_is_wrong_on_a_photo_is_counted() -> None:
    people = np.zeros((200, 300), np.uint8)
    people[20:180, 20:80], people[20:180, 120:180], people[:, 280:] = 1, 2, CROWD
    labels = np.zeros((200, 300), np.uint8)
    labels[20:180, 20:80] = UPPER
    labels[20:60, 20:80] = COAT
    labels[:50, 200:240] = UPPER  # nobody is there
    labels[:, 280:] = UPPER  # not counted, either way
    scene = Scene(np.zeros((200, 300, 3), np.uint8), people, {1: Worn(yes=("UpperClothes", "Face"), maybe=("Dress",))})
    tally = judge(scene, answer(labels, people == 1, (labels == UPPER) & (np.arange(300) > 190) & (np.arange(300) < 270)))
    assert tally == Tally(
        hits=160 * 60,
        either=2 * 160 * 60 + 50 * 40,
        people=2,
        found=1,
        phantoms=1,
        dressed=160 * 60,
        wrong=40 * 60,
        worn=2,
        missing=1,
    )
    assert (tally + tally).wrong == 2 * tally.wrong
    assert "of a class that is not worn: 25.0%" in str(tally)


def test_one_mask_finds_one_person() -> None:
    people = np.zeros((130, 60), np.uint8)
    people[:115, :20], people[:115, 20:40], people[:50, 50:] = 1, 2, 3  # the third is too small to count
    assert count_found(people, [(people > 0) & (people < 3)]) == (1, 2)
    assert count_found(people, [people == 1, people == 2]) == (2, 2)
    assert count_found(people, []) == (0, 2)
