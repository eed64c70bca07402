"""Layers whose weights oneDNN has laid out for its own loops, with ReLU or a sum in the same pass as the layer itself.

A weight that is laid out once need not be in every call: a tenth of the time of ResNet's narrow 1x1 convolutions, a quarter of
that of a linear layer for a hundred tokens. PyTorch has these operations for its own compiler (`torch.ops.mkldnn`, hence the
pinned version). Where they are missing, a plain weight does the same.
"""

from __future__ import annotations

import platform
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

AVAILABLE: Final = torch.backends.mkldnn.is_available() and platform.machine() in ("x86_64", "AMD64")
MANY: Final = 1 << 10
"""Rows that a linear layer's weight is laid out for; it computes as well with fewer or more."""


def can_pack(dtype: torch.dtype) -> bool:
    """Whether weights of this type can be packed here."""
    return AVAILABLE and (dtype == torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported())


def pack_linear(weight: Tensor) -> Tensor:
    """A weight (outputs, inputs) for `linear`, packed if possible."""
    return torch.ops.mkldnn._reorder_linear_weight(weight, MANY) if can_pack(weight.dtype) else weight


def pack_convolution(weight: Tensor, stride: int) -> Tensor:
    """A weight (outputs, inputs, k, k), k odd, for `convolve`, packed if possible, or else channels last in memory."""
    weight = weight.contiguous(memory_format=torch.channels_last)
    if not can_pack(weight.dtype):
        return weight
    padding, picture = [weight.shape[2] // 2] * 2, [1, weight.shape[1], 40, 40]  # of a size that is often met
    return torch.ops.mkldnn._reorder_convolution_weight(weight, padding, [stride] * 2, [1, 1], 1, picture)


def unpack(weight: Tensor) -> Tensor:
    """The same weight as PyTorch has it."""
    return weight.to_dense() if weight.is_mkldnn else weight


def linear(x: Tensor, weight: Tensor, bias: Tensor, rectify: bool = False) -> Tensor:
    """(..., inputs) to (..., outputs) of the weight's type, packed or not; `rectify` makes negative results 0."""
    x = x.to(weight.dtype)
    if weight.is_mkldnn:
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "relu" if rectify else "none", [], "")
    y = functional.linear(x, weight, bias)
    return y.relu_() if rectify else y


def products(rows: Tensor, columns: Tensor) -> Tensor:
    """(B, Q, N): each of rows (B, Q, C) times each of columns (B, N, C), of their type."""
    if torch.jit.is_tracing() or not can_pack(columns.dtype):
        return rows @ columns.transpose(1, 2)
    found = [torch.ops.mkldnn._linear_pointwise(*pair, None, "none", [], "") for pair in zip(rows, columns, strict=True)]
    return torch.stack(found) if len(found) > 1 else found[0][None]


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, rectify: bool, added: Tensor | None) -> Tensor:
    """A convolution with a packed weight and a border of k // 2 zeros.

    Args:
        x: (B, inputs, H, W), channels last in memory.
        weight: of `pack_convolution`.
        bias: (outputs,).
        stride: in both directions.
        rectify: whether negative results become 0.
        added: of the result's shape, added before that; overwritten.

    Returns:
        (B, outputs, H / stride, W / stride).
    """
    numbers = [weight.shape[2] // 2] * 2, [stride] * 2, [1, 1], 1  # padding, stride, dilation, groups
    if added is None:
        return torch.ops.mkldnn._convolution_pointwise(x, weight, bias, *numbers, "relu" if rectify else "none", [], "")
    finish = "add", 1.0, "relu" if rectify else None, [], ""
    return torch.ops.mkldnn._convolution_pointwise_.binary(added, x, weight, bias, *numbers, *finish)
