"""Layers, as Photoshop's format has them: the photo below, and a group for each person with a layer for each part, cut out.

A layer has the part's name and its pixels, and is marked with the colour nearest to the part's of those that lists of layers
have. Parts that no person claims are in a group of their own.
"""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from PIL import Image

from parsing.extras import needs
from parsing.formats.sample import Sample
from parsing.render import PALETTES
from parsing.result import Segment

MARKS: Final = np.array(
    [(255, 0, 0), (255, 128, 0), (255, 255, 0), (0, 160, 0), (0, 0, 255), (128, 0, 128), (128, 128, 128)], np.int64
)
"""What the list of layers can be marked with, from 1: red, orange, yellow, green, blue, violet, grey."""
LONGEST_SIDE: Final = 30_000
"""Pixels; the format has no more."""
UNCLAIMED: Final = "No person"


def encode(sample: Sample) -> bytes:
    """The bytes of the PSD file.

    Raises:
        ImportError: psd-tools is missing.
        ValueError: the photo is too large for the format.
    """
    with needs("psd"):
        from psd_tools import PSDImage
        from psd_tools.constants import SheetColorType
    parsing = sample.parsing
    if max(parsing.size) > LONGEST_SIDE:
        raise ValueError(f"A side of this photo has more than {LONGEST_SIDE} pixels, too many for psd; ask for png.")
    photo = Image.fromarray(sample.photo)
    document = PSDImage.frompil(photo)  # this is what programs show that know no layers
    document.create_pixel_layer(photo, name="Photo")
    titles = {None: UNCLAIMED} | {person.person: f"Person {person.person}" for person in parsing.people}
    for number, title in titles.items():
        parts = [part for part in parsing.parts if part.person == number and part.area]
        if parts:
            group = document.create_group(name=title)
            for part in parts:
                layer = document.create_pixel_layer(cut_out(sample, part), part.name, top=part.box[1], left=part.box[0])
                layer.sheet_color = SheetColorType(_mark(PALETTES[sample.palette].colors[part.label]))
                group.append(layer)
    stream = io.BytesIO()
    # `save` would first draw all layers over each other, for seconds, only to get the photo again.
    document._record.write(stream)
    return stream.getvalue()


def cut_out(sample: Sample, part: Segment) -> Image.Image:
    """The photo inside the box of a part, transparent where the part is not."""
    x0, y0, x1, y1 = part.box
    opaque = part.crop.view(np.uint8) * np.uint8(255)
    return Image.fromarray(np.dstack([sample.photo[y0:y1, x0:x1], opaque]))


def _mark(color: np.ndarray) -> int:
    """The number of the mark that is nearest to a colour."""
    return 1 + int(np.abs(MARKS - color).sum(axis=1).argmin())
