"""Labels photos that nobody has labelled with a model that is at hand: `python -m training.pseudo --photos FOLDER --model FILE
--out FOLDER`; `training.distill` does it with M2FP.

The result is a folder in the CIHP layout for `training.train --extra`. Each photo is parsed twice, as it is and mirrored; a
pixel is ignored where the two disagree, where the model is not sure of the part, or where it names a part of nobody, because a
wrong label would only teach a mistake (self-training as in Xie et al., "Noisy Student", arXiv 1911.04252: the student learns
from distorted pictures what the teacher saw in clear ones). Photos in which nobody is found, or too much is in doubt, are left
out.

Interrupted, it goes on where it ended: `train_id.txt` and `left_out.txt` list the photos that are done, by their contents, so
that a photo is known again in whatever folder it lies.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from parsing.cli.photos import find_photos
from parsing.files import write_file
from parsing.image import ImageError, open_image
from parsing.models.lite.lite import Lite
from parsing.parser import Model
from parsing.pictures import encode_picture
from parsing.result import Parsing
from training.augment import MIRROR
from training.data import IGNORE, read_ids, write_photo

LARGEST_DOUBT = 0.35
"""A photo is left out where more than this share of its people's pixels is doubtful."""
LEAST_SCORE = 0.5
"""A part with a lower score is doubtful."""
LONGEST_SIDE = 800
"""Pixels to which photos are shrunk; training keeps them in memory, 3 MB each."""
TEACHER, LABELLED, LEFT_OUT = "teacher.txt", "train_id.txt", "left_out.txt"


def label(model: Model, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Labels with `IGNORE` where they are in doubt, and person numbers; None where nobody is found or too much is in doubt."""
    plain = model(pixels)
    if not plain.people:
        return None
    mirrored = MIRROR[model(np.ascontiguousarray(pixels[:, ::-1])).labels[:, ::-1]]
    nobodys = (plain.labels > 0) & (plain.person_of == 0)
    doubtful = (plain.labels != mirrored) | nobodys | ((plain.labels > 0) & (_scores(plain) < LEAST_SCORE))
    people = (plain.labels > 0) | (mirrored > 0)
    if doubtful.sum() > LARGEST_DOUBT * people.sum():
        return None
    return np.where(doubtful, np.uint8(IGNORE), plain.labels), plain.person_of


def _scores(parsing: Parsing) -> NDArray[np.float32]:
    """(H, W): at each pixel the best score of a part that has the pixel's label there, 0 where there is none."""
    scores = np.zeros(parsing.size, np.float32)
    for part in parsing.parts:
        x0, y0, x1, y1 = part.box
        area = np.s_[y0:y1, x0:x1]
        agrees = part.crop & (parsing.labels[area] == part.label)
        np.maximum(scores[area], np.float32(part.score), out=scores[area], where=agrees)
    return scores


def label_photos(model: Model, photos: Iterable[Path], out: Path) -> None:
    """Labels what is not yet labelled in the folder `out`, which is made where there is none.

    Raises:
        ValueError: the labels in the folder are another model's.
    """
    out.mkdir(parents=True, exist_ok=True)
    if (out / TEACHER).exists() and (out / TEACHER).read_text() != model.title:
        raise ValueError(
            f"The labels in {out.name!r} are from another model, {(out / TEACHER).read_text()}; choose a new folder."
        )
    write_file(model.title.encode(), out / TEACHER)
    for name in (LABELLED, LEFT_OUT):
        (out / name).touch()
    done = {*read_ids(out, LABELLED), *read_ids(out, LEFT_OUT)}
    for path in tqdm(list(photos), unit="photo", disable=None):
        try:
            content = path.read_bytes()
            identity = hashlib.sha256(content).hexdigest()[:16]
            if identity in done:
                continue
            labelled = _label_file(model, content, identity, out)
        except (ImageError, OSError) as error:
            tqdm.write(f"{path}: {error}", file=sys.stderr)
            continue
        done.add(identity)
        with (out / (LABELLED if labelled else LEFT_OUT)).open("a") as ids:
            ids.write(f"{identity}\n")


def _label_file(model: Model, content: bytes, identity: str, out: Path) -> bool:
    """Labels one photo and writes its files; False where it is to be left out."""
    pixels = open_image(content)
    zoom = LONGEST_SIDE / max(pixels.shape[:2])
    if zoom < 1:
        pixels = cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    labelled = label(model, pixels)
    if labelled is None:
        return False
    write_photo(out, identity, encode_picture(pixels, "jpeg"), *labelled)
    return True


def main() -> None:
    """Reads the command line and labels all photos of the folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="ONNX file of training.export")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    photos = find_photos([str(options.photos)], True, options.out)
    label_photos(Lite(options.model), (Path(photo.path) for photo in photos), options.out)


if __name__ == "__main__":
    main()
