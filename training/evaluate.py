"""Measures the embedded model as users run it: `python -m training.evaluate --data FOLDER --wild FOLDER [--sheet FILE]`.

On the held-out photos with labels: intersection over union of every class and of people against background, pixels summed over
all photos, as is usual for CIHP and LIP. On held-out photos from everywhere (`--wild`, a folder such as `training.worn` takes):
the numbers of `training.anywhere`. On pasted groups of held-out people: in how many pictures the number of people is right.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parsing.files import write_file
from parsing.labels import PARTS
from parsing.models.lite.lite import MODEL_FILE, Lite
from parsing.pictures import encode_picture
from parsing.result import Parsing
from training import augment
from training.anywhere import Scene, Tally, judge, read_scenes
from training.data import IGNORE, NUM_PARTS, Photo, read_backgrounds, read_ids, read_photos, split_ids
from training.sheet import contact_sheet
from training.train import HELD_OUT
from training.worn import HELD_OUT as HELD_OUT_SCENES
from training.worn import read_photo_ids


def confusion(truth: NDArray[np.uint8], guess: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(20, 20) pixel counts, row true class, column predicted class; `IGNORE` left out."""
    known = truth != IGNORE
    pairs = truth[known].astype(np.int64) * NUM_PARTS + guess[known]
    return np.bincount(pairs, minlength=NUM_PARTS**2).reshape(NUM_PARTS, NUM_PARTS)


def intersection_over_union(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """IoU of each class of a confusion matrix; NaN for a class that neither occurs nor is predicted."""
    hits = np.diag(matrix)
    union = matrix.sum(axis=0) + matrix.sum(axis=1) - hits
    return np.where(union > 0, hits / np.maximum(union, 1), np.nan)


Answers = list[tuple[NDArray[np.uint8], Parsing]]
"""Photos and what the model says of them."""


def report_scenes(model: Lite, scenes: list[Scene]) -> Answers:
    """Prints the numbers of photos from everywhere."""
    answers = [(scene.pixels, model(scene.pixels)) for scene in scenes]
    tallies = (judge(scene, parsing) for scene, (_, parsing) in zip(scenes, answers, strict=True))
    print(f"{len(scenes)} photos from everywhere\n{sum(tallies, Tally())}\n")
    return answers


def report_photos(model: Lite, photos: list[Photo]) -> Answers:
    """Prints the table of classes."""
    answers = [(photo.pyramid[0], model(photo.pyramid[0])) for photo in photos]
    matrix = np.zeros((NUM_PARTS, NUM_PARTS), np.int64)
    seen = np.zeros(NUM_PARTS, int)
    for photo, (_, parsing) in zip(photos, answers, strict=True):
        matrix += confusion(photo.labels, parsing.labels)
        seen += [(photo.labels == part).any() for part in range(NUM_PARTS)]
    scores = intersection_over_union(matrix)
    print("| class | photos with it | IoU |\n| --- | ---: | ---: |")
    for part, score in zip(PARTS, scores, strict=True):
        print(f"| {part.name} | {seen[part.index]} | {score:.3f} |")
    frequent = seen >= 0.05 * len(photos)
    person = matrix[1:, 1:].sum() / (matrix.sum() - matrix[0, 0])
    print(
        f"\n{len(photos)} photos, {frequent.sum()} classes in at least 5 % of them: mean IoU {np.nanmean(scores[frequent]):.3f}"
    )
    print(f"all classes that occur: mean IoU {np.nanmean(scores[seen > 0]):.3f}")
    print(f"people against background: IoU {person:.3f}, pixel accuracy {np.diag(matrix).sum() / matrix.sum():.3f}\n")
    return answers


def paste_group(library: augment.Library, rng: np.random.Generator, size: tuple[int, int], count: int) -> augment.Picture:
    """`count` people side by side, of similar size, overlapping a little, before a background; each at least one third
    visible.
    """
    while True:
        picture = augment.Picture(augment.background(library, rng, size), np.zeros(size, np.uint8), np.zeros(size, np.uint8))
        height = min(rng.uniform(0.45, 0.9) * size[0], 2.2 * size[1] / count)
        visible = []
        for number, slot in enumerate(rng.permutation(count), start=1):
            photo, source = library.draw(rng)
            column = (slot + 0.5 + rng.uniform(-0.2, 0.2)) / count
            foot = 0.95 + rng.uniform(-0.06, 0.03)
            patch = augment.place(photo, source, rng, height * rng.uniform(0.85, 1.1), size, column, foot)
            augment.paste(picture, patch, source, number, rng)
            visible.append((patch.people == source).sum())
        remains = [(picture.people == number).sum() for number in range(1, count + 1)]
        if all(left >= whole / 3 for left, whole in zip(remains, visible, strict=True)):
            return picture


def report_groups(model: Lite, photos: list[Photo], textures: list[NDArray[np.uint8]], number: int, seed: int = 1) -> None:
    """Prints how often two to five pasted people are counted right."""
    rng = np.random.default_rng(seed)
    library = augment.Library(photos, np.full(len(photos), 1 / len(photos)), textures)
    matrix = np.zeros((NUM_PARTS, NUM_PARTS), np.int64)
    right: dict[int, list[bool]] = {count: [] for count in (2, 3, 4, 5)}
    for index in range(number):
        count = 2 + index % 4
        picture = paste_group(library, rng, (640, 800), count)
        parsing = model(picture.pixels)
        right[count].append(len(parsing.people) == count)
        matrix += confusion(picture.labels, parsing.labels)
    for count, hits in right.items():
        print(f"groups of {count}: {sum(hits)} of {len(hits)} counted right")
    total = sum(map(sum, right.values())) / number
    print(f"all groups: {total:.2f} counted right, mean IoU {np.nanmean(intersection_over_union(matrix)):.3f}")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wild", type=Path, help="photos from everywhere")
    parser.add_argument("--model", type=Path, default=MODEL_FILE)
    parser.add_argument("--groups", type=int, default=100)
    parser.add_argument("--sheet", type=Path, help="PNG file for a contact sheet of the answers")
    options = parser.parse_args()
    model = Lite(options.model)
    answers: Answers = []
    if options.wild:
        answers += report_scenes(model, read_scenes(options.wild, split_ids(read_photo_ids(options.wild), HELD_OUT_SCENES)[1]))
    photos = read_photos(options.data, split_ids(read_ids(options.data), HELD_OUT)[1])
    answers += report_photos(model, photos)
    if options.sheet:
        write_file(encode_picture(contact_sheet(answers), "png"), options.sheet)
    report_groups(model, photos, read_backgrounds(options.data / "Backgrounds"), options.groups)


if __name__ == "__main__":
    main()
