"""`python -m parsing score FOLDER --truth FILE`: how well a model parses photos whose right answer is known.

The right answer is a data set of COCO, Label Studio or labelme, perhaps what `--format` wrote and somebody has corrected since.
Printed are mean intersection over union, pixels summed over all photos, as is usual for CIHP and LIP; the share of pixels that
are right; and how many of the people were found.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from parsing.cli.options import add_model_options
from parsing.cli.photos import PhotoFile, find_photos
from parsing.cli.results import explain
from parsing.formats.regions import Regions
from parsing.formats.truth import read_truth
from parsing.labels import BACKGROUND, Part, part_index
from parsing.parser import load
from parsing.program import OptionParser, one_line
from parsing.result import Parsing

PEOPLE: Final = ("human", "person", "people")
"""Labels of whole people, in small letters."""
FOUND: Final = 0.5
"""Intersection over union of its two masks from which a person counts as found."""


@dataclass
class Score:
    """What has been counted over the photos so far.

    Attributes:
        classes: the table of classes.
        photos: how many.
        confusion: (classes, classes) pixels; row right class, column the model's.
        people: how many are right, how many of them were found, and how many the model saw in all.
    """

    classes: Sequence[Part]
    photos: int = 0
    confusion: NDArray[np.int64] = field(init=False)
    people: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        self.confusion = np.zeros((len(self.classes), len(self.classes)), np.int64)

    @property
    def mean_iou(self) -> float:
        """Of the classes, background too, that are somewhere in the truth or in what the model saw."""
        hits = np.diag(self.confusion)
        union = self.confusion.sum(axis=0) + self.confusion.sum(axis=1) - hits
        return float((hits[union > 0] / union[union > 0]).mean())

    @property
    def pixel_accuracy(self) -> float:
        """Share of all pixels that are right."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    def add(self, regions: Regions, parsing: Parsing) -> None:
        """Counts one photo; raises ValueError with a sentence where its truth does not fit."""
        labels, people = paint(regions, parsing.size, self.classes)
        pairs = labels.astype(np.int64) * len(self.classes) + parsing.labels
        self.confusion += np.bincount(pairs.ravel(), minlength=self.confusion.size).reshape(self.confusion.shape)
        right, found, seen = self.people
        matched = count_found(people, [person.mask for person in parsing.people])
        self.people = right + len(people), found + matched, seen + len(parsing.people)
        self.photos += 1

    def report(self) -> str:
        """The result as the lines that are printed."""
        right, found, seen = self.people
        people = f"{found} of {right}, {seen - found} too many" if right else "the truth has none"
        return (
            f"photos          {self.photos}\nmean IoU        {self.mean_iou:.3f}\npixel accuracy  {self.pixel_accuracy:.3f}\n"
            f"people found    {people}"
        )


def main(arguments: Sequence[str]) -> int:
    """The command, `arguments` being the words after `score`; gives the exit status, 1 where some photos could not be counted.

    Raises:
        ValueError, OSError, ImportError: nothing could be counted; with a sentence for the user.
    """
    options = OptionParser(prog="python -m parsing score", description="Measures a model on photos of your own.")
    options.add_argument("photos", metavar="FOLDER", nargs="+", help="the photos: a folder, image files, patterns")
    options.add_argument(
        "--truth",
        metavar="FILE",
        required=True,
        help="the right answer: a COCO file, a JSON export of Label Studio, or a folder of labelme files",
    )
    options.add_argument("--recursive", action="store_true", help="look into folders within folders too")
    add_model_options(options)
    chosen = options.parse_args(arguments)
    photos = {photo.name: photo for photo in find_photos(chosen.photos, chosen.recursive, None)}
    truth = read_truth(Path(chosen.truth))
    known = next(truth, None)  # before the model is loaded
    if known is None:
        raise ValueError("The truth has no photos.")
    parser = load(chosen.model, weights=chosen.weights, precision=chosen.precision, size=chosen.size)
    score, failed = Score(parser.classes), 0

    for name, regions in chain([known], truth):
        photo = find_photo(name, photos)
        try:
            if photo is None:
                raise ValueError("The truth has this photo, but the folder has not.")
            score.add(regions, parser(photo.path))
        except ImportError:
            raise
        except Exception as error:  # noqa: BLE001, whatever it is, the other photos count
            failed += 1
            print(one_line(f"{name}: {explain(error)}"), file=sys.stderr)
    if not score.photos:
        raise ValueError("None of the truth's photos could be counted.")
    print(score.report())
    return int(failed > 0)


def find_photo(name: str, photos: dict[str, PhotoFile]) -> PhotoFile | None:
    """The photo that the truth means, which may name more folders than we do."""
    parts = [part for part in PurePosixPath(name).parts if part not in ("..", "/")]
    return next((photos[key] for start in range(len(parts)) if (key := "/".join(parts[start:])) in photos), None)


def paint(
    regions: Regions, size: tuple[int, int], classes: Sequence[Part]
) -> tuple[NDArray[np.uint8], list[NDArray[np.bool_]]]:
    """The label map of the regions, later ones over earlier, (H, W) uint8, and the masks of the people.

    Raises:
        ValueError: a region has another size than the photo, or a label that the model does not know.
    """
    labels, people = np.full(size, BACKGROUND, np.uint8), []
    for label, mask in regions():
        if mask.shape != size:
            sizes = f"{mask.shape[1]} by {mask.shape[0]} pixels, but the photo is {size[1]} by {size[0]}"
            raise ValueError(f"The truth is of a photo of {sizes}.")
        if label.casefold() in PEOPLE:
            people.append(mask)
        else:
            labels[mask] = part_index(label, classes)
    return labels, people


def count_found(right: Sequence[NDArray[np.bool_]], seen: Sequence[NDArray[np.bool_]]) -> int:
    """How many people have a partner among those that were seen, each for itself; the closest pairs first."""
    overlaps = sorted(
        (
            (np.count_nonzero(one & other) / max(int(np.count_nonzero(one | other)), 1), row, column)
            for row, one in enumerate(right)
            for column, other in enumerate(seen)
        ),
        reverse=True,
    )
    rows: set[int] = set()
    columns: set[int] = set()
    for overlap, row, column in overlaps:
        if overlap >= FOUND and row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
    return len(rows)
