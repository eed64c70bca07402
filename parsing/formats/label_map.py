"""The label map as an indexed PNG: pixel values are class indices, the palette inside shows them in colour."""

from __future__ import annotations

from parsing.formats.sample import Sample
from parsing.pictures import encode_labels
from parsing.render import PALETTES


def encode(sample: Sample) -> bytes:
    """The bytes of the PNG."""
    return encode_labels(sample.parsing.labels, PALETTES[sample.palette].colors)
