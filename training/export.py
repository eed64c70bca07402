"""Writes the trained network as ONNX: `python -m training.export --checkpoint runs/lite/checkpoint.pt --out
parsing/models/lite/lite.onnx`.

The graph takes RGB uint8 (1, H, W, 3), sides multiples of 32, and gives part logits, heatmap and offsets in pixels. Weights
are stored in half precision, which halves the file and is undone when the model is loaded; the arithmetic stays single
precision. The file is kept only if ONNX Runtime answers as PyTorch does, before the weights are halved and after.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from parsing.inference_session import open_session
from parsing.labels import part_index
from training.network import OFFSET_UNIT, LiteNetwork, load_network

SMALLEST_HALVED = 1024
"""Tensors of fewer values stay in single precision: they cost nothing."""
LARGEST_DIFFERENCE = 0.001
"""Between the logits of the two engines, both in single precision."""
MOST_OTHER_LABELS = 0.01
"""Share of the pixels that may change their label."""


class Exported(nn.Module):
    """The network from bytes to probabilities and pixels."""

    def __init__(self, network: LiteNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(1, H, W, 3) uint8 -> part logits (1, 20, H/2, W/2), heatmap in [0, 1], offsets in input pixels."""
        parts, centers, offsets, _ = self.network(image.permute(0, 3, 1, 2).float())
        return parts, centers.sigmoid(), offsets * OFFSET_UNIT


def drop_empty_inputs(model: onnx.ModelProto) -> None:
    """Leaves out a node's last inputs without a name: Pad's keeps ONNX Runtime from joining it with the Conv after it."""
    for node in model.graph.node:
        while node.input and not node.input[-1]:
            node.input.pop()


def halve(model: onnx.ModelProto) -> None:
    """Stores large weights as float16, each followed by a cast back that ONNX Runtime folds away at loading."""
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= SMALLEST_HALVED:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    for index, cast in enumerate(casts):
        model.graph.node.insert(index, cast)


def export(
    checkpoints: Sequence[Path],
    out: Path,
    notes: Mapping[str, str] | None = None,
    shifts: Mapping[str, float] | None = None,
) -> None:
    """Exports and verifies.

    Args:
        checkpoints: of `training.train`; of several, the mean.
        out: the ONNX file to write.
        notes: what the file is to say of itself: "title", which the page shows, and "licence".
        shifts: logits to add to a class, by its name, because it is more often worn where the model is used than where it has
            learnt, or less often (Saerens, Latinne and Decaestecker, Neural Computation 14, 2002).

    Raises:
        ValueError: ONNX Runtime's answer differs from PyTorch's.
    """
    network = load_network(*checkpoints)
    with torch.no_grad():
        for name, shift in (shifts or {}).items():
            network.parts_head.bias[part_index(name)] += shift
    module = Exported(network).eval()
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        torch.onnx.export(
            module,
            (torch.zeros(1, 256, 192, 3, dtype=torch.uint8),),
            plain,
            input_names=["image"],
            output_names=["parts", "heat", "offsets"],
            dynamic_axes={"image": {1: "height", 2: "width"}},
            opset_version=17,
            dynamo=False,
        )
        model = onnx.load(plain)
    drop_empty_inputs(model)
    verify(model, module, LARGEST_DIFFERENCE)
    halve(model)
    helper.set_model_props(model, dict(notes or {}))
    onnx.checker.check_model(model)
    verify(model, module)
    out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def verify(model: onnx.ModelProto, module: Exported, largest_difference: float = math.inf) -> None:
    """Compares the two engines on noise, at two sizes: logits, and labels, which half-precision weights may hardly ever change.

    Raises:
        ValueError: they differ; the sentence says by how much.
    """
    session = open_session(model.SerializeToString())
    for size in ((320, 256), (96, 448)):
        image = torch.randint(0, 256, (1, *size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            expected = module(image)[0].numpy()
        got = session.run(None, {"image": image.numpy()})[0]
        difference, other = np.abs(got - expected).max(), (got.argmax(1) != expected.argmax(1)).mean()
        if difference > largest_difference or other > MOST_OTHER_LABELS:
            raise ValueError(f"ONNX Runtime differs from PyTorch at {size}: by up to {difference:.3f}, labels by {other:.2%}")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", type=Path, nargs="+", required=True, help="of several, the mean of their weights")
    parser.add_argument("--out", type=Path, default=Path("parsing/models/lite/lite.onnx"))
    parser.add_argument("--shift", nargs="*", default=[], metavar="CLASS=LOGITS", help="add to a class, Coat=-0.75 say")
    options = parser.parse_args()
    shifts = {name: float(logits) for name, logits in (shift.split("=") for shift in options.shift)}
    export(options.checkpoint, options.out, shifts=shifts)


if __name__ == "__main__":
    main()
