"""ONNX Runtime as every model here uses it: on the processor's cores, quiet, with its telemetry off.

Its builds for Linux collect telemetry from the moment they are imported: a number for this machine and a database of events in
the home folder, a file `.ses` in the temporary folder, all to be sent to Microsoft. The variable `ORT_DISABLE_TELEMETRY` turns
it off, if it is set before the import.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from parsing.cores import usable_cores

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def open_session(model: str | os.PathLike[str] | bytes) -> InferenceSession:
    """A session that computes an ONNX model, given as a file or as the bytes of one.

    Raises:
        Exception: ONNX Runtime cannot read it or run it; its exceptions have no kind of their own.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    options.log_severity_level = 4  # what is wrong is in the exception too
    content = model if isinstance(model, bytes) else os.fspath(model)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
