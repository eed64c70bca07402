"""The table of classes: names, order, mirror partners and colours as CIHP and LIP have them."""

from __future__ import annotations

import re

import pytest

from parsing.labels import BACKGROUND, GROUPS, HUMAN, LIP_PARTS, PARTS, part_index, read_classes

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


def test_lip_has_jumpsuits_where_cihp_has_the_skin_of_the_torso() -> None:
    assert [one.index for one, other in zip(PARTS, LIP_PARTS, strict=True) if one != other] == [10]
    assert (LIP_PARTS[10].name, LIP_PARTS[10].name_zh, LIP_PARTS[10].group) == ("Jumpsuits", "连体衣", "clothes")
    assert part_index("jumpsuits", LIP_PARTS) == 10
    with pytest.raises(ValueError, match="There is no part 'Jumpsuits'"):
        part_index("Jumpsuits")


CIHP_NAMES = [part.name for part in PARTS]


@pytest.mark.parametrize(
    ("changes", "index", "name", "group"),
    [
        ({}, 10, "Torso-skin", "limbs"),
        ({3: "Gloves"}, 3, "Glove", "clothes"),
        ({5: "Upper-clothes"}, 5, "UpperClothes", "clothes"),
        ({5: "upper clothes"}, 5, "UpperClothes", "clothes"),
        ({10: "TorsoSkin"}, 10, "Torso-skin", "limbs"),
        ({10: "Jumpsuits"}, 10, "Jumpsuits", "clothes"),
        ({10: "jumpsuit"}, 10, "Jumpsuits", "clothes"),
        ({14: "left_arm"}, 14, "Left-arm", "limbs"),
        ({0: "__background__"}, 0, "Background", "background"),
        ({7: "Cape"}, 7, "Cape", "clothes"),
        ({7: "斗篷"}, 7, "斗篷", "clothes"),
        ({1: "Hair", 2: "Hat"}, 1, "Hair", "head"),
        ({7: "../../etc/passwd"}, 7, "Class-7", "clothes"),
        ({7: "<script>"}, 7, "Class-7", "clothes"),
        ({7: ""}, 7, "Class-7", "clothes"),
        ({7: "a,b"}, 7, "Class-7", "clothes"),
        ({7: "x" * 41}, 7, "Class-7", "clothes"),
        ({7: "Hair"}, 7, "Class-7", "clothes"),
    ],
)
def test_a_model_names_its_classes_itself(changes: dict[int, str], index: int, name: str, group: str) -> None:
    table = read_classes([changes.get(place, usual) for place, usual in enumerate(CIHP_NAMES)])
    assert (table[index].name, table[index].group) == (name, group)
    assert [part.index for part in table] == list(range(20))
    assert [part.color for part in table] == [part.color for part in PARTS]
    assert len({part.name for part in table}) == 20


def test_the_names_of_a_data_set_give_its_own_table() -> None:
    for table in (PARTS, LIP_PARTS):
        assert read_classes([part.name for part in table]) == table


def test_left_and_right_stay_partners_where_classes_have_other_numbers() -> None:
    table = read_classes(["Background", "Right-shoe", "Face", "Left-shoe"])
    assert [part.mirror for part in table] == [0, 3, 2, 1]
