"""A parsing as JSON: all that `Parsing.to_dict` tells, and the masks as COCO run lengths."""

from __future__ import annotations

import json
from typing import Any

from parsing.formats.run_lengths import encode_rle
from parsing.formats.sample import Sample
from parsing.result import Parsing


def describe(parsing: Parsing) -> dict[str, Any]:
    """`Parsing.to_dict` with "rle", the COCO run lengths, in every part and person; ready for `json.dumps`."""
    described = parsing.to_dict()
    for kind, segments in (("parts", parsing.parts), ("people", parsing.people)):
        for entry, segment in zip(described[kind], segments, strict=True):
            entry["rle"] = encode_rle(segment)
    return described


def encode(sample: Sample) -> bytes:
    """The bytes of the JSON file: `describe` of the sample's parsing."""
    return json.dumps(describe(sample.parsing), allow_nan=False).encode() + b"\n"
