"""From an exported model back to a network that can be trained further: the weights of a `lite.onnx`, into `LiteNetwork`.

The exporter has folded each batch normalisation into the convolution before it. It is put back so that nothing changes in use,
and that it is near what it was in training: pictures tell the mean and variance that it takes away, and its own scale and shift
return them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor, nn

from training.export import BYTE, HALF, SCALE
from training.network import ConvNorm, LiteNetwork, Network

ROOT = "network."


def load_exported(file: str | os.PathLike[str], pictures: Iterable[Tensor], kind: type[Network] = LiteNetwork) -> Network:
    """The network of a file that `training.export` wrote, in evaluation mode.

    Args:
        file: the ONNX file.
        pictures: batches (B, 3, H, W) uint8 of what it will be trained on, at least one; sides are multiples of 32.
        kind: of network that the file holds.

    Raises:
        ValueError: the file is damaged or holds another network; one sentence for the user.
    """
    network = kind().eval()
    state = network.state_dict()
    found = _read_weights(file)
    for name, module in network.named_modules():
        if isinstance(module, ConvNorm):
            state[f"{name}.1.running_var"] = torch.full_like(module[1].running_var, 1 - module[1].eps)
            found[f"{name}.1.bias"] = found.pop(f"{name}.0.bias", torch.zeros(0))
            state[f"{name}.1.weight"].fill_(1)
    learnt = {name for name, _ in network.named_parameters() if not name.endswith(".1.weight") or name in found}
    missing = sorted(name for name in learnt if name not in found or found[name].shape != state[name].shape)
    if missing or found.keys() - state.keys():
        raise ValueError(f"{os.path.basename(file)!r} is not a model of training.export; it lacks {missing[:3]}.")
    network.load_state_dict({**state, **found})
    _spread(network, pictures)
    return network


def _read_weights(file: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Weights by the name of the module that has them; of convolutions and matrices only the node tells which that is."""
    try:
        graph = onnx.load(file).graph
    except DecodeError as error:
        raise ValueError(f"{os.path.basename(file)!r} is damaged or no ONNX file.") from error
    graphs = [graph, *(attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g"))]
    tensors, nodes = ([one for part in graphs for one in getattr(part, kind)] for kind in ("initializer", "node"))
    stored = {tensor.name: numpy_helper.to_array(tensor).astype("float32") for tensor in tensors}
    stored = {name.removesuffix(HALF): values for name, values in stored.items()}
    for name in [name.removesuffix(BYTE) for name in stored if name.endswith(BYTE)]:
        stored[name] = stored.pop(f"{name}{BYTE}") * stored.pop(f"{name}{SCALE}")
    weights = {name: values for name, values in stored.items() if name.startswith(ROOT)}
    matrices = set()
    for node in nodes:
        module = _module_name(node.name)
        if node.op_type in ("Conv", "MatMul"):
            own = zip(("weight", "bias"), node.input[1:], strict=False)  # a matrix has no bias here
            weights |= {f"{ROOT}{module}.{kind}": stored[name] for kind, name in own if name in stored}
        if node.op_type == "MatMul":  # ONNX multiplies from the other side
            matrices.add(f"{ROOT}{module}.weight")
    return {
        name.removeprefix(ROOT): torch.from_numpy(values.T if name in matrices else values).contiguous()
        for name, values in weights.items()
    }


def _module_name(path: str) -> str:
    """The module of a node such as /network/lateral.3/lateral.3.0/Conv, lateral.3.0: a container's name begins its member's."""
    steps = path.split("/")[2:-1]
    following = [*steps[1:], ""]
    return ".".join(step for step, next_ in zip(steps, following, strict=False) if not next_.startswith(f"{step}."))


@torch.no_grad()
def _spread(network: nn.Module, pictures: Iterable[Tensor]) -> None:
    """Sets each normalisation's statistics to those of the pictures, and its scale and shift so that they cancel out."""
    norms = [module[1] for module in network.modules() if isinstance(module, ConvNorm)]
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def add(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        values = inputs[0].double().transpose(0, 1).flatten(1)  # (C, B*H*W)
        count = torch.full((len(values),), values.shape[1])
        sums[norm] += torch.stack((values.sum(1), values.square().sum(1), count))

    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    for batch in pictures:
        network(batch.float())
    for hook in hooks:
        hook.remove()
    for norm, (total, squares, count) in sums.items():
        mean = total / count
        variance = (squares / count - mean.square()).clamp(min=0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.add_(norm.running_mean)
