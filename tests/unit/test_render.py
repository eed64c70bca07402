"""`composite`: the blend rule to the last bit, parts by name and index, the views, one person of several, errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.pictures import encode
from support.striped_model import STRIPES, Stripes

from parsing import Palette, Parsing, composite, effects
from parsing.image import ImageError
from parsing.labels import PARTS
from parsing.render import LIP, PALETTES, VIEWS, chosen_pixels
from parsing.views import outline_width

PHOTO = np.random.default_rng(5).integers(0, 256, (64, 48, 3), dtype=np.uint8)
PARSED = Stripes()(PHOTO)


def blend(photo: NDArray[np.uint8], parsed: Parsing, chosen: NDArray[np.bool_], opacity: float) -> NDArray[np.uint8]:
    """The rule in integers, as a browser does it."""
    k = math.floor(opacity * 256 + 0.5)
    colors = LIP.colors[parsed.labels].astype(int)
    mixed = (photo.astype(int) * (256 - k) + colors * k + 128) >> 8
    return np.where(chosen[:, :, None], mixed, photo).astype(np.uint8)


def outline(photo: NDArray[np.uint8], parsed: Parsing, chosen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The rule, pixel by pixel."""
    reach = outline_width(parsed.size)
    region = np.where(chosen, parsed.labels + 32 * parsed.person_of.astype(int), 0)
    picture = photo.copy()
    for y, x in np.argwhere(chosen):
        around = region[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        if (around != region[y, x]).any():
            picture[y, x] = LIP.colors[parsed.labels[y, x]]
    return picture


def recolored(photo: NDArray[np.uint8], parsed: Parsing, chosen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The rule, region by region."""
    picture = photo.copy()
    luma = (photo.astype(int) @ (77, 150, 29) + 128) >> 8
    for key in np.unique(parsed.labels[chosen] + 32 * parsed.person_of[chosen].astype(int)):
        region = chosen & (parsed.labels + 32 * parsed.person_of.astype(int) == key)
        mean = (luma[region].sum() + region.sum() // 2) // region.sum() + 16
        bright = (2 * LIP.colors[key % 32].astype(int) * (luma[region, None] + 16) + mean) // (2 * mean)
        picture[region] = np.minimum(bright, 255)
    return picture


@pytest.mark.parametrize("opacity", [0, 0.001, 0.002, 0.1, 1 / 3, 0.5, 0.6, 0.998, 0.9985, 1])
def test_overlay_follows_the_rule_exactly(opacity: float) -> None:
    picture = composite(PHOTO, PARSED, opacity=opacity)
    assert (picture.dtype, picture.shape) == (np.uint8, PHOTO.shape)
    np.testing.assert_array_equal(picture, blend(PHOTO, PARSED, PARSED.labels > 0, opacity))


@pytest.mark.parametrize("k", range(0, 257, 8))
def test_every_brightness_meets_every_color(k: int) -> None:
    brightness, part = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(20, dtype=np.uint8))
    photo = np.dstack([brightness] * 3)
    parsed = Parsing(part, [], [], "example", {}, np.zeros_like(part))
    picture = composite(photo, parsed, opacity=k / 256)
    np.testing.assert_array_equal(picture, blend(photo, parsed, part > 0, k / 256))


def test_opacity_0_is_the_photo_and_1_is_flat_color() -> None:
    np.testing.assert_array_equal(composite(PHOTO, PARSED, opacity=0), PHOTO)
    flat = composite(PHOTO, PARSED, opacity=1)
    np.testing.assert_array_equal(flat[PARSED.labels > 0], LIP.colors[PARSED.labels[PARSED.labels > 0]])
    np.testing.assert_array_equal(flat[PARSED.labels == 0], PHOTO[PARSED.labels == 0])


@pytest.mark.parametrize(
    ("parts", "indices"),
    [
        (None, range(1, 20)),
        ([], []),
        (["Hair"], [2]),
        ([2], [2]),
        ([np.int64(2), np.uint8(13)], [2, 13]),
        (("hair", "FACE", 5), [2, 13, 5]),
        (["Hair", 2, "Hair"], [2]),
        (["Hat"], []),
        (["Background"], []),
        ([0, "Face"], [13]),
        (STRIPES, range(1, 20)),
    ],
    ids=str,
)
@pytest.mark.parametrize("view", VIEWS)
def test_only_the_chosen_parts_change(parts: Any, indices: Any, view: str) -> None:
    chosen = np.isin(PARSED.labels, list(indices))
    picture = composite(PHOTO, PARSED, parts=None if parts is None else iter(parts), opacity=0.7, view=view)
    expected = {
        "overlay": lambda: blend(PHOTO, PARSED, chosen, 0.7),
        "map": lambda: LIP.colors[np.where(chosen, PARSED.labels, 0)],
        "cutout": lambda: np.dstack([PHOTO, np.full(chosen.shape, 255, np.uint8)]) * chosen[:, :, None],
        "outlines": lambda: outline(PHOTO, PARSED, chosen),
        "blur": lambda: np.where(chosen[:, :, None], effects.blur(PHOTO), PHOTO),
        "pixelate": lambda: np.where(chosen[:, :, None], effects.pixelate(PHOTO), PHOTO),
        "recolor": lambda: recolored(PHOTO, PARSED, chosen),
    }[view]()
    np.testing.assert_array_equal(picture, expected)
    np.testing.assert_array_equal(chosen_pixels(PARSED, parts), np.where(chosen, 255, 0))


def pair() -> Parsing:
    """The stripes, of which the left half is one person and the right half another."""
    number = np.where(PARSED.labels > 0, 1 + (np.arange(48) >= 24), 0).astype(np.uint8)
    people = [type(PARSED.people[0]).from_mask(number == who, 20, 0.9, who) for who in (1, 2)]
    return Parsing(PARSED.labels, [], people, "example", {}, number)


@pytest.mark.parametrize("person", [1, 2])
def test_one_person_of_several(person: int) -> None:
    parsed = pair()
    chosen = (parsed.person_of == person) & (parsed.labels == 5)
    picture = composite(PHOTO, parsed, parts=["UpperClothes"], opacity=1, person=person)
    np.testing.assert_array_equal(picture, blend(PHOTO, parsed, chosen, 1))


def test_outlines_run_between_people_and_along_the_edge_of_nothing() -> None:
    labels = np.full((700, 9), 5, np.uint8)
    number = np.where(np.arange(700) < 350, 1, 2).astype(np.uint8)[:, None].repeat(9, axis=1)
    people = [type(PARSED.people[0]).from_mask(number == who, 20, 0.9, who) for who in (1, 2)]
    photo = np.zeros((700, 9, 3), np.uint8)
    picture = composite(photo, Parsing(labels, [], people, "example", {}, number), view="outlines")
    assert np.flatnonzero(picture.any(axis=(1, 2))).tolist() == [348, 349, 350, 351]  # 1 + 700 // 640 on each side


@pytest.mark.parametrize(("size", "width"), [((639, 10), 1), ((640, 10), 2), ((10, 1280), 3), ((1080, 1920), 4)])
def test_outlines_grow_with_the_photo(size: tuple[int, int], width: int) -> None:
    assert outline_width(size) == width


def test_the_palette_decides_the_colors() -> None:
    grey = Palette("grey", np.repeat(np.arange(20)[:, None] * 10, 3, axis=1))
    np.testing.assert_array_equal(composite(PHOTO, PARSED, view="map", palette=grey)[:, :, 0], PARSED.labels * 10)
    np.testing.assert_array_equal(composite(PHOTO, PARSED, palette="lip"), composite(PHOTO, PARSED))


def test_the_usual_palette_is_the_table_of_classes() -> None:
    assert PALETTES["lip"].colors.tolist() == [list(part.color) for part in PARTS]
    with pytest.raises(ValueError, match="read-only"):
        LIP.colors[0] = 7


@pytest.mark.parametrize("colors", [np.zeros((19, 3)), np.zeros((20, 4)), np.full((20, 3), 256), np.full((20, 3), -1)])
def test_a_palette_of_another_shape_or_range_is_refused(colors: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match=r"palette"):
        Palette("broken", colors)


png = partial(encode, format="PNG")


@pytest.mark.parametrize("form", [Image.fromarray, png], ids=["Pillow", "bytes"])
def test_the_photo_comes_in_any_form(form: Callable[[NDArray[np.uint8]], Any]) -> None:
    np.testing.assert_array_equal(composite(form(PHOTO), PARSED), composite(PHOTO, PARSED))


PLAIN = np.full((20, 30, 3), 100, np.uint8)
LABELS = np.zeros((20, 30), np.uint8)
LABELS[5:15, 10:20] = 5
SQUARE = Parsing(LABELS, [], [], "example", {}, np.zeros((20, 30), np.uint8))
"""A garment of ten by ten pixels."""


@pytest.mark.parametrize(("grow", "rows"), [(0, (5, 15)), (2, (3, 17)), (-2, (7, 13)), (-5, (0, 0)), (64, (0, 20))])
def test_edges_grow_and_shrink_on_every_side(grow: int, rows: tuple[int, int]) -> None:
    shape = composite(PLAIN, SQUARE, view="cutout", grow=grow)[..., 3]
    y = np.nonzero(shape)[0]
    assert (int(y.min()), int(y.max()) + 1) == rows if y.size else rows == (0, 0)
    assert set(np.unique(shape)) <= {0, 255}


def test_feathered_edges_fade_evenly_and_keep_half_at_the_edge() -> None:
    shape = composite(PLAIN, SQUARE, view="cutout", feather=2)[10, :, 3].astype(int)
    assert shape[6:14].tolist() == [0, 0, 51, 102, 153, 204, 255, 255]
    overlay = composite(PLAIN, SQUARE, view="overlay", opacity=1, feather=2)[10, :, 0].astype(int)
    assert overlay[6:14].tolist() == [100, 100, *(100 + (155 * k + 127) // 255 for k in (51, 102, 153, 204)), 255, 255]


@pytest.mark.parametrize("view", VIEWS)
def test_cropped_is_the_rectangle_around_what_is_chosen(view: str) -> None:
    whole = composite(PLAIN, SQUARE, view=view, grow=1)
    np.testing.assert_array_equal(composite(PLAIN, SQUARE, view=view, grow=1, crop=True), whole[4:16, 9:21])
    assert composite(PLAIN, SQUARE, view=view, parts=["Hat"], crop=True).shape[:2] == (20, 30)


def test_one_color_replaces_the_palette() -> None:
    picture = composite(PLAIN, SQUARE, view="recolor", color="#ff8000")
    assert picture[10, 15].tolist() == [255, 128, 0]  # all of it is as bright as its mean
    picture = composite(PLAIN, SQUARE, view="map", color="#FF8000")
    assert picture[10, 15].tolist() == [255, 128, 0]


@pytest.mark.parametrize("view", ["blur", "pixelate"])
def test_a_face_cannot_be_recognised_and_the_rest_stays(view: str) -> None:
    stripes = np.where(np.arange(480)[None, :, None] % 2, 255, 0).repeat(480, 0).repeat(3, 2).astype(np.uint8)
    labels = np.zeros((480, 480), np.uint8)
    labels[100:200, 100:200] = 13
    picture = composite(stripes, Parsing(labels, [], [], "example", {}, np.zeros_like(labels)), view=view)
    assert picture[120:180, 120:180].std() < 20
    np.testing.assert_array_equal(picture[labels == 0], stripes[labels == 0])


def test_photo_and_parsing_stay_as_they_were() -> None:
    photo, labels = PHOTO.copy(), PARSED.labels.copy()
    for view in VIEWS:
        picture = composite(photo, PARSED, view=view, opacity=0)
        picture[:] = 7
        np.testing.assert_array_equal(photo, PHOTO)
        np.testing.assert_array_equal(PARSED.labels, labels)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"parts": ["Nose"]}, "There is no part 'Nose'; there are Background, Hat,"),
        ({"parts": [20]}, "There is no part 20;"),
        ({"opacity": 1.01}, "Opacity lies between 0 and 1, but this is 1.01."),
        ({"opacity": -0.01}, "Opacity lies between 0 and 1"),
        ({"opacity": math.nan}, "Opacity lies between 0 and 1"),
        ({"view": "outline"}, "There is no view 'outline'; there are overlay, map, cutout, outlines, blur, pixelate, recolor."),
        ({"palette": "neon"}, "There is no palette 'neon'; there are lip"),
        ({"person": 2}, "There is no person 2; people are numbered 1 to 1."),
        ({"person": 0}, "There is no person 0;"),
        ({"grow": 65}, "Edges grow by -64 to 64 pixels, but this is 65."),
        ({"grow": -65}, "Edges grow by -64 to 64 pixels"),
        ({"feather": -1}, "Edges fade over 0 to 64 pixels, but this is -1."),
        ({"color": "red"}, "A colour is written as #rrggbb, such as #c2185b, but this is 'red'."),
    ],
)
def test_what_does_not_exist_is_named(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        composite(PHOTO, PARSED, **options)


def test_a_photo_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="The photo is 47 by 64 pixels, but the parsed one was 48 by 64"):
        composite(PHOTO[:, 1:], PARSED)
    with pytest.raises(ImageError):
        composite(b"no photo", PARSED)
