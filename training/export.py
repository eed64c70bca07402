"""Writes a trained network as ONNX: `python -m training.export --checkpoint runs/lite/checkpoint.pt --out
parsing/models/lite/lite.onnx`.

The graph takes RGB uint8 (1, H, W, 3), sides multiples of 32, and gives part logits, heatmap, offsets in pixels, and the
logarithm of the probability that each class is in the picture. The network for garments gives the first and the last, and takes
a truth value besides, `where`: whether part logits are asked for. Weights are stored in half precision, and of the network for
garments in eight bits, because whether a pixel is somebody's does not hang on them; that is undone when the model is loaded,
and the arithmetic stays single precision. The file is kept only if ONNX Runtime answers as PyTorch does, before the weights are
rounded and after.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from parsing.inference_session import open_session
from parsing.labels import part_index
from parsing.models.lite.lite import MODEL_FILE, garments_beside
from training.courses import COURSES
from training.network import NUM_PARTS, OFFSET_UNIT, GarmentNetwork, LiteNetwork, load_network

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WHERE = "where"
"""The input of the network for garments that asks for part logits."""
SMALLEST_ROUNDED = 1024
"""Tensors of fewer values stay in single precision: they cost nothing."""
HALF, BYTE, SCALE = "_half", "_byte", "_scale"
"""Ends of the names of rounded weights: in half precision, or in eight bits with a scale for each channel."""
LARGEST_DIFFERENCE = 0.001
"""Between the logits of the two engines, both in single precision."""
MOST_OTHER_LABELS = 0.01
"""Share of the pixels that may change their label."""
MOST_APART = 0.1
"""Between two probabilities of a class's presence."""


