"""A small data set in the CIHP layout, drawn: stick figures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from training.data import IGNORE

FACE, COAT, LEFT_ARM, RIGHT_ARM = 13, 7, 14, 15


def draw_figures(root: Path) -> None:
    """Eighty pictures of a stick figure: a face above a coat, an arm on each side, one bystander ignored."""
    for folder in ("Images", "Category_ids"):
        (root / folder).mkdir()
    rng = np.random.default_rng(0)
    for index in range(80):
        pixels = np.full((240, 160, 3), rng.integers(150, 255, 3), np.uint8)
        labels = np.zeros((240, 160), np.uint8)
        x = int(rng.integers(60, 100))
        shapes = [
            ((x - 12, 20), (x + 12, 60), FACE, (120, 160, 220)),
            ((x - 20, 60), (x + 20, 220), COAT, (160, 60, 20)),
            ((x - 32, 62), (x - 21, 150), RIGHT_ARM, (120, 160, 220)),
            ((x + 21, 62), (x + 32, 150), LEFT_ARM, (120, 160, 220)),
            ((0, 100), (20, 160), IGNORE, (60, 60, 60)),
        ]
        for first, last, label, color in shapes:
            cv2.rectangle(pixels, first, last, color, -1)
            cv2.rectangle(labels, first, last, label, -1)
        cv2.imwrite(str(root / "Images" / f"{index:03}.jpg"), pixels)
        cv2.imwrite(str(root / "Category_ids" / f"{index:03}.png"), labels)
    (root / "train_id.txt").write_text("\n".join(f"{index:03}" for index in range(80)))
