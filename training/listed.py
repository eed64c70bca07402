"""Part labels for photos of which only what people wear is known: `python -m training.listed --photos FOLDER --lists FILE
--model FILE --out FOLDER`.

A model that is at hand finds the people; the lists, made by eye, say which garments its pixels may be given and which must be
there (`training.worn.settle`). So it can't teach its own mistakes on what is hardest to see, dress or skirt, coat or shirt.

`lists/ccp.json` has 954 of CCP's unlabelled photos, `lists/bsds.json` 98 of BSDS500's. Such a file has, by the name of the
photo without its suffix, everybody who is clearly visible: `{"box": [x0, y0, x1, y1], "yes": [...], "maybe": [...]}`, pixels
and names of garments; a garment in neither list is not worn, parts of the body need no mention. Photos in which the model does
not find everybody are left out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from parsing.models.lite.lite import Lite
from parsing.result import Segment
from parsing.video.tracking import Box, overlap
from training.data import IGNORE, read_pixels, write_photo
from training.worn import Teacher, Worn, settle, view_of

BODY: Final = ("Hair", "Face", "Torso-skin", "Arm", "Leg", "Shoe")
"""May be seen of anybody."""
LEAST_PROBABILITY: Final = 0.65
"""Of a class; with less a pixel is somebody's, of no part in particular."""
LEAST_OVERLAP: Final = 0.5
"""Of two boxes of one person, as intersection over union."""


def read_lists(file: Path) -> dict[str, list[tuple[Box, Worn]]]:
    """Boxes and clothes by photo."""
    return {
        identity: [(np.array(one["box"], float), Worn(tuple(one["yes"]), (*one["maybe"], *BODY))) for one in people]
        for identity, people in json.loads(file.read_text()).items()
    }


def label(
    pixels: NDArray[np.uint8], listed: list[tuple[Box, Worn]], model: Lite, teacher: Teacher
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Labels with `PERSON` and `IGNORE`, and person numbers, both (H, W); None where somebody is not found.

    Whoever is not listed is ignored, and so is what is somebody's in the photo and nobody's in its mirror image.
    """
    plain = model(pixels)
    mirrored = model(np.ascontiguousarray(pixels[:, ::-1])).labels[:, ::-1]
    labels, numbers = np.zeros_like(plain.labels), np.zeros_like(plain.labels)
    for number, (box, clothes) in enumerate(listed, start=1):
        person = _find(plain.people, box)
        if person is None:
            return None
        area = view_of(person.box, plain.size)
        inside = person.mask[area]
        labels[area][inside] = settle(teacher(pixels[area])[inside], clothes, LEAST_PROBABILITY)
        numbers[area][inside] = number
    somebody = plain.labels > 0
    labels[(somebody != (mirrored > 0)) | (somebody & (numbers == 0))] = IGNORE
    return labels, numbers


def _find(people: list[Segment], box: Box) -> Segment | None:
    """Whose box is most like the given one."""
    overlaps = [overlap(np.array(person.box, float), box) for person in people]
    return people[int(np.argmax(overlaps))] if max(overlaps, default=0) >= LEAST_OVERLAP else None


def main() -> None:
    """Reads the command line and labels the photos that are listed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--lists", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="ONNX file of training.export")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    model, done = Lite(options.model), []
    teacher = Teacher(model)
    for identity, listed in tqdm(read_lists(options.lists).items(), unit="photo", disable=None):
        photo = options.photos / f"{identity}.jpg"
        labelled = label(read_pixels(photo), listed, model, teacher)
        if labelled is None:
            continue
        write_photo(options.out, identity, photo.read_bytes(), *labelled)
        done.append(identity)
    (options.out / "train_id.txt").write_text("\n".join(done) + "\n")


if __name__ == "__main__":
    main()
