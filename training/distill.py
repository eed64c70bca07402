"""Makes a better `lite` from your own photos, which nobody has to label, and M2FP's official weights:

    python -m training.distill --teacher m2fp --photos FOLDER --out runs/distilled --minutes 120

The teacher labels each photo (`training.pseudo`; the labels stay in `--out`, so that a second run goes on), both networks of
the embedded model learn from the labels (`training.train`), or those of `--start` and of `garments.onnx` beside it, and `--out`
then has `lite.onnx`, `garments.onnx` and a model card, README.md. To use the model, put all three in the place of those in
`parsing/models/lite`; the page then says whom it has learnt from. A few hundred photos of the kind that you want to parse are a
beginning, thousands are better; each takes 3 MB of memory.
`pip install onnx` comes first.
(Hinton et al., "Distilling the Knowledge in a Neural Network", arXiv 1503.02531; here with hard labels, because M2FP's masks
overlap and are no distribution over classes.)

The official weights of M2FP are CC BY-NC 4.0: a model that has learnt from them is for non-commercial use only. The card and
the model's title say so; leave them as they are when you hand it on.
"""

from __future__ import annotations

import argparse
import copy
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from parsing.cli.photos import find_photos
from parsing.models.lite.lite import MODEL_FILE, Lite, garments_beside
from parsing.parser import load
from training import augment
from training.courses import COURSES
from training.data import Photo, read_ids, read_photos, split_ids
from training.embedded import load_exported
from training.evaluate import confusion, intersection_over_union
from training.export import export
from training.pseudo import LEFT_OUT, label_photos
from training.train import HELD_OUT, add_training_options, train

LICENCES = {
    "m2fp": "CC BY-NC 4.0, for non-commercial use only, as the official weights of M2FP are, which it has learnt from",
    "lite": "research use, as the embedded model is, which it has learnt from",
}
"""Of the student, by teacher."""
CALIBRATION = (8, 4, (320, 256))
"""Batches, pictures in each, and their size, from which `load_exported` takes statistics."""
TIME = {"parts": 0.75, "garments": 0.25}
"""Share of the time in which each network is trained."""
CARD = """# Model card: lite, distilled

{title}.

- Made by `training.distill` on {day}, beginning from `{start}`, which has conditions of its own.
- Teacher: {teacher}. It labelled {photos} photos; {left_out} were left out, because it found nobody or was in doubt.
- Licence: {licence}.
- {figures}

What it gets wrong, and on whom, nobody has measured yet: look at your own photos before you rely on it.
"""


def distill(options: argparse.Namespace) -> Path:
    """Labels, trains, exports; `options` as `main` reads them. Gives the ONNX file.

    Raises:
        ValueError: there are no photos to learn from, or the labels in the folder are another teacher's.
        OSError: the teacher's weights are out of reach.
    """
    options = copy.copy(options)
    found = find_photos([str(folder) for folder in options.photos], True, options.out)
    teacher = load(options.teacher, weights=options.weights).model
    labels = options.out / "labels"
    label_photos(teacher, (Path(photo.path) for photo in found), labels)
    ids = read_ids(labels)
    options.held_out = min(HELD_OUT, len(ids) // 10)
    learnt, kept = (read_photos(labels, part) for part in split_ids(ids, options.held_out))
    if not learnt:
        raise ValueError("The teacher found nobody in these photos; give it more, with people in them.")
    options.data = [labels]
    licence = LICENCES["lite" if options.teacher == "lite" else "m2fp"]
    title = f"Lite, distilled from {teacher.title}"
    model = options.out / MODEL_FILE.name
    for name, start, file in (
        ("parts", options.start, model),
        ("garments", garments_beside(options.start), garments_beside(model)),
    ):
        checkpoint = _train(options, name, start, learnt)
        export([checkpoint], file, {"title": title, "licence": licence}, kind=COURSES[name].network)
    card = CARD.format(
        title=title,
        day=date.today(),
        photos=len(ids),
        teacher=teacher.title,
        left_out=len(read_ids(labels, LEFT_OUT)),
        licence=licence,
        start=options.start.name,
        figures=_compare(options.start, model, kept),
    )
    (options.out / "README.md").write_text(card, encoding="utf-8")
    print(card)
    return model


def _train(options: argparse.Namespace, name: str, start: Path, photos: list[Photo]) -> Path:
    """Trains one network for its share of the time, beginning from an ONNX file; gives its checkpoint."""
    own, course = copy.copy(options), COURSES[name]
    own.network, own.variant, own.minutes = name, course.variant, TIME[name] * options.minutes
    own.keep_presence = False
    own.out = options.out / name
    own.out.mkdir(parents=True, exist_ok=True)
    own.start = own.out / "start.pt"
    checkpoint: Path = own.out / "checkpoint.pt"
    if not checkpoint.exists():
        state = load_exported(start, _pictures(photos), course.network).state_dict()
        torch.save({"network": state, "average": state}, own.start)
    train(own)
    return checkpoint


def _pictures(photos: list[Photo]) -> list[Tensor]:
    """Batches of training pictures, uint8 (B, 3, H, W)."""
    batches, count, size = CALIBRATION
    rng = np.random.default_rng(0)
    library = augment.Library(photos, np.full(len(photos), 1 / len(photos)), [])
    pictures = [np.stack([augment.crop(library, rng, size).pixels for _ in range(count)]) for _ in range(batches)]
    return [torch.from_numpy(batch).permute(0, 3, 1, 2) for batch in pictures]


def _compare(start: Path, model: Path, photos: list[Photo]) -> str:
    """One sentence on how well the student agrees with the teacher, before and after."""
    if not photos:
        return "Too few photos to hold some out: nobody knows whether it has become better."
    after = f"{agreement(Lite(model), photos):.3f}"
    before = f"{agreement(Lite(start), photos):.3f}"
    return f"Agreement with its teacher on {len(photos)} photos that were held out: mean IoU {after}, before {before}."


def agreement(model: Lite, photos: list[Photo]) -> float:
    """Mean intersection over union of the model's parts and the photos' labels, over the classes that occur in either."""
    return float(np.nanmean(intersection_over_union(sum(confusion(p.labels, model(p.pyramid[0]).labels) for p in photos))))


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Makes a better lite from unlabelled photos and M2FP's official weights.")
    parser.add_argument("--teacher", choices=("m2fp", "m2fp-onnx", "lite"), default="m2fp", help="default: m2fp")
    parser.add_argument("--weights", type=Path, help="the teacher's, as for python -m parsing")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders, with the folders within them")
    add_training_options(parser)
    parser.set_defaults(start=MODEL_FILE, rate=5e-4)
    try:
        distill(parser.parse_args())
    except (ValueError, OSError) as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
