"""The palette for colour-blind people keeps what it promises, measured by formulas that reproduce published figures."""

from __future__ import annotations

import numpy as np
import pytest

from parsing.render import ARTICLE, PALETTES, SAFE
from tools.color_vision import VISIONS, ciede2000, closest, closest_sides, seen_as


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_distances_are_those_of_the_paper(one: tuple[float, ...], other: tuple[float, ...], distance: float) -> None:
    assert ciede2000(np.array(one), np.array(other)) == pytest.approx(distance, abs=1e-4)


@pytest.mark.parametrize("vision", VISIONS)
def test_grey_stays_grey_in_every_eye(vision: str) -> None:
    lightness, a, b = seen_as(np.array([[255, 255, 255], [119, 119, 119], [0, 0, 0]], np.uint8), vision).T
    np.testing.assert_allclose(lightness, [100, 50, 0], atol=0.2)
    np.testing.assert_allclose([a, b], 0, atol=0.1)


@pytest.mark.parametrize("vision", VISIONS)
def test_no_two_classes_of_the_safe_palette_look_alike(vision: str) -> None:
    distance, *_ = closest(SAFE.colors, vision)
    assert distance >= 12
    assert closest_sides(SAFE.colors, vision) >= 40


@pytest.mark.parametrize("vision", ["protanopia", "deuteranopia", "tritanopia"])
def test_the_other_palettes_are_no_substitute(vision: str) -> None:
    assert all(closest(PALETTES[name].colors, vision)[0] < 6 for name in ("lip", "article"))


def test_the_article_palette_has_the_colors_of_the_article() -> None:
    assert ARTICLE.colors[[0, 2, 5, 9]].tolist() == [[0, 0, 0], [128, 64, 128], [220, 220, 0], [119, 11, 32]]
    assert len({tuple(color) for color in ARTICLE.colors.tolist()}) == 20
