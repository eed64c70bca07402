"""Photos with part labels, held in memory for training.

The folder layout is CIHP's: `Images/ID.jpg`, `Category_ids/ID.png` (class index per pixel, 255 = ignore), `train_id.txt`,
and, where there are several people in a photo, `Human_ids/ID.png` (number of the person per pixel). Any data set laid out
so can be used.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.files import write_file

IGNORE = 255
PERSON = 254
"""Label of a pixel that is somebody's, of no part in particular."""
CROWD = 255
"""Number of people who are not told apart."""
NUM_PARTS = 20


@dataclass(frozen=True)
class Photo:
    """One labelled photo.

    Attributes:
        identity: its line in the list of ids.
        pyramid: RGB uint8 at full, half and quarter size, so that shrinking never skips pixels.
        labels: (H, W) uint8 class index, `PERSON` or `IGNORE`.
        people: (H, W) uint8 number of the person, 0 for none.
        boxes: x0, y0, x1, y1 of each person, by number.
    """

    identity: str
    pyramid: tuple[NDArray[np.uint8], ...]
    labels: NDArray[np.uint8]
    people: NDArray[np.uint8]
    boxes: dict[int, tuple[int, int, int, int]]


def read_ids(root: Path, name: str = "train_id.txt") -> list[str]:
    """The ids of a list file, one a line."""
    return (root / name).read_text().split()


def split_ids(ids: Sequence[str], held_out: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Training and validation ids; the draw depends on the seed and the list alone."""
    shuffled = sorted(ids)
    random.Random(seed).shuffle(shuffled)
    return sorted(shuffled[held_out:]), sorted(shuffled[:held_out])


def read_pixels(path: Path) -> NDArray[np.uint8]:
    """RGB uint8 (H, W, 3) of a picture file.

    Raises:
        FileNotFoundError: it is missing or unreadable.
    """
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise FileNotFoundError(f"{path} can't be read")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def read_photo(root: Path, identity: str) -> Photo:
    """Reads one photo with its labels.

    Raises:
        FileNotFoundError: the picture or its labels are missing or unreadable.
    """
    pixels = read_pixels(root / "Images" / f"{identity}.jpg")
    labels = cv2.imread(str(root / "Category_ids" / f"{identity}.png"), cv2.IMREAD_UNCHANGED)
    if labels is None:
        raise FileNotFoundError(f"the labels of {identity} can't be read in {root}")
    human_ids = root / "Human_ids" / f"{identity}.png"
    people = cv2.imread(str(human_ids), cv2.IMREAD_UNCHANGED) if human_ids.exists() else _single_person(labels)
    return make_photo(identity, pixels, labels, people)


def make_photo(identity: str, pixels: NDArray[np.uint8], labels: NDArray[np.uint8], people: NDArray[np.uint8]) -> Photo:
    """A photo from its arrays."""
    half = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    quarter = cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return Photo(identity, (pixels, half, quarter), labels, people, _boxes(people))


def write_photo(root: Path, identity: str, picture: bytes, labels: NDArray[np.uint8], people: NDArray[np.uint8]) -> None:
    """Writes one photo, the content of a JPEG file, and its labels, as `read_photo` reads them, and the folders for them.

    Raises:
        OSError: the folder is full or may not be written to.
    """
    maps = {"Category_ids": labels, "Human_ids": people}
    files = {f"{folder}/{identity}.png": cv2.imencode(".png", values)[1].tobytes() for folder, values in maps.items()}
    for name, content in {f"Images/{identity}.jpg": picture, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_file(content, root / name)


def _single_person(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Person 1 where a part is, and where a doubtful patch (ignore) hangs on it; larger ignored areas are bystanders."""
    person = ((labels > 0) & (labels < NUM_PARTS)).astype(np.uint8)
    grown = cv2.dilate(person, np.ones((5, 5), np.uint8))
    count, components, stats, _ = cv2.connectedComponentsWithStats((labels == IGNORE).astype(np.uint8))
    for component in range(1, count):
        patch = components == component
        if stats[component, cv2.CC_STAT_AREA] < 0.05 * person.sum() and grown[patch].any():
            person[patch] = 1
    return person


def _boxes(people: NDArray[np.uint8]) -> dict[int, tuple[int, int, int, int]]:
    boxes = {}
    for number in np.unique(people):
        if number:
            x, y, width, height = cv2.boundingRect((people == number).astype(np.uint8))
            boxes[int(number)] = (x, y, x + width, y + height)
    return boxes


def read_photos(root: Path, ids: Sequence[str]) -> list[Photo]:
    """Reads photos into memory, leaving out those without a person."""
    with ThreadPoolExecutor() as pool:
        return [photo for photo in pool.map(lambda identity: read_photo(root, identity), ids) if photo.boxes]


def read_backgrounds(folder: Path) -> list[NDArray[np.uint8]]:
    """All JPEG pictures of a folder, RGB uint8; none where there is no folder."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(read_pixels, sorted(folder.glob("*.jpg"))))


def sampling_weights(photos: Sequence[Photo], threshold: float = 0.15) -> NDArray[np.float64]:
    """How often to draw each photo: those with a class that fewer than `threshold` of the photos have come up more often.

    The rule is the repeat factor of Gupta et al., "LVIS" (CVPR 2019): the largest sqrt(threshold / frequency) among its
    classes.
    """
    if not photos:
        return np.zeros(0)
    present = np.array([[(photo.labels[::4, ::4] == part).any() for part in range(NUM_PARTS)] for photo in photos])
    factor = np.sqrt(threshold / np.maximum(present.mean(axis=0), 1 / len(photos)))
    weights = np.where(present, np.maximum(factor, 1), 1).max(axis=1)
    return weights / weights.sum()
