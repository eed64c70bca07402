"""The embedded model with one weight that is no number."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper


def spoilt(content: bytes) -> bytes:
    """An ONNX file with the first value of its last weights set to NaN."""
    model = onnx.load_from_string(content)
    tensor = [
        tensor for tensor in model.graph.initializer if tensor.data_type in (onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT)
    ][-1]
    values = numpy_helper.to_array(tensor).copy()
    values.flat[0] = np.nan
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return model.SerializeToString()
