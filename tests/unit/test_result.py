"""`Parsing` and `Segment`: areas, description, indexed PNG, and what they refuse to hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parsing.labels import HUMAN, PARTS
from parsing.result import Parsing, Segment

LABELS = np.array(
    [
        [2, 2, 0, 0, 0, 2],
        [13, 13, 0, 0, 0, 13],
        [5, 5, 5, 0, 0, 5],
        [5, 5, 5, 0, 9, 9],
    ],
    np.uint8,
)
"""Two people: hair, face and upper clothes; the one on the right also wears trousers."""
PERSON_OF = np.where(LABELS > 0, np.array([[1, 1, 1, 2, 2, 2]], np.uint8), np.uint8(0))


def two_people() -> Parsing:
    people = [Segment.from_mask(number == PERSON_OF, HUMAN, 0.9, number) for number in (1, 2)]
    parts = [Segment.from_mask((LABELS == 5) & (PERSON_OF == 1), 5, 0.87654321, 1)]
    return Parsing(LABELS, parts, people, "example", {"open": 1.23456, "network": 7}, PERSON_OF)


@pytest.mark.parametrize(
    ("person", "shares"),
    [
        (None, {"Hair": 3 / 15, "Face": 3 / 15, "UpperClothes": 7 / 15, "Pants": 2 / 15}),
        (1, {"Hair": 2 / 10, "Face": 2 / 10, "UpperClothes": 6 / 10}),
        (2, {"Hair": 1 / 5, "Face": 1 / 5, "UpperClothes": 1 / 5, "Pants": 2 / 5}),
    ],
)
def test_area_is_a_share_of_the_people(person: int | None, shares: dict[str, float]) -> None:
    area = two_people().area(person)
    assert list(area) == [part.name for part in PARTS]
    assert area.pop("Background") == pytest.approx(9 / 24)
    assert {name: share for name, share in area.items() if share} == pytest.approx(shares)
    assert sum(area.values()) == pytest.approx(1)


def test_segments_can_be_collected_and_looked_for() -> None:
    part, (first, second) = two_people().parts[0], two_people().people
    same = replace(part)
    assert {part: "jumper"}[part] == "jumper"
    assert [same, part].index(part) == 1
    assert len({part, same, first, second}) == 4


def test_area_where_nobody_is() -> None:
    empty = np.zeros((2, 3), np.uint8)
    area = Parsing(empty, [], [], "example", {}, empty).area()
    assert area.pop("Background") == 1
    assert set(area.values()) == {0}


@pytest.mark.parametrize("person", [0, 3, -1])
def test_area_of_a_person_who_is_not_there(person: int) -> None:
    with pytest.raises(ValueError, match=f"There is no person {person}; people are numbered 1 to 2"):
        two_people().area(person)


def test_to_dict_is_ready_for_json() -> None:
    described = json.loads(json.dumps(two_people().to_dict(), allow_nan=False))
    assert described == {
        "size": {"width": 6, "height": 4},
        "model": "example",
        "timings": {"open": 1.23, "network": 7.0},
        "parts": [{"name": "UpperClothes", "score": 0.8765, "person": 1, "box": [0, 2, 3, 4], "area": 6}],
        "people": [
            {"name": "Human", "score": 0.9, "person": 1, "box": [0, 0, 3, 4], "area": 10},
            {"name": "Human", "score": 0.9, "person": 2, "box": [4, 0, 6, 4], "area": 5},
        ],
    }


def test_to_dict_takes_numbers_of_numpy() -> None:
    segment = replace(two_people().people[0], score=np.float32(0.5), box=tuple(np.array([0, 0, 3, 4])))
    result = replace(two_people(), parts=[segment], timings={"network": np.float32(2)})
    assert json.loads(json.dumps(result.to_dict()))["parts"][0]["box"] == [0, 0, 3, 4]


def test_save_writes_class_indices_with_the_usual_colors(tmp_path: Path) -> None:
    two_people().save(tmp_path / "labels.png")
    picture = Image.open(tmp_path / "labels.png")
    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (6, 4))
    np.testing.assert_array_equal(np.asarray(picture), LABELS)
    colors = np.array([part.color for part in PARTS])
    np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), colors[LABELS])
    assert [file.name for file in tmp_path.iterdir()] == ["labels.png"]


def test_save_says_when_the_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        two_people().save(tmp_path / "absent" / "labels.png")


@pytest.mark.parametrize("width", [1, 7, 8, 9, 30])
def test_a_segment_keeps_its_mask_exactly(width: int) -> None:
    mask = np.random.default_rng(width).random((20, width)) < 0.3
    segment = Segment.from_mask(mask, 5, 0.5)
    np.testing.assert_array_equal(segment.mask, mask)
    assert segment.area == mask.sum()
    x0, y0, x1, y1 = segment.box
    np.testing.assert_array_equal(segment.crop, mask[y0:y1, x0:x1])
    assert segment.crop.any(axis=1)[[0, -1]].all(), "the box is tight"
    assert segment.crop.any(axis=0)[[0, -1]].all(), "the box is tight"


def test_a_segment_of_a_window_lies_where_the_window_does() -> None:
    window = np.zeros((4, 6), bool)
    window[1:3, 2:5] = True
    segment = Segment.from_mask(window, 13, 0.5, person=2, origin=(100, 50), size=(80, 120))
    assert (segment.box, segment.size, segment.area, segment.person) == ((102, 51, 105, 53), (80, 120), 6, 2)
    assert segment.mask.shape == (80, 120)
    assert segment.mask[51:53, 102:105].all()
    assert segment.mask.sum() == 6


def test_an_empty_segment_has_an_empty_box() -> None:
    segment = Segment.from_mask(np.zeros((4, 6), bool), 13, 0.5, origin=(9, 9), size=(20, 30))
    assert (segment.box, segment.area, segment.mask.shape, segment.crop.size) == ((0, 0, 0, 0), 0, (20, 30), 0)
    assert not segment.mask.any()


@pytest.mark.parametrize(("label", "name"), [(2, "Hair"), (19, "Right-shoe"), (HUMAN, "Human")])
def test_a_segment_has_the_name_of_its_class(label: int, name: str) -> None:
    assert Segment.from_mask(np.ones((1, 1), bool), label, 1.0).name == name


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": LABELS.astype(int)}, "labels must be"),
        ({"labels": LABELS[0]}, "labels must be"),
        ({"labels": LABELS[:0], "person_of": PERSON_OF[:0]}, "no pixels"),
        ({"labels": LABELS[:2]}, "shape"),
        ({"labels": LABELS + np.uint8(20)}, "holds 33"),
        ({"person_of": PERSON_OF.astype(bool)}, "person_of must be"),
        ({"person_of": PERSON_OF * np.uint8(2)}, "holds 4"),
        ({"people": two_people().people[::-1]}, "numbered 1, 2"),
        ({"parts": [Segment.from_mask(np.ones((9, 9), bool), 5, 1.0)]}, "A segment is for a photo"),
    ],
)
def test_a_parsing_that_contradicts_itself_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(two_people(), **changes)
