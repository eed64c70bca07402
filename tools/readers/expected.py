"""What a tool should find: the segments of the JSON documents. Runs in the tool's own environment, which has pycocotools."""

import json
from pathlib import Path

import numpy as np
from pycocotools import mask as coco


def expected_masks(folder: Path, photo: str) -> list[tuple[str, np.ndarray]]:
    """The name and the mask, (H, W) bool, of each person and then of each part of a photo; those of no pixels left out."""
    document = json.loads((folder / "expected" / Path(photo).with_suffix(".json")).read_text())
    segments = [*document["people"], *document["parts"]]
    return [(segment["name"], coco.decode(segment["rle"]).astype(bool)) for segment in segments if segment["area"]]


def compare(title: str, found: list[tuple[str, np.ndarray]], expected: list[tuple[str, np.ndarray]]) -> None:
    """Ends the program with a sentence where the two are not the same."""
    same = [one == other and np.array_equal(mine, theirs) for (one, mine), (other, theirs) in zip(found, expected, strict=True)]
    if not all(same):
        raise SystemExit(f"{title}: {same.count(False)} of {len(same)} masks differ.")
    print(f"{title}: {len(same)} masks are the same, pixel for pixel.")