class Exported(nn.Module):
    """A network from bytes to probabilities and pixels."""

    def __init__(self, network: LiteNetwork | GarmentNetwork) -> None:
        super().__init__()
        self.network = network
        self.outputs = ["parts", "heat", "offsets", "presence"] if isinstance(network, LiteNetwork) else ["parts", "presence"]

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(1, H, W, 3) uint8 -> part logits (1, 20, H/2, W/2), heatmap in [0, 1], offsets in input pixels, logarithms of the
        probability of presence (1, 20); of the network for garments the first and the last.
        """
        picture = image.permute(0, 3, 1, 2).float()
        if isinstance(self.network, GarmentNetwork):
            parts, presence = self.network(picture)
            return parts, functional.logsigmoid(presence)
        parts, centers, offsets, presence = self.network(picture)
        return parts, centers.sigmoid(), offsets * OFFSET_UNIT, functional.logsigmoid(presence)


def drop_empty_inputs(model: onnx.ModelProto) -> None:
    """Leaves out a node's last inputs without a name: Pad's keeps ONNX Runtime from joining it with the Conv after it."""
    for node in model.graph.node:
        while node.input and not node.input[-1]:
            node.input.pop()


def halve(graph: onnx.GraphProto) -> None:
    """Stores large weights as float16, each followed by a cast back that ONNX Runtime folds away at loading."""
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= SMALLEST_ROUNDED:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}{HALF}"))
            casts.append(helper.make_node("Cast", [f"{name}{HALF}"], [name], to=TensorProto.FLOAT))
    _prepend(casts, graph)


def round_to_bytes(graph: onnx.GraphProto) -> None:
    """Stores large weights as int8 and a scale for each channel that they make, followed by what ONNX Runtime folds away at
    loading.
    """
    users = {name: node for node in graph.node for name in node.input}
    restored = []
    for tensor in list(graph.initializer):
        values, user, name = numpy_helper.to_array(tensor), users[tensor.name], tensor.name
        if user.op_type not in ("Conv", "MatMul") or values.size < SMALLEST_ROUNDED:
            continue
        others = tuple(range(1, values.ndim)) if user.op_type == "Conv" else tuple(range(values.ndim - 1))
        scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / 127
        tensor.CopyFrom(numpy_helper.from_array(np.round(values / scale).astype(np.int8), f"{name}{BYTE}"))
        graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}{SCALE}"))
        restored.append(helper.make_node("Cast", [f"{name}{BYTE}"], [f"{name}_whole"], to=TensorProto.FLOAT))
        restored.append(helper.make_node("Mul", [f"{name}_whole", f"{name}{SCALE}"], [name]))
    _prepend(restored, graph)


def ask_where(graph: onnx.GraphProto) -> None:
    """Puts what only "parts" needs into the branch of an If that is taken where `WHERE` is true; in the other it is empty."""
    needed = {"presence"}
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
    decoder = [node for node in graph.node if needed.isdisjoint(node.output)]
    weights = [tensor for tensor in graph.initializer if tensor.name not in needed]
    for tensor in weights:
        graph.initializer.remove(tensor)
    for node in decoder:
        graph.node.remove(node)
    decoder[-1].output[:] = ["decoded"]  # names may not be used again within
    empty = numpy_helper.from_array(np.zeros((1, NUM_PARTS, 0, 0), np.float32))
    nothing = [helper.make_node("Constant", [], ["nothing"], value=empty)]
    result = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("decoded", "nothing")]
    branches = {
        "then_branch": helper.make_graph(decoder, "decoder", [], result[:1], weights),
        "else_branch": helper.make_graph(nothing, "nothing", [], result[1:]),
    }
    graph.node.append(helper.make_node("If", [WHERE], ["parts"], "choice", **branches))
    graph.input.append(helper.make_tensor_value_info(WHERE, TensorProto.BOOL, []))


def _prepend(nodes: list[onnx.NodeProto], graph: onnx.GraphProto) -> None:
    for index, node in enumerate(nodes):
        graph.node.insert(index, node)


def export(
    checkpoints: Sequence[Path],
    out: Path,
    notes: Mapping[str, str] | None = None,
    shifts: Mapping[str, float] | None = None,
    kind: type[LiteNetwork] | type[GarmentNetwork] = LiteNetwork,
) -> None:
    """Exports and verifies.

    Args:
        checkpoints: of `training.train`; of several, the mean.
        out: the ONNX file to write.
        notes: what the file is to say of itself: "title", which the page shows, and "licence".
        shifts: logits to add to a class of the network for parts, by its name, because it is more often worn where the model is
            used than where it has learnt, or less often (Saerens, Latinne and Decaestecker, Neural Computation 14, 2002).
        kind: of network that the checkpoints hold.

    Raises:
        ValueError: ONNX Runtime's answer differs from PyTorch's.
    """
    network = load_network(*checkpoints, kind=kind)
    if isinstance(network, LiteNetwork):
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
            output_names=module.outputs,
            dynamic_axes={"image": {1: "height", 2: "width"}},
            opset_version=17,
            dynamo=False,
        )
        model = onnx.load(plain)
    drop_empty_inputs(model)
    verify(model, module, LARGEST_DIFFERENCE)
    if isinstance(network, LiteNetwork):
        halve(model.graph)
    else:
        round_to_bytes(model.graph)
        ask_where(model.graph)
    helper.set_model_props(model, dict(notes or {}))
    onnx.checker.check_model(model)
    verify(model, module)
    out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def ask_all(session: InferenceSession, image: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """All that an exported network says of a picture (1, H, W, 3)."""
    questions = {one.name: np.array(True) for one in session.get_inputs() if one.name == WHERE}
    outputs: list[NDArray[np.float32]] = session.run(None, {"image": image, **questions})
    return outputs


def verify(model: onnx.ModelProto, module: Exported, largest_difference: float = math.inf) -> None:
    """Compares the two engines on noise, at two sizes: logits, labels, and the presence of classes, which rounded weights may
    hardly ever change.

    Raises:
        ValueError: they differ; the sentence says by how much.
    """
    session = open_session(model.SerializeToString())
    for size in ((320, 256), (96, 448)):
        image = torch.randint(0, 256, (1, *size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            expected = [output.numpy() for output in module(image)]
        got = ask_all(session, image.numpy())
        difference, other = np.abs(got[0] - expected[0]).max(), (got[0].argmax(1) != expected[0].argmax(1)).mean()
        apart = np.abs(np.exp(got[-1]) - np.exp(expected[-1])).max()
        if difference > largest_difference or apart > MOST_APART or other > MOST_OTHER_LABELS:
            raise ValueError(
                f"ONNX Runtime differs from PyTorch at {size}: by up to {difference:.3f}, labels by {other:.2%}, "
                f"probabilities by up to {apart:.3f}"
            )


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", type=Path, nargs="+", required=True, help="of several, the mean of their weights")
    parser.add_argument("--network", choices=COURSES, default="parts")
    parser.add_argument("--out", type=Path, help="by default the embedded model's file")
    parser.add_argument("--shift", nargs="*", default=[], metavar="CLASS=LOGITS", help="add to a class, Coat=-0.75 say")
    options = parser.parse_args()
    if options.shift and options.network != "parts":
        parser.error("--shift adds to the classes of the network for parts; leave it out")
    shifts = {name: float(logits) for name, logits in (shift.split("=") for shift in options.shift)}
    file = MODEL_FILE if options.network == "parts" else garments_beside(MODEL_FILE)
    export(options.checkpoint, options.out or file, shifts=shifts, kind=COURSES[options.network].network)


if __name__ == "__main__":
    main()
