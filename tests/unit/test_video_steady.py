"""People who keep their numbers, and labels that do not flicker, on made-up pictures and maps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from parsing.labels import HUMAN
from parsing.result import Parsing, Segment
from parsing.video.assignment import best_pairs
from parsing.video.damping import SUREST, Damping
from parsing.video.steady import Steadying
from parsing.video.tracking import MEMORY, Tracker, alike, color_histogram, overlap

RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 200, 30)
SIZE = (60, 160)
SECOND = 1 / 25
"""Between two frames."""


def scene(*people: tuple[int, tuple[int, int, int]]) -> tuple[NDArray[np.uint8], list[Segment]]:
    """People 40 pixels high and 20 wide at these places, the later in front; none where nothing is left to see."""
    pixels = np.full((*SIZE, 3), 128, np.uint8)
    owners = np.zeros(SIZE, np.uint8)
    for number, (left, color) in enumerate(people, start=1):
        pixels[10:50, left : left + 20] = color
        owners[10:50, left : left + 20] = number
    found = [number for number in range(1, len(people) + 1) if (owners == number).any()]
    return pixels, [Segment.from_mask(owners == number, HUMAN, 0.9, place) for place, number in enumerate(found, start=1)]


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 2), (2, 4), (4, 4), (0, 3), (3, 0)])
def test_no_other_pairs_are_worth_more(shape: tuple[int, int]) -> None:
    for seed in range(20):
        worth = np.random.default_rng(seed).random(shape).round(1)
        pairs = best_pairs(worth)
        assert len(pairs) == len({row for row, _ in pairs}) == len({column for _, column in pairs}) == min(shape)
        tall = worth if shape[0] <= shape[1] else worth.T
        orders = itertools.permutations(range(tall.shape[1]), tall.shape[0])
        best = max(sum(tall[row, column] for row, column in enumerate(order)) for order in orders)
        assert sum(worth[pair] for pair in pairs) == pytest.approx(best)


def test_overlap_is_a_share_of_both() -> None:
    box = np.array([0.0, 0.0, 10.0, 10.0])
    assert overlap(box, box) == 1
    assert overlap(box, box + 10) == 0
    assert overlap(box, box + np.array([5, 0, 5, 0])) == pytest.approx(1 / 3)
    assert overlap(np.zeros(4), np.zeros(4)) == 0


def test_colours_are_told_apart_by_halves() -> None:
    pixels, people = scene((10, RED), (60, RED), (110, BLUE))
    red, as_red, blue = (color_histogram(pixels, person) for person in people)
    assert alike(red, as_red) == pytest.approx(1)
    assert alike(red, blue) == 0
    pixels[:30] = 0
    assert alike(red, color_histogram(pixels, people[0])) < 0.8
    assert color_histogram(pixels, Segment.from_mask(np.zeros(SIZE, bool), HUMAN, 0.9)).sum() == 0


def numbers_of(frames: list[tuple[NDArray[np.uint8], list[Segment]]], seconds: float = SECOND) -> list[list[int]]:
    tracker = Tracker()
    return [tracker.number(*frame, frame_number * seconds) for frame_number, frame in enumerate(frames)]


def test_numbers_stay_whatever_the_order_of_the_people() -> None:
    frames = [scene((10 + step, RED), (80 - step, BLUE)) for step in range(10)]
    assert numbers_of(frames) == [[1, 2]] * 10
    turned = [(pixels, people[::-1] if step % 2 else people) for step, (pixels, people) in enumerate(frames)]
    assert numbers_of(turned) == [[1, 2], [2, 1]] * 5


def test_two_people_who_cross_keep_their_numbers() -> None:
    frames = [scene((10 + 4 * step, RED), (130 - 4 * step, BLUE)) for step in range(31)]
    numbers = numbers_of(frames)
    assert [1] not in numbers
    assert [2] in numbers  # the red one was wholly behind the blue one
    assert numbers[-1] == [1, 2]


def test_in_the_same_clothes_the_way_tells_them_apart() -> None:
    frames = [scene((10 + 4 * step, RED), (120 - 4 * step, RED)) for step in range(31)]
    assert numbers_of(frames)[-1] == [1, 2]


@pytest.mark.parametrize(("away", "expected"), [(MEMORY - 0.1, [1]), (MEMORY + 0.1, [2])])
def test_who_was_lost_gets_the_number_back_for_some_seconds(away: float, expected: list[int]) -> None:
    tracker = Tracker()
    assert tracker.number(*scene((10, RED)), 0.0) == [1]
    assert tracker.number(*scene(), away / 2) == []
    assert tracker.number(*scene((90, RED)), away) == expected


def test_somebody_else_gets_another_number() -> None:
    assert numbers_of([scene((10, RED)), scene(), scene((90, GREEN))]) == [[1], [], [2]]


def noisy(seed: int) -> NDArray[np.uint8]:
    """A picture of somebody at rest, as a camera sees it."""
    noise = np.random.default_rng(seed).normal(0, 3, (*SIZE, 3))
    return (scene((50, RED))[0] + noise).clip(0, 255).astype(np.uint8)


def test_a_flicker_goes_away_where_the_picture_stands_still() -> None:
    truth = np.zeros(SIZE, np.int32)
    truth[10:50, 50:70] = 5
    damping, flips, left = Damping(), 0, 0
    for number in range(30):
        random = np.random.default_rng(number)
        wrong = random.random(SIZE) < (0.1 if number else 0)
        seen = np.where(wrong, random.integers(0, 20, SIZE), truth).astype(np.int32)
        damped = damping.damp(noisy(number), seen)
        if number >= SUREST:
            flips += int((seen != truth).sum())
            left += int((damped != truth).sum())
    assert flips > 10_000
    assert left < flips / 50


def test_what_moves_is_not_held_back() -> None:
    damping = Damping()
    for step in range(12):
        pixels, (person,) = scene((10 + 8 * step, RED))
        labels = np.where(person.mask, 5, 0).astype(np.int32)
        damped = damping.damp(pixels, labels)
    assert (damped != labels).mean() < 0.002


def test_what_changes_for_good_is_believed_soon() -> None:
    damping, pixels = Damping(), noisy(0)
    for _ in range(20):
        damping.damp(pixels, np.zeros(SIZE, np.int32))
    seen = [int(damping.damp(pixels, np.ones(SIZE, np.int32)).max()) for _ in range(SUREST + 1)]
    assert seen[0] == 0
    assert seen[-1] == 1


def parsing_of(people: list[Segment], labels: tuple[int, ...]) -> Parsing:
    """One part for each person."""
    label_map, owners, parts = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8), []
    for person, label in zip(people, labels, strict=True):
        label_map[person.mask], owners[person.mask] = label, person.person
        parts.append(Segment.from_mask(person.mask, label, 0.7, person.person))
    return Parsing(label_map, parts, people, "made-up", {}, owners)


def test_a_frame_says_what_its_damped_map_shows() -> None:
    steadying = Steadying()
    pixels, people = scene((10, RED), (60, BLUE))
    for number in range(6):
        steady = steadying(pixels, parsing_of(people, (5, 9)), number * SECOND)
    assert steady.numbers == (1, 2)
    steady = steadying(pixels, parsing_of(people[:1], (5,)), 6 * SECOND)  # the model has missed somebody
    assert steady.numbers == (1, 2)
    assert [person.area for person in steady.parsing.people] == [800, 800]
    assert [(part.label, part.person, part.score, part.area) for part in steady.parsing.parts] == [
        (5, 1, 0.7, 800),
        (9, 2, 0.7, 800),
    ]
    blank = np.full_like(pixels, 128)
    assert steadying(blank, parsing_of([], ()), 7 * SECOND).numbers == ()  # both have left, which is a movement


def test_numbers_in_the_video_are_those_that_are_told() -> None:
    steadying = Steadying()
    pixels, people = scene((10, RED), (60, BLUE))
    steadying(pixels, parsing_of(people, (5, 9)), 0.0)
    pixels, people = scene((60, BLUE))
    steady = steadying(pixels, parsing_of(people, (9,)), SECOND)
    assert [person.person for person in steady.parsing.people] == [1]
    assert steady.person(2) == 1
    assert steady.person(1) is None
    alone = steady.only([9], 2)
    assert (alone.numbers, int(alone.parsing.person_of.max()), len(alone.parsing.parts)) == ((2,), 1, 1)
    nobody = steady.only(None, 1)
    assert (nobody.numbers, nobody.parsing.people, int(nobody.parsing.labels.max())) == ((), [], 0)
    described = steady.describe()
    assert [entry["person"] for entry in (*described["parts"], *described["people"])] == [2, 2]
