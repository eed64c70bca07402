"""How far apart a palette's colours look to somebody who confuses colours: `python -m tools.color_vision` prints a table.

Colour blindness is simulated at full strength with the matrices of Machado, Oliveira and Fernandes ("A Physiologically-based
Model for Simulation of Color Vision Deficiency", IEEE TVCG 2009), which work on linear RGB. Distances are CIEDE2000 (Sharma, Wu
and Dalal, "The CIEDE2000 Color-Difference Formula", 2005): about 2 is just noticeable side by side, 10 is seen at a glance.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from parsing.labels import PARTS
from parsing.render import PALETTES

VISIONS: Final[dict[str, NDArray[np.float64]]] = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}
"""What each kind of eye makes of linear RGB."""

_XYZ: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""From linear sRGB, white D65."""


def seen_as(colors: NDArray[np.uint8], vision: str) -> NDArray[np.float64]:
    """CIELAB (n, 3) of sRGB colours (n, 3), 0 to 255, as seen with one of `VISIONS`."""
    share = np.asarray(colors, np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ VISIONS[vision].T, 0, 1) @ _XYZ.T / _XYZ.sum(axis=1)
    cube = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(cube, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIEDE2000 between CIELAB colours, (..., 3) each, which broadcast; the symbols are those of the paper."""
    l1, a1, b1 = np.moveaxis(np.asarray(one, np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(other, np.float64), -1, 0)
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = (1 - np.sqrt(chroma**7 / (chroma**7 + 25.0**7))) / 2
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    middle = np.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    delta_l, delta_c = l2 - l1, c2 - c1
    delta_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    lightness, c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(np.radians(middle - 30))
        + 0.24 * np.cos(np.radians(2 * middle))
        + 0.32 * np.cos(np.radians(3 * middle + 6))
        - 0.20 * np.cos(np.radians(4 * middle - 63))
    )
    s_l = 1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c, 1 + 0.015 * c * t
    r_t = -2 * np.sqrt(c**7 / (c**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((middle - 275) / 25) ** 2))))
    dl, dc, dh = delta_l / s_l, delta_c / s_c, delta_h / s_h
    return np.sqrt(np.maximum(dl**2 + dc**2 + dh**2 + r_t * dc * dh, 0))


def distances(colors: NDArray[np.uint8], vision: str) -> NDArray[np.float64]:
    """(n, n) CIEDE2000 between any two colours as seen with one of `VISIONS`; the diagonal is infinite."""
    seen = seen_as(colors, vision)
    between = ciede2000(seen[:, None], seen[None])
    np.fill_diagonal(between, np.inf)
    return between


def closest(colors: NDArray[np.uint8], vision: str) -> tuple[float, str, str]:
    """The smallest distance between two classes of a palette, background included, and their names."""
    between = distances(colors, vision)
    one, other = np.unravel_index(between.argmin(), between.shape)
    return float(between[one, other]), PARTS[one].name, PARTS[other].name


def closest_sides(colors: NDArray[np.uint8], vision: str) -> float:
    """The smallest distance between a left limb or shoe and its right one."""
    between = distances(colors, vision)
    return min(float(between[part.index, part.mirror]) for part in PARTS if part.mirror != part.index)


def main() -> None:
    """Prints, for each palette and kind of eye, the two colours that look most alike, and the closest left and right."""
    print("| palette | vision | closest two | distance | closest left and right |\n| --- | --- | --- | ---: | ---: |")
    for name, palette in PALETTES.items():
        for vision in VISIONS:
            distance, one, other = closest(palette.colors, vision)
            print(f"| {name} | {vision} | {one}, {other} | {distance:.1f} | {closest_sides(palette.colors, vision):.1f} |")


if __name__ == "__main__":
    main()
