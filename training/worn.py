"""Part labels for photos of which only people's masks and what they wear are known: `python -m training.worn --data FOLDER
--model FILE --out FOLDER`.

A model that is at hand says at each pixel of a person how likely each class is; only classes that the person may wear are
asked, and each that the person does wear gets at least a share of the pixels, those where it loses by the least (EM-Adapt of
Papandreou et al., "Weakly- and Semi-Supervised Learning of a Deep Convolutional Network", ICCV 2015, section 3.2). A pixel on
which it is not sure is labelled `PERSON`: of somebody, of no part in particular. So are people of whom nothing is known. With
the labels of one model a better one is trained, and that one labels again.

`--data` has `Images`, `People` (number of the person at each pixel, 0 nobody, 255 a crowd) and `worn.json`: `"ID:person":
{"yes": [...], "maybe": [...]}`, names of classes, `Arm`, `Leg` and `Shoe` for both sides; a class in neither list is not worn.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.labels import part_index
from parsing.models.lite.lite import STRIDE, Lite
from training.data import CROWD, IGNORE, PERSON, read_pixels, split_ids, write_photo

HELD_OUT: Final = 24
EDGE: Final = 5
"""Pixels of the band around a mask's edge that is ignored: the masks are polygons."""
LEAST_SHARE: Final = {
    "UpperClothes": 0.08,
    "Dress": 0.12,
    "Coat": 0.1,
    "Pants": 0.06,
    "Skirt": 0.06,
    "Face": 0.015,
    "Hair": 0.015,
    "Hat": 0.015,
    "Arm": 0.02,
    "Leg": 0.03,
    "Shoe": 0.01,
    "Torso-skin": 0.006,
    "Scarf": 0.01,
    "Socks": 0.008,
    "Glove": 0.006,
    "Sunglasses": 0.003,
}
"""Of a person's pixels, for a class that is certainly worn."""
LEAST_PROBABILITY: Final = 0.5
AREA: Final = 72_000
MARGIN: Final = 0.25


@dataclass(frozen=True)
class Worn:
    """What one person wears: groups of class indices, both sides in one group."""

    yes: tuple[str, ...]
    maybe: tuple[str, ...]

    @property
    def allowed(self) -> list[int]:
        """Indices of the classes that may be on the person."""
        return sorted(index for name in (*self.yes, *self.maybe) for index in indices(name))


def indices(name: str) -> tuple[int, ...]:
    """Class indices of a name in `worn.json`."""
    if name in ("Arm", "Leg", "Shoe"):
        return tuple(part_index(f"{side}-{name}") for side in ("Left", "Right"))
    return (part_index(name),)


def read_worn(root: Path) -> dict[str, dict[int, Worn]]:
    """What is worn, by photo and person; without the unreadable."""
    found: dict[str, dict[int, Worn]] = {}
    for key, value in json.loads((root / "worn.json").read_text()).items():
        identity, person = key.split(":")
        if not value.get("skip"):
            found.setdefault(identity, {})[int(person)] = Worn(tuple(value["yes"]), tuple(value["maybe"]))
    return found


def read_photo_ids(root: Path) -> list[str]:
    """The ids of all photos of a folder."""
    return [path.stem for path in (root / "Images").glob("*.jpg")]


def settle(scores: NDArray[np.float32], worn: Worn, least_probability: float = LEAST_PROBABILITY) -> NDArray[np.uint8]:
    """Labels of a person's N pixels from their logits (N, 20); `PERSON` where none is as probable as `least_probability`."""
    allowed = worn.allowed
    scores = scores[:, allowed].astype(np.float64)
    scores -= scores.max(axis=1, keepdims=True)
    for name in sorted(worn.yes, key=lambda name: -LEAST_SHARE[name]):
        own = [allowed.index(index) for index in indices(name)]
        others = np.delete(scores, own, axis=1)
        if not others.size:
            continue
        lead = others.max(axis=1) - scores[:, own].max(axis=1)
        missing = np.quantile(lead, LEAST_SHARE[name])
        if missing >= 0:
            scores[:, own] += missing + 1e-3
    probability = np.exp(scores - scores.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    labels = np.array(allowed, np.uint8)[probability.argmax(axis=1)]
    labels[probability.max(axis=1) < least_probability] = PERSON
    return labels


class Teacher:
    """A model that is asked for the part logits of one box of a photo."""

    def __init__(self, model: Lite) -> None:
        self.model = model

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 20) logits of RGB (H, W, 3), the mean of two looks, one of them in the mirror."""
        height, width = pixels.shape[:2]
        zoom = (AREA / (height * width)) ** 0.5
        size = [max(round(side * zoom / STRIDE), 1) * STRIDE for side in (width, height)]
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
        scores = (self.model.ask(small).parts + self.model.ask(small[:, ::-1]).mirrored().parts) / 2  # (20, h, w)
        return np.dstack([cv2.resize(score, (width, height), interpolation=cv2.INTER_LINEAR) for score in scores])


def view_of(box: tuple[int, int, int, int], size: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of a box with a margin, within a photo of (height, width) `size`."""
    x0, y0, x1, y1 = box
    across, down = int(MARGIN * (x1 - x0)), int(MARGIN * (y1 - y0))
    return np.s_[max(y0 - down, 0) : min(y1 + down, size[0]), max(x0 - across, 0) : min(x1 + across, size[1])]


def label(pixels: NDArray[np.uint8], people: NDArray[np.uint8], worn: dict[int, Worn], teacher: Teacher) -> NDArray[np.uint8]:
    """(H, W) class indices, `PERSON` and `IGNORE` of one photo."""
    labels = np.where(people == 0, 0, PERSON).astype(np.uint8)
    for number, clothes in worn.items():
        mask = people == number
        x, y, columns, rows = cv2.boundingRect(mask.astype(np.uint8))
        area = view_of((x, y, x + columns, y + rows), people.shape)
        inside = mask[area]
        labels[area][inside] = settle(teacher(pixels[area])[inside], clothes)
    kernel = np.ones((EDGE, EDGE), np.uint8)
    labels[cv2.dilate(people, kernel) != cv2.erode(people, kernel)] = IGNORE
    labels[people == CROWD] = IGNORE
    return labels


def main() -> None:
    """Reads the command line and labels all photos that are not held out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="ONNX file of training.export")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    teacher, worn = Teacher(Lite(options.model)), read_worn(options.data)
    ids, _ = split_ids(read_photo_ids(options.data), HELD_OUT)
    for identity in ids:
        photo = options.data / "Images" / f"{identity}.jpg"
        people = cv2.imread(str(options.data / "People" / f"{identity}.png"), cv2.IMREAD_UNCHANGED)
        labels = label(read_pixels(photo), people, worn.get(identity, {}), teacher)
        write_photo(options.out, identity, photo.read_bytes(), labels, np.where(people == CROWD, 0, people))
    (options.out / "train_id.txt").write_text("\n".join(ids) + "\n")


if __name__ == "__main__":
    main()
