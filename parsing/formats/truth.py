"""Data sets read back, after a correction in another tool: of COCO, Label Studio and labelme."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parsing.formats import coco, label_studio, labelme
from parsing.formats.regions import Regions


def read_truth(path: Path) -> Iterator[tuple[str, Regions]]:
    """The photos of a COCO file, of a file that Label Studio exported as JSON, or of a folder of labelme files: the name of
    each, perhaps after folders, and its regions.

    Raises:
        OSError: it cannot be read.
        ValueError: it is none of these; both with a sentence for the user.
    """
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        raise ValueError(f"There is no JSON file in the folder {path.name!r}, where labelme would have written some.")
    for file in files:
        document = _read_json(file)
        with _told_of(file):
            if isinstance(document, list):
                photos = label_studio.read(document)
            elif isinstance(document, dict) and "shapes" in document:
                photos = labelme.read(document)
            elif isinstance(document, dict) and "annotations" in document:
                photos = coco.read(document)
            else:
                raise ValueError(f"{file.name!r} is no data set of COCO, Label Studio or labelme.")
            for name, regions in photos:
                yield name, partial(_told_regions, file, regions)


def _told_regions(file: Path, regions: Regions) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    with _told_of(file):
        yield from regions()


@contextmanager
def _told_of(file: Path) -> Iterator[None]:
    """Around whatever reads a document: what is not as it should be in it becomes a sentence for the user."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"{file.name!r} is damaged: {type(error).__name__} {error}.") from error


def _read_json(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise OSError(f"The file {file.name!r} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ValueError(f"{file.name!r} is no JSON file.") from error
