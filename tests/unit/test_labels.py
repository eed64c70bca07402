"""The table of classes: names, order, mirror partners and colours as CIHP and LIP have them."""

from __future__ import annotations

import re

import pytest

from parsing.labels import BACKGROUND, GROUPS, HUMAN, PARTS, part_index

CIHP = """
    0 Background 000000     1 Hat 800000            2 Hair ff0000           3 Glove 005500
    4 Sunglasses aa0033     5 UpperClothes ff5500   6 Dress 000055          7 Coat 0077dd
    8 Socks 555500          9 Pants 005555          10 Torso-skin 553300    11 Scarf 345680
    12 Skirt 008000         13 Face 0000ff          14 Left-arm 33aadd      15 Right-arm 00ffff
    16 Left-leg 55ffaa      17 Right-leg aaff55     18 Left-shoe ffff00     19 Right-shoe ffaa00
"""
"""Index, name and usual colour of each class."""


def test_order_names_and_colors_are_those_of_the_data_sets() -> None:
    table = [(str(part.index), part.name, bytes(part.color).hex()) for part in PARTS]
    assert table == re.findall(r"(\d+) (\S+) (\w{6})", CIHP)
    assert (PARTS[BACKGROUND].name, HUMAN) == ("Background", len(PARTS))


def test_left_and_right_are_mirror_partners_and_nothing_else_is() -> None:
    assert {part.index: part.mirror for part in PARTS if part.mirror != part.index} == {
        14: 15,
        15: 14,
        16: 17,
        17: 16,
        18: 19,
        19: 18,
    }


def test_names_and_colors_tell_the_parts_apart() -> None:
    for values in ([part.name for part in PARTS], [part.name_zh for part in PARTS], [part.color for part in PARTS]):
        assert len(set(values)) == len(PARTS)


def test_every_part_but_the_background_is_in_a_group() -> None:
    assert {part.group for part in PARTS[1:]} == set(GROUPS)
    assert [part.name for part in PARTS if part.group not in GROUPS] == ["Background"]


@pytest.mark.parametrize(("part", "index"), [("Hair", 2), (" left-ARM ", 14), ("background", 0), (0, 0), (19, 19)])
def test_a_part_is_found_by_name_or_index(part: int | str, index: int) -> None:
    assert part_index(part) == index


@pytest.mark.parametrize("part", ["Nose", "", "Human", "2", -1, 20])
def test_a_part_that_does_not_exist_is_named_in_the_error(part: int | str) -> None:
    with pytest.raises(ValueError, match=f"There is no part {part!r}; .*"):
        part_index(part)
