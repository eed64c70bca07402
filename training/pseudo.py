"""Labels photos that nobody has labelled with the model at hand: `python -m training.pseudo --photos FOLDER --model FILE
--out FOLDER`.

The result is a folder in the CIHP layout for `training.train --extra`. Each photo is parsed twice, as it is and mirrored;
where the two disagree the pixel is ignored, because a wrong label that the model is sure of would only teach it to repeat
itself (self-training as in Xie et al., "Noisy Student", arXiv 1911.04252: the student learns from distorted pictures what
the teacher saw in clear ones).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from parsing.models.lite import Lite
from training.augment import MIRROR
from training.data import IGNORE

LARGEST_DOUBT = 0.35
"""A photo is left out where more than this share of its people's pixels is doubtful."""


def label(model: Lite, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Labels with `IGNORE` where two looks differ, and person numbers; None where nobody is found or too much is in doubt."""
    plain = model(pixels)
    mirrored = MIRROR[model(np.ascontiguousarray(pixels[:, ::-1])).labels[:, ::-1]]
    doubtful = plain.labels != mirrored
    people = (plain.labels > 0) | (mirrored > 0)
    if not plain.people or doubtful.sum() > LARGEST_DOUBT * people.sum():
        return None
    return np.where(doubtful, np.uint8(IGNORE), plain.labels), plain.person_of


def main() -> None:
    """Reads the command line and labels every JPEG of the folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="ONNX file of training.export")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    model = Lite(options.model)
    for folder in ("Images", "Category_ids", "Human_ids"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    kept = []
    for path in tqdm(sorted(options.photos.glob("*.jpg"))):
        labelled = label(model, cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB))
        if labelled is None:
            continue
        for folder, values in zip(("Category_ids", "Human_ids"), labelled, strict=True):
            cv2.imwrite(str(options.out / folder / f"{path.stem}.png"), values)
        picture = options.out / "Images" / path.name
        if not picture.exists():
            picture.symlink_to(path.resolve())
        kept.append(path.stem)
    (options.out / "train_id.txt").write_text("\n".join(kept) + "\n")
    print(f"{len(kept)} photos labelled in {options.out}")


if __name__ == "__main__":
    main()
