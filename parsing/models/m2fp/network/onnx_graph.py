"""The network as an ONNX graph of float32 arithmetic, for pictures of any height and width.

Two things are different there. ONNX has no `embedding_bag`, so deformable attention goes through `grid_sample`, as in its
authors' own PyTorch version (arXiv 2010.04159). And what torch computes once for each size is part of the graph, from the
picture's shape on.
"""

from __future__ import annotations

import copy
import os
import warnings

import torch
from torch import Tensor, nn
from torch.nn import functional

from parsing.models.m2fp.network.deformable_attention import POINTS, DeformableAttention, Sizes
from parsing.models.m2fp.network.m2fp import STRIDE, M2FPNetwork
from parsing.models.m2fp.network.pixel_decoder import EncoderLayer

OPSET = 17
"""The ONNX operators' version; `grid_sample` exists since 16."""
INPUT = "picture"
OUTPUTS = ("classes", "masks")


class SampledAttention(nn.Module):
    """`DeformableAttention` with the same weights and the same result, through `grid_sample`."""

    def __init__(self, original: DeformableAttention) -> None:
        super().__init__()
        self.original = original

    def forward(self, query: Tensor, value: Tensor, sizes: Sizes) -> Tensor:
        """As `DeformableAttention.forward`; heights and widths may be traced."""
        module = self.original
        heads, levels = module.heads, module.levels
        batch, tokens, channels = query.shape
        assert module.sampling_offsets is not None, "a packed network cannot be exported"
        assert module.attention_weights is not None
        offsets = module.sampling_offsets(query).view(batch, tokens, heads, levels, POINTS, 2).permute(3, 0, 2, 1, 4, 5)
        offsets = offsets.flatten(1, 2)  # (levels, B * heads, T, points, 2), in pixels of the level that is read
        attention = module.attention_weights(query).view(batch, tokens, heads, -1).softmax(3)
        attention = (
            attention.unflatten(3, (levels, POINTS)).permute(3, 0, 2, 1, 4).flatten(1, 2)
        )  # (levels, B * heads, T, points)
        planes = module.value_proj(value).transpose(1, 2).reshape(batch * heads, channels // heads, tokens)
        areas = [height * width for height, width in sizes]
        reference = torch.cat([pixel_centres(*size) for size in sizes])[:, None]  # (T, 1, 2) in (0, 1)
        mixed = torch.zeros(())
        for (height, width), plane, offset, weight in zip(sizes, planes.split(areas, dim=2), offsets, attention, strict=True):
            x, y = (
                reference[..., 0] + offset[..., 0] / width,
                reference[..., 1] + offset[..., 1] / height,
            )  # (B * heads, T, points)
            places = torch.stack((x, y), dim=3) * 2 - 1  # (B * heads, T, points, 2), in [-1, 1] inside the picture
            plane = plane.reshape(batch * heads, -1, height, width)
            read = functional.grid_sample(plane, places, align_corners=False)  # (B * heads, C / heads, T, points)
            mixed = mixed + (read * weight[:, None]).sum(3)
        return module.output_proj(mixed.reshape(batch, channels, tokens).transpose(1, 2))


def pixel_centres(height: int, width: int) -> Tensor:
    """(height * width, 2) x and y of every pixel's centre, row by row, in (0, 1); the sizes may be traced."""
    x = ((torch.arange(width) + 0.5) / width)[None, :].expand(height, width)
    y = ((torch.arange(height) + 0.5) / height)[:, None].expand(height, width)
    return torch.stack((x, y), dim=2).flatten(0, 1)


def traceable(network: M2FPNetwork) -> M2FPNetwork:
    """A copy that shares its weights with the network and can be traced for ONNX."""
    memo = {id(parameter): parameter for parameter in network.parameters()}
    network = copy.deepcopy(network, memo)
    for layer in network.sem_seg_head.pixel_decoder.transformer.encoder.layers:
        assert isinstance(layer, EncoderLayer)
        layer.add_module("self_attn", SampledAttention(layer.self_attn))
    return network


@torch.no_grad()
def write_onnx(network: M2FPNetwork, file: str | os.PathLike[str]) -> None:
    """Writes the graph: `picture` (1, 3, H, W) to `classes` (1, Q, classes + 1) and `masks` (1, Q, H/4, W/4), float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: loops over levels are unrolled, as they should be
        torch.onnx.export(
            traceable(network),
            (torch.zeros(1, 3, 3 * STRIDE, 2 * STRIDE),),
            file,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={INPUT: {2: "height", 3: "width"}, OUTPUTS[1]: {2: "mask_height", 3: "mask_width"}},
            opset_version=OPSET,
            dynamo=False,
        )
