"""Training pictures made from labelled people: crops of one person, and scenes with several pasted together.

A small data set of standing people says little about portraits, groups, distance, light and clutter; this file supplies them.
Pasting also gives exact person labels for free (Ghiasi et al., "Simple Copy-Paste", arXiv 2012.07177).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.labels import PARTS
from training.data import IGNORE, Photo, make_photo
from training.windows import around, placement, stretch_of, window

WHOLE_PERSON = 0.72
"""Share of the crops that show all of somebody."""
CANVAS = 1.5
"""Sides of the scene of which a close-up is a part, in sides of the close-up."""
SMALLEST_SUBJECT = 400
"""Pixels of somebody who gets a close-up."""

MIRROR = np.arange(256, dtype=np.uint8)
MIRROR[: len(PARTS)] = [part.mirror for part in PARTS]


@dataclass
class Picture:
    """RGB uint8 (H, W, 3), class index uint8 (H, W) with `PERSON` and `IGNORE`, and number of the person uint8 (H, W)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    people: NDArray[np.uint8]


@dataclass(frozen=True)
class Library:
    """What pictures are made from: photos, how often to draw each, textures and places without people for backgrounds."""

    photos: list[Photo]
    weights: NDArray[np.float64]
    textures: list[NDArray[np.uint8]]
    places: list[NDArray[np.uint8]] = field(default_factory=list)

    def draw(self, rng: np.random.Generator) -> tuple[Photo, int]:
        """A photo and the number of one person in it."""
        photo = self.photos[rng.choice(len(self.photos), p=self.weights)]
        return photo, int(rng.choice(list(photo.boxes)))

    def draw_shaped(self, rng: np.random.Generator, size: tuple[int, int]) -> tuple[Photo, int]:
        """Of a few people the one whose box is most like a picture of (height, width) `size`."""
        return min((self.draw(rng) for _ in range(3)), key=lambda drawn: stretch_of(drawn[0].boxes[drawn[1]], size))


