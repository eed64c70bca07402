"""The one table of classes: 19 body and clothing parts, plus background.

The order is that of CIHP (Gong et al., "Instance-level Human Parsing via Part Grouping Network", ECCV 2018), which M2FP
predicts. Left and right are the person's own. Everything that needs a class name, a group, a mirror partner or a colour
reads it here; the web page is sent this table by the server.
"""

from __future__ import annotations

from dataclasses import dataclass
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

GROUPS: Final[tuple[str, ...]] = ("head", "clothes", "limbs", "shoes")

BACKGROUND: Final = 0
HUMAN: Final = 20
"""Class index of a whole person in M2FP's output; never a value in the label map."""


def part_index(part: int | str) -> int:
    """Class index of a part given by index or by English name, in any case.

    Raises:
        ValueError: there is no such part.
    """
    if isinstance(part, str):
        wanted = part.strip().casefold()
        for known in PARTS:
            if known.name.casefold() == wanted:
                return known.index
        raise ValueError(f"There is no part {part!r}; there are {', '.join(known.name for known in PARTS)}.")
    if not 0 <= part < len(PARTS):
        raise ValueError(f"There is no part {part}; parts are numbered 0 to {len(PARTS) - 1}.")
    return int(part)
