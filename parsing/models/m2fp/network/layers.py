"""What the network's parts share: a convolution with its norm, linear layers, the positional encoding, attention.

Layers are made, loaded and traced with plain weights; `pack` then lays these out for whatever computes fastest here."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import lru_cache, wraps

import torch
from torch import Tensor, nn
from torch.nn import functional

from parsing.models.m2fp import kernels
from parsing.models.m2fp.network import packed

LARGE = 512 * 512
"""Pairs of channels."""


class ConvNorm(nn.Conv2d):
    """Convolution without bias, the norm that the checkpoint keeps inside it, and ReLU unless told otherwise."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        norm: nn.Module,
        stride: int = 1,
        groups: int = 1,
        activate: bool = True,
        dilation: int = 1,
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2 * dilation, dilation, groups, bias=False)
        self.norm = norm
        self.activate = activate
        self.by_kernel = False

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride); `added`, alike, comes before ReLU and is overwritten."""
        if isinstance(self.norm, nn.Identity):  # what follows the convolution can be done in the same pass
            if self.weight.is_mkldnn:
                return packed.convolve(x, self.weight, self.bias, self.stride[0], self.activate, added)
            if self.by_kernel and added is None:
                return kernels.convolve(x, self.weight, self.bias, self.activate)
        x = self.norm(self._convolve(x))
        if added is not None:
            x = added.add_(x)
        return functional.relu(x, inplace=True) if self.activate else x

    def _convolve(self, x: Tensor) -> Tensor:
        if self.weight.is_mkldnn:
            return packed.convolve(x, self.weight, self.bias, self.stride[0], False, None)
        if self.by_kernel:
            return kernels.convolve(x, self.weight, self.bias, False)
        return super().forward(x)

    def pack(self) -> None:
        """Lays the weight out for our own kernel or for oneDNN, unless the convolution is dilated, which is rare."""
        if self.dilation != (1, 1):
            return
        plain = self.kernel_size == (3, 3) and self.stride == (1, 1) and self.groups == 1 and self.weight.dtype == torch.float32
        self.by_kernel = plain and kernels.can_convolve(self.in_channels, self.out_channels)
        if self.by_kernel:
            self.weight = _constant(kernels.for_convolve(self.weight))
        elif self.groups == 1:
            self.weight = _constant(packed.pack_convolution(self.weight, self.stride[0]))

    def in_bfloat16(self) -> None:
        """Rounds and packs the weights, unless our own kernel has them, which computes in float32.

        Most 3x3 convolutions are as fast there. Those of 512 channels are not: their weights, transformed anew for each
        picture, no longer fit into the processor's caches.
        """
        if not self.by_kernel or self.in_channels * self.out_channels >= LARGE:
            self.weight = _constant(packed.unpack(self.weight).bfloat16())
            self.bias = None if self.bias is None else _constant(self.bias.bfloat16())
            self.norm = copy.deepcopy(self.norm).bfloat16()
            self.pack()

    def fold_batch_norm(self) -> None:
        """Moves a trained BatchNorm's scale and shift into the convolution, for inference: the same sum, one pass fewer."""
        norm = self.norm
        if not isinstance(norm, nn.BatchNorm2d):
            return
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None, "the checkpoint has them"
        assert variance is not None
        scale = norm.weight * torch.rsqrt(variance + norm.eps)  # (outputs,)
        self.weight = _constant(self.weight * scale[:, None, None, None])
        self.bias = _constant(norm.bias - mean * scale)
        self.norm = nn.Identity()


class Linear(nn.Linear):
    """A linear layer, with ReLU if asked for; computes in its weight's type."""

    @classmethod
    def of(cls, weight: Tensor, bias: Tensor) -> Linear:
        """A layer with weights that are there already."""
        layer = cls(weight.shape[1], weight.shape[0], device="meta")
        layer.weight, layer.bias = _constant(weight), _constant(bias)
        return layer

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        return packed.linear(x, self.weight, self.bias, relu)

    def pack(self) -> None:
        """Lays the weight out for oneDNN."""
        self.weight = _constant(packed.pack_linear(self.weight))

    def in_bfloat16(self) -> None:
        """Rounds and packs the weights."""
        self.weight = _constant(packed.unpack(self.weight).bfloat16())
        self.bias = _constant(self.bias.bfloat16())
        self.pack()


