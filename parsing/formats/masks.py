"""A ZIP of masks, with the label map and the JSON."""

from __future__ import annotations

import io
import zipfile
from typing import Final

import numpy as np
from numpy.typing import NDArray

from parsing.effects import fade
from parsing.formats import document
from parsing.formats.sample import Sample
from parsing.labels import BACKGROUND
from parsing.pictures import encode_labels, encode_mask
from parsing.result import Parsing, where_equal

_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""Of each file in a ZIP: the same parsing gives the same bytes."""


def encode(sample: Sample) -> bytes:
    """The bytes of a ZIP of black and white PNG files of the photo's size, white where the mask is; with `feather`, each mask
    fades at its own edge, over greys (`parsing.effects.fade`).

    In it: `Hair.png` and so on for each part of the label map; `person-1.png` and so on for each person; where people were told
    apart, `person-1-Hair.png` and so on for the parts of each; `labels.png`, the label map; `parsing.json`, the JSON document.
    """
    parsing = sample.parsing
    files = {"parsing.json": document.encode(sample), "labels.png": encode_labels(parsing.labels)}
    masks = _masks_by_part(parsing)
    whole = {f"{name}.png": mask for name, mask in masks.items()}
    for person in parsing.people:
        whole[f"person-{person.person}.png"] = person.mask.view(np.uint8) * np.uint8(255)
        own = where_equal(parsing.person_of, person.person or 0)
        worn = {name: mask & own for name, mask in masks.items()}
        whole |= {f"person-{person.person}-{name}.png": mask for name, mask in worn.items() if mask.any()}
    files |= {name: encode_mask(fade(mask, sample.feather), sample.feather > 0) for name, mask in whole.items()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            deflated = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content, deflated)
    return stream.getvalue()


def _masks_by_part(parsing: Parsing) -> dict[str, NDArray[np.uint8]]:
    """(H, W) uint8, 255 and 0, of each part that is somewhere in the label map."""
    parts = [part for part in parsing.classes if part.index != BACKGROUND]
    masks = {part.name: where_equal(parsing.labels, part.index) for part in parts}
    return {name: mask for name, mask in masks.items() if mask.any()}
