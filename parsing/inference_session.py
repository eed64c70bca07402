"""ONNX Runtime as every model here uses it: on the processor's cores, quiet, with its telemetry off.

Its builds for Linux collect telemetry from the moment they are imported: a number for this machine and a database of events in
the home folder, a file `.ses` in the temporary folder, all to be sent to Microsoft. The variable `ORT_DISABLE_TELEMETRY` turns
it off, if it is set before the import.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from parsing.cores import usable_cores

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions


def open_session(model: str | os.PathLike[str] | bytes) -> InferenceSession:
    """A session that computes an ONNX model, given as a file or as the bytes of one.

    Raises:
        Exception: ONNX Runtime cannot read it or run it; its exceptions have no kind of their own.
    """
    return _open(model, _options())


def write_optimized(model: str | os.PathLike[str], graph: Path, weights: str, smallest: int) -> None:
    """Writes a model as ONNX Runtime would run it on any processor, so that whoever opens it need not optimize it again.

    Args:
        model: the ONNX file.
        graph: the ONNX file to write.
        weights: name of a file beside it, for tensors of `smallest` bytes and more; the graph refers to it.
        smallest: bytes.

    Raises:
        Exception: as `open_session`.
    """
    options = _options()
    from onnxruntime import GraphOptimizationLevel

    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_EXTENDED  # what lies beyond is for one processor
    options.optimized_model_filepath = os.fspath(graph)
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", weights)
    options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", str(smallest))
    _open(model, options)


def _options() -> SessionOptions:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    options.log_severity_level = 4  # what is wrong is in the exception too
    options.add_session_config_entry("session.force_spinning_stop", "1")  # idle threads would take another session's time
    _share_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@cache
def _share_memory() -> None:
    """Lets all sessions of the process work in one memory; each would keep what its largest picture took."""
    from onnxruntime import OrtAllocatorType, OrtArenaCfg, OrtMemoryInfo, OrtMemType, create_and_register_allocator

    memory = OrtMemoryInfo("Cpu", OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, OrtMemType.DEFAULT)
    create_and_register_allocator(memory, OrtArenaCfg({}))


def _open(model: str | os.PathLike[str] | bytes, options: SessionOptions) -> InferenceSession:
    from onnxruntime import InferenceSession

    content = model if isinstance(model, bytes) else os.fspath(model)
    session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
    _give_back_memory()
    return session


def _give_back_memory() -> None:
    """Opening a model takes twice what the model does, and the C library keeps the other half for later unless it is asked."""
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim"):  # glibc has it
        ctypes.CDLL(None).malloc_trim(0)
