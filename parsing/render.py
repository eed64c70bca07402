"""From a label map to a picture: `Palette` and `composite`. Pure functions of arrays; no model, no file.

The blend is one integer rule, so that a browser can do the same: with k = floor(opacity * 256 + 0.5), a chosen pixel becomes
(photo * (256 - k) + color * k + 128) >> 8 in each channel, and every other pixel stays the photo's. So are outlines: a chosen
pixel takes its part's colour where the square of 2 t + 1 pixels around it, t = 1 + longest side // 640, cut off at the edges of
the picture, holds a pixel of another part or person, or one that is not chosen. The other views follow `parsing.effects`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing import effects
from parsing.image import ImageSource, open_image
from parsing.labels import BACKGROUND, PARTS, part_index
from parsing.result import Parsing, Segment, where_equal
from parsing.views import draw, draw_edges, number_regions

View = Literal["overlay", "map", "cutout", "outlines", "blur", "pixelate", "recolor"]
VIEWS: Final[tuple[str, ...]] = get_args(View)
COLOR: Final = "#[0-9a-fA-F]{6}"
"""How one colour is written."""


@dataclass(frozen=True, eq=False)
class Palette:
    """One colour for each class; `palette.colors[labels]` colours a label map.

    Attributes:
        name: what it is called in options and addresses.
        colors: (20, 3) uint8 RGB, read-only; row 0, the background, is black in every view.
    """

    name: str
    colors: NDArray[np.uint8]

    def __post_init__(self) -> None:
        colors = np.array(self.colors)
        if colors.shape != (len(PARTS), 3):
            raise ValueError(f"A palette has {len(PARTS)} RGB colours, but this array has shape {colors.shape}.")
        if colors.min() < 0 or colors.max() > 255:
            raise ValueError("The colours of a palette lie between 0 and 255.")
        colors = colors.astype(np.uint8)
        colors.flags.writeable = False
        object.__setattr__(self, "colors", colors)


LIP: Final = Palette("lip", np.array([part.color for part in PARTS]))
"""The usual colours of the LIP and CIHP data sets."""

ARTICLE: Final = Palette(
    "article",
    np.array(
        [
            *((0, 0, 0), (0, 60, 100), (128, 64, 128), (70, 70, 70), (0, 0, 70)),  # background, hat, hair, glove, sunglasses
            *((220, 220, 0), (244, 35, 232), (70, 130, 180), (190, 153, 153), (119, 11, 32)),  # upper clothes to pants
            *((250, 170, 30), (255, 0, 0), (107, 142, 35), (220, 20, 60)),  # torso skin, scarf, skirt, face
            *((102, 102, 156), (0, 0, 230), (152, 251, 152), (0, 80, 100), (153, 153, 153), (0, 0, 142)),  # arms, legs, shoes
        ]
    ),
)
"""Background, hair, upper clothes and pants as a well-known article on M2FP has them. They are colours of the Cityscapes data
set; the other parts have the rest of those.
"""

SAFE: Final = Palette(
    "safe",
    np.array(
        [
            *(
                (0, 0, 0),
                (123, 3, 0),
                (239, 0, 44),
                (150, 164, 109),
                (222, 76, 145),
            ),  # background, hat, hair, glove, sunglasses
            *((213, 220, 162), (75, 33, 104), (145, 100, 249), (238, 160, 174), (57, 149, 162)),  # upper clothes to pants
            *((98, 35, 57), (160, 156, 255), (0, 129, 33), (0, 0, 190)),  # torso skin, scarf, skirt, face
            *((1, 85, 197), (147, 255, 237), (235, 195, 255), (30, 205, 0), (194, 254, 3), (159, 93, 101)),  # arms, legs, shoes
        ]
    ),
)
"""For colour-blind people: as far apart as a search found, for normal eyes and under simulated protanopia, deuteranopia and
tritanopia; left and right, and parts that meet, further than others. `python -m tools.color_vision` measures it.
"""

PALETTES: Final[dict[str, Palette]] = {palette.name: palette for palette in (LIP, ARTICLE, SAFE)}


def composite(
    image: ImageSource,
    parsing: Parsing,
    parts: Iterable[int | str] | None = None,
    opacity: float = 0.6,
    palette: Palette | str = LIP,
    view: View = "overlay",
    person: int | None = None,
    grow: int = 0,
    feather: int = 0,
    crop: bool = False,
    color: str | None = None,
) -> NDArray[np.uint8]:
    """Draws the chosen parts of a parsed photo.

    Args:
        image: the photo that was parsed, in any form that `open_image` takes; an RGB uint8 array (H, W, 3) is quickest.
        parsing: what the parser returned for it.
        parts: class indices or English names; None for all 19. Background may be named but is never drawn.
        opacity: of the colours in "overlay", 0 (the photo) to 1 (flat colours); the other views do not use it.
        palette: colours, or the name of a palette in `PALETTES`.
        view: "overlay", colours over the photo; "map", flat colours, black elsewhere; "cutout", the photo where a part is
            chosen, transparent black elsewhere; "outlines", the photo with a line in flat colour along the inside of each part;
            "blur" and "pixelate", the photo with what is chosen made unrecognisable; "recolor", the photo with what is chosen
            in the palette's colours, light and shade kept.
        person: number of the one person to draw, from 1; None for everybody.
        grow: pixels by which what is chosen grows at its edges, or shrinks where it is negative; -64 to 64.
        feather: pixels to each side over which the edges fade, 0 to 64; outlines have none.
        crop: whether only the rectangle around what is chosen is returned; a picture in which nothing is chosen stays whole.
        color: of everything chosen, instead of the palette's, as "#rrggbb".

    Returns:
        New uint8 array, RGB (H, W, 3), or RGBA (H, W, 4) for "cutout"; smaller with `crop`.

    Raises:
        ValueError: a part, palette, view, person or colour that does not exist, an opacity, `grow` or `feather` out of its
            range, or a photo of another size.
        ImageError: the photo cannot be read.
    """
    if view not in VIEWS:
        raise ValueError(f"There is no view {view!r}; there are {', '.join(VIEWS)}.")
    if not 0.0 <= opacity <= 1.0:
        raise ValueError(f"Opacity lies between 0 and 1, but this is {opacity}.")
    _check_edges(grow, feather)
    colors = _find_palette(palette).colors if color is None else np.repeat([_read_color(color)], len(PARTS), axis=0)
    photo = open_image(image)
    if photo.shape[:2] != parsing.labels.shape:
        height, width = parsing.labels.shape
        raise ValueError(
            f"The photo is {photo.shape[1]} by {photo.shape[0]} pixels, but the parsed one was {width} by {height}."
        )
    chosen = chosen_pixels(parsing, parts, person)
    if grow or feather:
        picture, chosen = draw_edges(photo, parsing, chosen, opacity, colors, view, grow, feather)
    else:
        picture = draw(photo, parsing.labels, number_regions(parsing), chosen, opacity, colors, view)
    return _crop(picture, chosen) if crop else picture


def _crop(picture: NDArray[np.uint8], chosen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    x, y, width, height = cv2.boundingRect(chosen)
    return picture[y : y + height, x : x + width].copy() if width else picture


def _check_edges(grow: int, feather: int) -> None:
    widest = effects.WIDEST_EDGE
    if not -widest <= grow <= widest:
        raise ValueError(f"Edges grow by {-widest} to {widest} pixels, but this is {grow}.")
    if not 0 <= feather <= widest:
        raise ValueError(f"Edges fade over 0 to {widest} pixels, but this is {feather}.")


def _read_color(color: str) -> tuple[int, int, int]:
    if not re.fullmatch(COLOR, color):
        raise ValueError(f"A colour is written as #rrggbb, such as #c2185b, but this is {color!r}.")
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def chosen_pixels(parsing: Parsing, parts: Iterable[int | str] | None = None, person: int | None = None) -> NDArray[np.uint8]:
    """(H, W) uint8, 255 where a pixel belongs to one of the parts (None: any) of the person (None: anybody), else 0.

    Raises:
        ValueError: there is no such part or person.
    """
    indices = range(1, len(PARTS)) if parts is None else {part_index(part, parsing.classes) for part in parts} - {BACKGROUND}
    table = np.zeros(256, np.uint8)
    table[list(indices)] = 255
    chosen = np.asarray(cv2.LUT(parsing.labels, table), np.uint8)
    if person is not None:
        parsing.check_person(person)
        chosen &= where_equal(parsing.person_of, person)
    return chosen


def restrict(parsing: Parsing, parts: Iterable[int | str] | None = None, person: int | None = None) -> Parsing:
    """The chosen parts (None: all) of everybody or of one person, who then becomes number 1, and nothing else.

    Where all parts are chosen, segments stay as the model gave them; else a person's mask is what is left of it.

    Raises:
        ValueError: there is no such part or person.
    """
    every = {part.index for part in parsing.classes} - {BACKGROUND}
    indices = every if parts is None else {part_index(part, parsing.classes) for part in parts}
    chosen = chosen_pixels(parsing, indices, person)
    whole = indices >= every
    numbers = range(1, len(parsing.people) + 1) if person is None else (person,)
    people = []
    for number, old in enumerate(numbers, start=1):
        segment = parsing.people[old - 1]
        mask = segment.mask if whole else (chosen > 0) & (parsing.person_of == old)
        people.append(Segment.from_mask(mask, segment.label, segment.score, number))
    kept = [part for part in parsing.parts if part.label in indices and person in (None, part.person)]
    if person is not None:
        kept = [replace(part, person=1) for part in kept]
    labels = np.asarray(cv2.copyTo(parsing.labels, chosen), np.uint8)
    kept_people = parsing.person_of if person is None else np.uint8(1)
    person_of = np.where(chosen > 0, kept_people, np.uint8(0))
    return replace(parsing, labels=labels, parts=kept, people=people, person_of=person_of)


def grow_edges(parsing: Parsing, pixels: int) -> Parsing:
    """The same with edges that have grown by so many pixels on every side, or shrunk where it is negative; as `composite` draws
    them with `grow`. Parts and people are then what the maps show.

    Raises:
        ValueError: it is more than 64 pixels.
    """
    _check_edges(pixels, 0)
    if pixels == 0:
        return parsing
    regions = effects.grow(number_regions(parsing), pixels)
    labels, person_of = (regions & 31).astype(np.uint8), (regions >> 5).astype(np.uint8)

    def mask_of(part: Segment) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = (labels == part.label) & (person_of == (part.person or 0))
        return mask

    parts = [Segment.from_mask(mask_of(part), part.label, part.score, part.person) for part in parsing.parts]
    people = [Segment.from_mask(person_of == one.person, one.label, one.score, one.person) for one in parsing.people]
    return replace(parsing, labels=labels, person_of=person_of, parts=parts, people=people)


def _find_palette(palette: Palette | str) -> Palette:
    if isinstance(palette, Palette):
        return palette
    if palette not in PALETTES:
        raise ValueError(f"There is no palette {palette!r}; there are {', '.join(PALETTES)}.")
    return PALETTES[palette]