class SumNorm(nn.LayerNorm):
    """Layer normalisation of a sum, which is how each of a transformer's layers ends."""

    def forward(self, x: Tensor, added: Tensor) -> Tensor:  # type: ignore[override]
        if not packed.is_tracing() and kernels.can_norm(x.shape[-1]):
            return kernels.norm_of_sum(x, added, self.weight, self.bias, self.eps)
        return super().forward(x + added)


class Perceptron(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, inputs: int, hidden: int, outputs: int, count: int) -> None:
        super().__init__()
        widths = [inputs, *[hidden] * (count - 1), outputs]
        self.layers = nn.ModuleList(Linear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = layer(x, relu=True)
        return self.layers[-1](x)


class Attention(nn.Module):
    """Multi-head attention ("Attention Is All You Need", arXiv 1706.03762), query, key and value projections in one matrix."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight: nn.Parameter | None = nn.Parameter(torch.zeros(3 * width, width))
        self.in_proj_bias: nn.Parameter | None = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = Linear(width, width)
        self.projections: nn.ModuleList | None = None

    def pack(self) -> None:
        """Takes the one matrix apart, to lay out each of its three."""
        projections = self._take_apart()
        for projection in projections:
            projection.pack()
        self.projections = nn.ModuleList(projections)
        self.in_proj_weight = self.in_proj_bias = None

    def inputs_in_bfloat16(self) -> None:
        """Rounds the projections of query, key and value, once packed."""
        for projection in self._take_apart():
            projection.in_bfloat16()

    def _take_apart(self) -> list[Linear]:
        """The projections of query, key and value."""
        if self.projections is not None:
            return [projection for projection in self.projections if isinstance(projection, Linear)]
        assert self.in_proj_weight is not None, "they are taken apart once"
        assert self.in_proj_bias is not None
        return [Linear.of(*parts) for parts in zip(self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3), strict=True)]

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask_logits: Tensor | None = None) -> Tensor:
        """Attends from Q queries to N keys.

        Args:
            query: (B, Q, C).
            key: (B, N, C).
            value: (B, N, C).
            mask_logits: (B, N, Q): a query sees the keys inside its mask, where they are not negative, or all keys
                where the mask is empty. By default it sees all.

        Returns:
            (B, Q, C).
        """
        inputs = query, key, value
        query, key, value = (project(x) for project, x in zip(self._take_apart(), inputs, strict=True))
        if mask_logits is not None and not packed.is_tracing() and kernels.can_attend(query.shape[2] // self.heads):
            return self.out_proj(kernels.attend(query, key, value, mask_logits, self.heads))
        query, key, value = (x.unflatten(2, (self.heads, -1)).transpose(1, 2) for x in (query, key, value))
        mask = None if mask_logits is None else attended(mask_logits)[:, None]  # (B, 1, Q, N), the same for all heads
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)  # (B, heads, Q, C / heads)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))  # (B, Q, C)


def attended(mask_logits: Tensor) -> Tensor:
    """What each query attends to, (B, Q, N) bool, from mask logits, (B, N, Q): the inside of its mask, or all."""
    found = (mask_logits >= 0).transpose(1, 2)
    return found | ~found.any(dim=2, keepdim=True)


def _constant(x: Tensor) -> nn.Parameter:
    return nn.Parameter(x, requires_grad=False)


def cached_by_size(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`lru_cache` that steps aside while the network is traced for export: a size is then a part of the graph, not a number."""
    cached = lru_cache(maxsize=24)(function)

    @wraps(function)
    def call(*sizes: int) -> Tensor:
        return (function if packed.is_tracing() else cached)(*sizes)

    return call


@cached_by_size
def sine_positions(height: int, width: int, channels: int) -> Tensor:
    """The positional encoding of DETR (arXiv 2005.12872, appendix A.4), positions normalised to (0, 2 pi].

    Cached: photos of one size ask for the same three levels again and again.

    Returns:
        (height * width, channels) float32, the row's code in the first half of the channels, the column's in the second.
    """
    half = channels // 2
    wavelength = 10000.0 ** (torch.arange(half) // 2 * 2 / half)  # (half,), a sine and a cosine share one

    def encode(length: int) -> Tensor:
        angle = torch.arange(1, length + 1)[:, None] / (length + 1e-6) * (2 * math.pi) / wavelength  # (length, half)
        return torch.stack((angle[:, 0::2].sin(), angle[:, 1::2].cos()), dim=2).flatten(1)  # (length, half), interleaved

    rows = encode(height)[:, None].expand(height, width, half)
    columns = encode(width)[None].expand(height, width, half)
    return torch.cat((rows, columns), dim=2).flatten(0, 1)
