"""What the network's parts share: a convolution with its norm, a perceptron, the positional encoding, attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, wraps

import torch
from torch import Tensor, nn
from torch.nn import functional

from parsing import kernels


class ConvNorm(nn.Conv2d):
    """Convolution without bias, the norm that the checkpoint keeps inside it, and ReLU unless told otherwise."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, norm: nn.Module, stride: int = 1, groups: int = 1, activate: bool = True
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        self.norm = norm
        self.activate = activate
        self.by_kernel = False

    def forward(self, x: Tensor) -> Tensor:
        rectified = False
        if self.by_kernel and not torch.jit.is_tracing():
            rectified = self.activate and isinstance(self.norm, nn.Identity)
            x = kernels.convolve(x, self.weight, self.bias, rectified)
        else:
            x = super().forward(x)
        x = self.norm(x)
        return functional.relu(x, inplace=True) if self.activate and not rectified else x

    def choose_layout(self) -> None:
        """Lays the weight out in memory for what is fastest: our own kernel, or else oneDNN, which wants channels last."""
        plain = self.kernel_size == (3, 3) and self.stride == (1, 1) and self.groups == 1 and self.weight.dtype == torch.float32
        self.by_kernel = plain and kernels.can_convolve(self.in_channels, self.out_channels)
        if self.by_kernel:
            self.weight.data = kernels.for_convolve(self.weight.data)
        else:
            self.weight.data = self.weight.data.contiguous(memory_format=torch.channels_last)

    def fold_batch_norm(self) -> None:
        """Moves a trained BatchNorm's scale and shift into the convolution, for inference: the same sum, one pass fewer."""
        norm = self.norm
        if not isinstance(norm, nn.BatchNorm2d):
            return
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)  # (outputs,)
        self.weight = nn.Parameter(self.weight * scale[:, None, None, None], requires_grad=False)
        self.bias = nn.Parameter(norm.bias - norm.running_mean * scale, requires_grad=False)
        self.norm = nn.Identity()


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`functional.linear` for many tokens, (..., inputs) to (..., outputs) of the weight's type, computed as a convolution.

    oneDNN's convolution reads and writes the same memory as the matrix product that torch would call, and is 10 to 25 % faster
    on processors that the latter was not made for.
    """
    outputs, inputs = weight.shape
    rows = x.to(weight.dtype).reshape(1, 1, -1, inputs).permute(0, 3, 1, 2)  # (1, inputs, 1, N), channels last in memory
    y = functional.conv2d(rows, weight[:, :, None, None], bias)  # (1, outputs, 1, N)
    return y.permute(0, 2, 3, 1).reshape(*x.shape[:-1], outputs)


class Linear(nn.Linear):
    """A linear layer for many tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


class Perceptron(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, inputs: int, hidden: int, outputs: int, count: int) -> None:
        super().__init__()
        widths = [inputs, *[hidden] * (count - 1), outputs]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = functional.relu(layer(x))
        return self.layers[-1](x)


class Attention(nn.Module):
    """Multi-head attention ("Attention Is All You Need", arXiv 1706.03762), query, key and value projections in one matrix."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None = None) -> Tensor:
        """Attends from Q queries to N keys.

        Args:
            query: (B, Q, C).
            key: (B, N, C).
            value: (B, N, C).
            allowed: (B, Q, N) bool, which keys a query may see; all of them by default.

        Returns:
            (B, Q, C).
        """
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        query, key, value = (
            linear(x, weight, bias).unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, Q or N, C / heads)
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        mask = None if allowed is None else allowed[:, None]  # (B, 1, Q, N), the same for all heads
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)  # (B, heads, Q, C / heads)
        return self.out_proj(mixed.transpose(1, 2).flatten(2).to(self.out_proj.weight.dtype))  # (B, Q, C)


def cached_by_size(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`lru_cache` that steps aside while the network is traced for export: a size is then a part of the graph, not a number."""
    cached = lru_cache(maxsize=24)(function)

    @wraps(function)
    def call(*sizes: int) -> Tensor:
        return (function if torch.jit.is_tracing() else cached)(*sizes)

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
