"""The embedded networks as browsers load them: the first one's graph optimized beforehand, which halves the time that opening
it takes there, and its weights apart, in half precision, as the embedded file stores them; the second as it is.
"""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from parsing.inference_session import write_optimized
from parsing.models.lite.lite import GARMENTS_NAME, MODEL_FILE, garments_beside

GRAPH: Final = "lite.onnx"
WEIGHTS: Final = "lite.weights"
SMALLEST: Final = 4096
"""Tensors of fewer bytes stay in the graph: among them all that are no weights, shapes for example."""
MOST_MOVED: Final = 2.0**-10
"""By which share halving may move a weight; half precision has eleven bits."""


@lru_cache
def network_files(model: Path = MODEL_FILE) -> dict[str, bytes]:
    """The content of `GRAPH`, an ONNX file whose larger tensors are in `WEIGHTS`, and of `WEIGHTS`: float16, little-endian, at
    half the offsets that the graph names; the arithmetic is in single precision. Besides, that of `GARMENTS_NAME`.

    Raises:
        OSError: a file of the model is missing or damaged, or its weights cannot be halved; the message is one sentence.
    """
    refused = _refused(model)
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = Path(folder) / GRAPH, Path(folder) / WEIGHTS
        try:
            write_optimized(model, graph, WEIGHTS, SMALLEST)
            values = np.fromfile(weights, "<f4")
        except Exception as error:  # ONNX Runtime's have no kind of their own
            raise refused from error
        with np.errstate(over="ignore", invalid="ignore"):
            halved = values.astype("<f2")
        if not np.allclose(halved, values, rtol=MOST_MOVED, atol=1e-7):
            raise refused
        files = {GRAPH: graph.read_bytes(), WEIGHTS: halved.tobytes()}
    garments = garments_beside(model)
    try:
        return {**files, GARMENTS_NAME: garments.read_bytes()}
    except OSError as error:
        raise _refused(garments) from error


def _refused(file: Path) -> OSError:
    return OSError(f"The embedded model, {file.name}, is missing or damaged; fetch the repository again.")
