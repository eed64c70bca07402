"""The constants of `parsing.models.lite` as JSON for the scripts beside this file, so that none is written down twice."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, Final

from parsing.labels import BACKGROUND
from parsing.models.lite import lite, networks, people, scores
from parsing.web.device import RUNTIME_FILES
from parsing.web.device.network import network_files

LONGEST_PHOTO: Final = 2048
"""The page parses and shows photos at no more than this many pixels on the longer side, so that recolouring stays quick; on the
server and on the visitor's device alike.
"""
PACKED: Final = "ort.wasm.packed"
CHIP_PACKED: Final = "ort.gpu.packed"
"""The files of the runtimes that the worker fetches itself, and compares with their checksums as it does the network's."""


@lru_cache
def device_settings() -> dict[str, Any]:
    """`lite_settings`; "files", of the runtime and of `network_files` the "bytes" and the "sha256" in hexadecimal; and
    "chip_files", the same of what a graphics chip takes besides.

    Raises:
        OSError: one of them is missing or damaged.
    """
    files = {PACKED: RUNTIME_FILES[PACKED].read_bytes(), **network_files()}
    chip_files = {CHIP_PACKED: RUNTIME_FILES[CHIP_PACKED].read_bytes()}
    return {**lite_settings(), "files": _known(files), "chip_files": _known(chip_files)}


def _known(files: dict[str, bytes]) -> dict[str, dict[str, int | str]]:
    return {name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()}


def lite_settings() -> dict[str, Any]:
    """The constants of these files by name, and the longest side of a photo on the page, ready for JSON."""
    return {
        "longest_photo": LONGEST_PHOTO,
        "stride": networks.STRIDE,
        "part_stride": networks.PART_STRIDE,
        "person_stride": networks.PERSON_STRIDE,
        "longest_side": lite.LONGEST_SIDE,
        "glance_area": lite.GLANCE_AREA,
        "look_area": lite.LOOK_AREA,
        "person_area": lite.PERSON_AREA,
        "portrait_area": lite.PORTRAIT_AREA,
        "largest_zoom": lite.LARGEST_ZOOM,
        "large": lite.LARGE,
        "background": BACKGROUND,
        "face": lite.FACE,
        "mirror": networks.MIRROR,
        "margin": lite.MARGIN,
        "inside": lite.INSIDE,
        "smallest_piece": lite.SMALLEST_PIECE,
        "garments": scores.GARMENTS,
        "worn": scores.WORN,
        "garment_floor": scores.GARMENT_FLOOR,
        "least_certain": lite.LEAST_CERTAIN,
        "unrivalled": lite.UNRIVALLED,
        "lowest_peak": people.LOWEST_PEAK,
        "faintest_peak": people.FAINTEST_PEAK,
        "smallest_group": people.SMALLEST_GROUP,
        "most_peaks": people.MOST_PEAKS,
        "smallest_person": people.SMALLEST_PERSON,
        "twin_gap": people.TWIN_GAP,
        "smallest_face": people.SMALLEST_FACE,
        "face_gap": people.FACE_GAP,
        "smaller_face": people.SMALLER_FACE,
    }
