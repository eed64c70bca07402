"""The tables of classes: 19 body and clothing parts, plus background, for each data set that models are trained on.

`PARTS` is that of CIHP (Gong et al., "Instance-level Human Parsing via Part Grouping Network", ECCV 2018), which M2FP for
several people and `lite` predict. `LIP_PARTS` is that of LIP (Gong et al., "Look into Person", CVPR 2017), which M2FP for one
person predicts; there class 10 is Jumpsuits. Left and right are the person's own. A model says which table is its own, a
`Parsing` carries the table of the model that made it, and the web page is sent that table with each photo.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Part:
    """One class of the label map.

    Attributes:
        index: value in the label map, 0 to 19.
        name: English name, as CIHP spells it.
        name_zh: Simplified Chinese name.
        group: "background", "head", "clothes", "limbs" or "shoes".
        mirror: index of the class that this one becomes when the picture is mirrored.
        color: the usual LIP/CIHP colour, RGB, each 0 to 255.
    """

    index: int
    name: str
    name_zh: str
    group: str
    mirror: int
    color: tuple[int, int, int]


PARTS: Final[tuple[Part, ...]] = (
    Part(0, "Background", "背景", "background", 0, (0, 0, 0)),
    Part(1, "Hat", "帽子", "head", 1, (128, 0, 0)),
    Part(2, "Hair", "头发", "head", 2, (255, 0, 0)),
    Part(3, "Glove", "手套", "clothes", 3, (0, 85, 0)),
    Part(4, "Sunglasses", "墨镜", "head", 4, (170, 0, 51)),
    Part(5, "UpperClothes", "上衣", "clothes", 5, (255, 85, 0)),
    Part(6, "Dress", "连衣裙", "clothes", 6, (0, 0, 85)),
    Part(7, "Coat", "外套", "clothes", 7, (0, 119, 221)),
    Part(8, "Socks", "袜子", "clothes", 8, (85, 85, 0)),
    Part(9, "Pants", "裤子", "clothes", 9, (0, 85, 85)),
    Part(10, "Torso-skin", "躯干皮肤", "limbs", 10, (85, 51, 0)),
    Part(11, "Scarf", "围巾", "clothes", 11, (52, 86, 128)),
    Part(12, "Skirt", "半身裙", "clothes", 12, (0, 128, 0)),
    Part(13, "Face", "脸", "head", 13, (0, 0, 255)),
    Part(14, "Left-arm", "左臂", "limbs", 15, (51, 170, 221)),
    Part(15, "Right-arm", "右臂", "limbs", 14, (0, 255, 255)),
    Part(16, "Left-leg", "左腿", "limbs", 17, (85, 255, 170)),
    Part(17, "Right-leg", "右腿", "limbs", 16, (170, 255, 85)),
    Part(18, "Left-shoe", "左鞋", "shoes", 19, (255, 255, 0)),
    Part(19, "Right-shoe", "右鞋", "shoes", 18, (255, 170, 0)),
)

LIP_PARTS: Final[tuple[Part, ...]] = tuple(
    replace(part, name="Jumpsuits", name_zh="连体衣", group="clothes") if part.name == "Torso-skin" else part for part in PARTS
)

KNOWN_PARTS: Final = (*PARTS, *(part for part in LIP_PARTS if part not in PARTS))
"""The parts of all data sets."""

GROUPS: Final[tuple[str, ...]] = ("head", "clothes", "limbs", "shoes")

BACKGROUND: Final = 0
HUMAN: Final = 20
"""Class index of a whole person in M2FP's output; never a value in the label map."""


_SAFE_NAME: Final = re.compile(r"\w(?:[\w -]{0,38}\w)?")
"""A name that may stand in a file's name and in a page."""


def part_index(part: int | str, classes: Sequence[Part] = PARTS) -> int:
    """Class index of a part given by index or by English name, in any case and spelling of `read_classes`.

    Args:
        part: index or name.
        classes: the table to look into, such as `Parsing.classes`.

    Raises:
        ValueError: there is no such part.
    """
    if isinstance(part, str):
        wanted = _key(part)
        for known in classes:
            if _key(known.name) == wanted:
                return known.index
        raise ValueError(f"There is no part {part!r}; there are {', '.join(known.name for known in classes)}.")
    if not 0 <= part < len(classes):
        raise ValueError(f"There is no part {part}; parts are numbered 0 to {len(classes) - 1}.")
    return int(part)


def read_classes(names: Sequence[str]) -> tuple[Part, ...]:
    """The table of a model that names its classes itself.

    Names of ours are recognised in other spellings, such as "Gloves" or "Upper-clothes", and take our spelling, Chinese name
    and group. A name that is not ours stays as it is, in the group "clothes"; one that no file could carry, or that was there
    already, becomes "Class-<index>".

    Args:
        names: at most 20, by class index; the first is the background, whatever it is called.
    """
    known = {_key(part.name): part for part in KNOWN_PARTS}
    parts = [PARTS[BACKGROUND]]
    for index, name in enumerate(names[1:], start=1):
        part = known.get(_key(name)) or replace(PARTS[index], name=name, name_zh=name, group="clothes")
        taken = any(_key(part.name) == _key(other.name) for other in parts)
        if taken or not _SAFE_NAME.fullmatch(part.name):
            part = replace(part, name=f"Class-{index}", name_zh=f"类别{index}", group="clothes")
        parts.append(replace(part, index=index, color=PARTS[index].color))
    places = {_key(part.name): part.index for part in parts}
    partners = {_key(part.name): _key(PARTS[part.mirror].name) for part in PARTS}
    return tuple(replace(part, mirror=places.get(partners.get(_key(part.name), ""), part.index)) for part in parts)


def _key(name: str) -> str:
    """What the spellings of a name have in common: letters and digits in one case, without the plural's s."""
    return "".join(letter for letter in name.casefold() if letter.isalnum()).removesuffix("s")