def crop(library: Library, rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """One person filling the picture, whole or in part, at (height, width) `size`; sometimes before another background."""
    photo, number = library.draw_shaped(rng, size)
    picture = _closer(photo, number, rng, size) if rng.random() < WHOLE_PERSON else _piece(photo, number, rng, size)
    if rng.random() < 0.18:
        scenery = Picture(background(library, rng, size), np.zeros(size, np.uint8), np.zeros(size, np.uint8))
        paste(scenery, picture, number, 1, rng)
        picture = scenery
    if rng.random() < 0.2:
        behind = rng.random() < 0.4
        other, other_number = library.draw(rng)
        height = size[0] * rng.uniform(0.6, 1.4)
        side = rng.choice([rng.uniform(-0.1, 0.2), rng.uniform(0.8, 1.1)])
        neighbour = place(other, other_number, rng, height, size, side, rng.uniform(0.8, 1.3))
        keep = picture.people > 0 if behind else None
        paste(picture, neighbour, other_number, 200, rng, keep)
    return finish(picture, rng)


def scene(library: Library, rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """One to six people of any size, side by side and overlapping, before a background; sometimes nobody."""
    return finish(_compose(library, rng, size), rng)


def close_up(library: Library, rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """A closer look at somebody in a scene."""
    canvas = _compose(library, rng, (int(size[0] * CANVAS), int(size[1] * CANVAS)))
    photo = make_photo("", canvas.pixels, canvas.labels, canvas.people)
    pixels = np.bincount(photo.people.ravel(), minlength=256)
    numbers = [number for number in photo.boxes if pixels[number] >= SMALLEST_SUBJECT]
    if not numbers:
        return finish(_warp(photo, window(rng, (0, 0, *photo.labels.shape[::-1]), size), size), rng)
    number = min(rng.permutation(numbers)[:3], key=lambda number: stretch_of(photo.boxes[number], size))
    return finish(_closer(photo, int(number), rng, size), rng)


def _compose(library: Library, rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    picture = Picture(background(library, rng, size), np.zeros(size, np.uint8), np.zeros(size, np.uint8))
    count = int(rng.choice([0, 1, 2, 3, 4, 5, 6], p=[0.03, 0.15, 0.24, 0.22, 0.18, 0.12, 0.06]))
    if count and rng.random() < 0.3:  # begin with a whole photo as it is
        photo, number = library.draw(rng)
        picture = _warp(photo, window(rng, (0, 0, *photo.labels.shape[::-1]), size), size)
        count -= 1
    typical = np.exp(rng.uniform(np.log(0.3), np.log(1.1))) * size[0]
    slots = rng.permutation(count)
    floor = rng.uniform(0.8, 1.05)
    middle, gap = 0.5, 1 / max(count, 1)
    if rng.random() < 0.4:  # a tight group, shoulder behind shoulder, perhaps cut by the picture's edge
        middle, gap = rng.uniform(0, 1), typical / size[1] * rng.uniform(0.12, 0.35)
    placed = []
    for index in range(count):
        height = min(typical * np.exp(rng.normal(0, 0.2)), 1.5 * size[0])
        column = middle + (slots[index] - (count - 1) / 2 + rng.normal(0, 0.25)) * gap
        column = column if rng.random() < 0.85 else rng.uniform(0, 1)
        foot = floor + (rng.normal(0, 0.08) if rng.random() < 0.7 else rng.uniform(-0.4, 0.5))
        placed.append((foot if rng.random() < 0.8 else rng.random(), height, column, foot))
    for number, (_, height, column, foot) in enumerate(sorted(placed), start=int(picture.people.max()) + 1):
        photo, source = library.draw(rng)
        patch = place(photo, source, rng, height, size, column, foot)
        paste(picture, patch, source, number, rng)
    return picture


def whole(library: Library, rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """Most of a photo, as it is."""
    photo, _ = library.draw(rng)
    height, width = photo.labels.shape
    scale = min(height / size[0], width / size[1]) * np.exp(rng.uniform(np.log(0.8), np.log(1.3)))
    center = (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.4, 0.6))
    matrix = placement(center, (scale, scale), np.deg2rad(rng.normal(0, 4)), size, rng.random() < 0.5)
    return finish(_warp(photo, matrix, size), rng)


def empty(library: Library, rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """A place without people; there is nothing to find, whatever it looks like."""
    nobody = np.zeros(size, np.uint8)
    return finish(Picture(_part_of_place(library, rng, size), nobody, nobody.copy()), rng)


def background(library: Library, rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture without people: a place, or else textures, the surroundings of somebody in a photo, or plain colours, often a
    floor below a wall.
    """
    if library.places and rng.random() < 0.6:
        return _part_of_place(library, rng, size)

    def plane() -> NDArray[np.uint8]:
        choice = rng.random()
        if choice < 0.35 and library.textures:
            texture = library.textures[rng.integers(len(library.textures))]
            angle, zoom = rng.uniform(-15, 15), rng.uniform(0.6, 4)
            matrix = cv2.getRotationMatrix2D((64, 64), angle, 1 / zoom)
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            return cv2.warpAffine(texture, matrix, size[::-1], flags=flags, borderMode=cv2.BORDER_REFLECT)
        if choice < 0.8:
            surroundings = _surroundings(library, rng)
            if surroundings is not None:
                return cv2.resize(surroundings, size[::-1], interpolation=cv2.INTER_LINEAR)
        corners = np.clip(rng.uniform(0, 255, 3) + rng.normal(0, 30, (2, 2, 3)), 0, 255).astype(np.float32)
        return cv2.resize(corners, size[::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8)

    pixels = plane()
    if rng.random() < 0.4:
        horizon = int(size[0] * rng.uniform(0.5, 0.95))
        pixels[horizon:] = plane()[horizon:]
    if rng.random() < 0.2:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(1, 5))
    return pixels


def _part_of_place(library: Library, rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Most of a place or a piece of it, perhaps mirrored."""
    place = library.places[rng.integers(len(library.places))]
    zoom = min(place.shape[0] / size[0], place.shape[1] / size[1]) * np.exp(rng.uniform(np.log(0.35), 0))
    height, width = max(int(size[0] * zoom), 1), max(int(size[1] * zoom), 1)
    top, left = (rng.integers(side - part + 1) for side, part in zip(place.shape[:2], (height, width), strict=True))
    piece = place[top : top + height, left : left + width]
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    return cv2.resize(np.ascontiguousarray(piece), size[::-1], interpolation=cv2.INTER_AREA if zoom > 1 else cv2.INTER_LINEAR)


def _surroundings(library: Library, rng: np.random.Generator) -> NDArray[np.uint8] | None:
    """The wider strip of background beside the person of a random photo; None where there is none wide enough."""
    photo = library.photos[rng.integers(len(library.photos))]
    empty = np.flatnonzero((photo.labels[::4] != 0).any(axis=0))
    if not empty.size:
        return photo.pyramid[1]
    left, right = int(empty[0]), int(empty[-1]) + 1
    width = photo.labels.shape[1]
    if max(left, width - right) < 50:
        return None
    return photo.pyramid[1][:, : left // 2] if left > width - right else photo.pyramid[1][:, (right + 1) // 2 :]


def _closer(photo: Photo, number: int, rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """Somebody seen as the model sees them at its second look: whole, in the middle, mostly within the photo."""
    sides = photo.labels.shape if rng.random() < 0.7 else None
    return _warp(photo, window(rng, photo.boxes[number], size, sides), size)


def _piece(photo: Photo, number: int, rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """Somebody's head and shoulders, or another piece of them."""
    x0, y0, x1, y1 = photo.boxes[number]
    width, height = x1 - x0, y1 - y0
    scale = height * np.exp(rng.uniform(np.log(0.22), np.log(0.85))) / size[0]
    top = y0 - 0.05 * height if rng.random() < 0.5 else y0 + rng.uniform(0, 1) * max(height - scale * size[0], 0)
    center = ((x0 + x1) / 2 + rng.normal(0, 0.15) * width, top + scale * size[0] / 2)
    return _warp(photo, around(rng, center, scale, size), size)


def place(
    photo: Photo,
    number: int,
    rng: np.random.Generator,
    height: float,
    size: tuple[int, int],
    column: float,
    foot: float,
) -> Picture:
    """One person of a photo `height` pixels tall, the foot at the fractions (column, foot) of `size`, in a light of its own."""
    x0, y0, x1, y1 = photo.boxes[number]
    scale = (y1 - y0) / height
    stretch = np.exp(rng.normal(0, 0.08))
    center = (
        (x0 + x1) / 2 + (0.5 - column) * size[1] * scale * stretch,
        y1 + (0.5 - foot) * size[0] * scale / stretch,
    )
    matrix = placement(center, (scale * stretch, scale / stretch), np.deg2rad(rng.normal(0, 6)), size, rng.random() < 0.5)
    picture = _warp(photo, matrix, size)
    if rng.random() < 0.6:
        light = np.clip(np.arange(256) * np.exp(rng.normal(0, 0.2)) + rng.normal(0, 10), 0, 255).astype(np.uint8)
        picture.pixels = cv2.LUT(picture.pixels, light)
    return picture


def _warp(photo: Photo, matrix: NDArray[np.float64], size: tuple[int, int]) -> Picture:
    """The photo seen through a map from output to photo; beyond its edge the picture is mirrored and the labels are
    `IGNORE`.
    """
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    level = int(np.clip(np.log2(max(scale, 1)) + 0.2, 0, len(photo.pyramid) - 1))
    shrink = 2**level
    reduced = matrix / shrink
    reduced[:, 2] = (matrix[:, 2] + 0.5) / shrink - 0.5
    inverse = cv2.WARP_INVERSE_MAP
    shape = size[::-1]
    pixels = cv2.warpAffine(
        photo.pyramid[level], reduced, shape, flags=cv2.INTER_LINEAR | inverse, borderMode=cv2.BORDER_REFLECT_101
    )
    nearest = cv2.INTER_NEAREST | inverse
    labels = cv2.warpAffine(photo.labels, matrix, shape, flags=nearest, borderMode=cv2.BORDER_CONSTANT, borderValue=IGNORE)
    people = cv2.warpAffine(photo.people, matrix, shape, flags=nearest, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    if np.linalg.det(matrix[:, :2]) < 0:
        labels = MIRROR[labels]
    return Picture(pixels, labels, people)


def paste(
    target: Picture,
    source: Picture,
    source_number: int,
    number: int,
    rng: np.random.Generator,
    keep: NDArray[np.bool_] | None = None,
) -> None:
    """Puts one person of `source` into `target` as person `number`, with a soft edge; pixels in `keep` stay in front."""
    mask = (source.people == source_number).astype(np.uint8)
    if keep is not None:
        mask[keep] = 0
    x, y, width, height = cv2.boundingRect(mask)
    if not width:
        return
    area = np.s_[max(y - 4, 0) : y + height + 4, max(x - 4, 0) : x + width + 4]
    inside = mask[area] > 0
    alpha = cv2.GaussianBlur(mask[area].astype(np.float32), (0, 0), rng.uniform(0.4, 1.2))[..., None]
    below = target.pixels[area].astype(np.float32)
    target.pixels[area] = below + alpha * (source.pixels[area] - below)
    target.labels[area][inside] = source.labels[area][inside]
    target.people[area][inside] = number


def finish(picture: Picture, rng: np.random.Generator) -> Picture:
    """Light, colour, blur, grain and compression of the whole picture; the labels stay."""
    pixels = picture.pixels
    ramp = np.arange(256, dtype=np.float32) / 255
    gamma = np.exp(rng.normal(0, 0.25))
    contrast, brightness = np.exp(rng.normal(0, 0.15)), rng.normal(0, 0.06)
    tint = np.exp(rng.normal(0, 0.06, 3))
    curves = [(ramp**gamma - 0.5) * contrast * tone + 0.5 + brightness for tone in tint]
    table = (np.clip(np.stack(curves, axis=-1), 0, 1) * 255).astype(np.uint8)[None]
    pixels = cv2.LUT(pixels, table)
    choice = rng.random()
    if choice < 0.12:
        pixels = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    elif choice < 0.6:
        grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        amount = rng.uniform(0.3, 1.4)
        pixels = cv2.addWeighted(pixels, amount, grey, 1 - amount, 0)
    choice = rng.random()
    height, width = pixels.shape[:2]
    if choice < 0.1:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.5, 2.0))
    elif choice < 0.2:
        shrink = rng.uniform(0.3, 0.8)
        small = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    elif choice < 0.3:
        _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(15, 70))])
        pixels = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    elif choice < 0.45:
        noise = rng.normal(0, rng.uniform(3, 20), (height // 2, width // 2, 3)).astype(np.float32)
        pixels = np.clip(pixels + cv2.resize(noise, (width, height), interpolation=cv2.INTER_NEAREST), 0, 255).astype(np.uint8)
    return Picture(pixels, picture.labels, picture.people)
