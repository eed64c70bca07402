"""People told apart from heatmaps and offsets drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from parsing.models.lite.people import Face, find_faces, find_people, nearest, votes

STRIDE = 8


def drawn(people: list[tuple[int, int, int, int]], size: tuple[int, int] = (40, 60)) -> tuple[NDArray, NDArray, NDArray]:
    """Heatmap, votes and foreground of rectangles (x0, y0, x1, y1) in cells, as a perfect network would answer."""
    heat = np.zeros(size, np.float32)
    offsets = np.zeros((2, *size), np.float32)
    inside = np.zeros(size, bool)
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    for x0, y0, x1, y1 in people:
        x, y = (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2
        heat = np.maximum(heat, np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4))
        area = np.s_[y0:y1, x0:x1]
        offsets[0][area] = (x - columns[area]) * STRIDE
        offsets[1][area] = (y - rows[area]) * STRIDE
        inside[area] = True
    return heat.astype(np.float32), votes(offsets, STRIDE), inside


@pytest.mark.parametrize(
    "people",
    [
        [(5, 5, 15, 35)],
        [(5, 5, 15, 35), (15, 8, 25, 35)],
        [(2, 10, 8, 30), (10, 4, 22, 38), (24, 12, 30, 30), (40, 5, 55, 38)],
        [(5, 2, 11, 18), (5, 22, 11, 38)],
    ],
    ids=["one", "two touching", "four of different size", "one above the other"],
)
def test_everybody_is_found_once(people: list[tuple[int, int, int, int]]) -> None:
    heat, spots, inside = drawn(people)
    centers, numbers = find_people(heat, spots, inside, [], STRIDE)
    assert len(centers) == len(people)
    for x0, y0, x1, y1 in people:
        assert len(np.unique(numbers[y0:y1, x0:x1])) == 1
    assert set(np.unique(numbers[inside])) == set(range(1, len(people) + 1))
    assert not numbers[~inside].any()


def test_a_second_peak_on_one_person_is_not_a_second_person() -> None:
    heat, spots, inside = drawn([(10, 5, 22, 35)])
    heat[10, 15] = 0.5
    centers, _ = find_people(heat, spots, inside, [], STRIDE)
    assert len(centers) == 1


def test_a_peak_that_nobody_votes_for_is_dropped() -> None:
    heat, spots, inside = drawn([(10, 5, 23, 36)])
    heat[20, 50] = 0.9
    centers, numbers = find_people(heat, spots, inside, [], STRIDE)
    assert [round(center.x / STRIDE) for center in centers] == [16]
    assert numbers.max() == 1


def test_of_a_group_without_a_high_peak_the_highest_is_somebody() -> None:
    heat, spots, inside = drawn([(5, 5, 16, 36), (24, 5, 35, 36), (45, 5, 48, 8)])
    heat *= 0.35  # all three are faint, and the last is small, too
    heat[10, 10] = 0.25
    centers, _ = find_people(heat, spots, inside, [], STRIDE)
    assert [(round(center.x / STRIDE), round(center.y / STRIDE)) for center in centers] == [(10, 20), (29, 20)]
    assert not find_people(heat / 2, spots, inside, [], STRIDE)[0]


@pytest.mark.parametrize("case", ["no peak", "no foreground"])
def test_nobody(case: str) -> None:
    heat, spots, inside = drawn([(10, 5, 22, 35)])
    if case == "no peak":
        heat[:] = 0
    else:
        inside[:] = False
    centers, numbers = find_people(heat, spots, inside, [], STRIDE)
    assert centers == []
    assert not numbers.any()


def test_two_faces_under_one_peak_are_two_people() -> None:
    heat, spots, inside = drawn([(5, 5, 15, 35), (15, 5, 25, 35)])
    heat[:] = 0
    heat[20, 14] = 0.8  # the centres have melted into one between them
    faces = [Face(10 * STRIDE, 8 * STRIDE, 40), Face(20 * STRIDE, 8 * STRIDE, 30)]
    centers, numbers = find_people(heat, spots, inside, faces, STRIDE)
    assert len(centers) == 2
    assert set(np.unique(numbers[5:35, 5:15])) == {1}
    assert set(np.unique(numbers[5:35, 15:25])) == {2}


def test_a_patch_much_smaller_than_the_face_is_no_second_face() -> None:
    heat, spots, inside = drawn([(5, 5, 16, 35)])
    faces = [Face(10 * STRIDE, 8 * STRIDE, 40), Face(10 * STRIDE, 25 * STRIDE, 7)]
    assert len(find_people(heat, spots, inside, faces, STRIDE)[0]) == 1


def test_faces_are_pieces_far_enough_apart() -> None:
    mask = np.zeros((60, 80), bool)
    mask[10:20, 10:20] = True  # a face
    mask[22:24, 10:20] = True  # its chin, cut off by something
    mask[10:18, 60:68] = True  # another face
    mask[50, 40] = True  # a speck
    assert [(round(face.x), round(face.y), face.area) for face in find_faces(mask, 2)] == [(30, 30, 100), (128, 28, 64)]


def test_votes_and_nearest() -> None:
    spots = votes(np.zeros((2, 2, 3), np.float32), STRIDE)
    assert spots[:, 1, 2].tolist() == [19.5, 11.5]
    assert nearest(spots, np.array([[3.5, 3.5], [20, 12]], np.float32)).tolist() == [[0, 0, 1], [0, 1, 1]]
