"""A folder with photos, and with files that look like photos, for the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

PHOTO = np.random.default_rng(4).integers(1, 256, (48, 36, 3), dtype=np.uint8)


def write_photos() -> None:
    """Fills the working folder."""
    for name in ("one.png", "two.png", "sub/one.bmp", "other/one.tiff", "one-2.png", "ONE.gif"):
        Path(name).parent.mkdir(exist_ok=True)
        Image.fromarray(PHOTO).save(name)
    Path("empty").mkdir()
    Path("text.jpg").write_text("words")
    Path("cut.png").write_bytes(Path("one.png").read_bytes()[:999])
