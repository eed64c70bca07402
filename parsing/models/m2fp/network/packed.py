"""Layers whose weights oneDNN has laid out for its own loops, with ReLU or a sum in the same pass as the layer itself.

A weight that is laid out once need not be in every call: a tenth of the time of ResNet's narrow 1x1 convolutions, a quarter of
that of a linear layer for a hundred tokens. PyTorch has these operators for its own compiler and promises nothing about them
(`torch.ops.mkldnn`, hence the pinned version). Nobody else in the project calls them. Where they are missing, or other than
`OPERATORS` says, a plain weight does the same, slower.
"""

from __future__ import annotations

import platform
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

OPERATORS: Final = (
    "_is_mkldnn_bf16_supported() -> bool _0",
    "_reorder_linear_weight(Tensor self, int? batch_size=None) -> Tensor Y",
    "_reorder_convolution_weight(Tensor self, int[2] padding=0, int[2] stride=1, int[2] dilation=1, int groups=1,"
    " int[]? input_size=None) -> Tensor Y",
    "_linear_pointwise(Tensor X, Tensor W, Tensor? B, str attr, Scalar?[] scalars, str? algorithm) -> Tensor Y",
    "_convolution_pointwise(Tensor X, Tensor W, Tensor? B, int[] padding, int[] stride, int[] dilation, int groups,"
    " str attr, Scalar?[] scalars, str? algorithm) -> Tensor Y",
    "_convolution_pointwise_.binary(Tensor(a!) other, Tensor X, Tensor W, Tensor? B, int[] padding, int[] stride,"
    " int[] dilation, int groups, str binary_attr, Scalar? alpha, str? unary_attr, Scalar?[] unary_scalars,"
    " str? unary_algorithm) -> Tensor(a!) Y",
)
"""What is called here, as the pinned PyTorch describes it."""


def changed_operators() -> list[str]:
    """Those of `OPERATORS` that this PyTorch does not have, or describes otherwise."""
    changed = []
    for described in OPERATORS:
        name, _, overload = described.partition("(")[0].partition(".")
        packet = getattr(torch.ops.mkldnn, name, None)
        operator = getattr(packet, overload or "default", None)
        if operator is None or str(operator._schema) != f"mkldnn::{described}":
            changed.append(name)
    return changed


AVAILABLE: Final = (
    torch.backends.mkldnn.is_available() and platform.machine() in ("x86_64", "AMD64") and not changed_operators()
)
MANY: Final = 1 << 10
"""Rows that a linear layer's weight is laid out for; it computes as well with fewer or more."""


def is_tracing() -> bool:
    """Whether the network is being traced for export, which knows none of these operators nor our kernels."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]


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


def linear(x: Tensor, weight: Tensor, bias: Tensor, relu: bool = False) -> Tensor:
    """(..., inputs) to (..., outputs) of the weight's type, packed or not; `relu` applies ReLU."""
    x = x.to(weight.dtype)
    if weight.is_mkldnn:
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "relu" if relu else "none", [], "")
    y = functional.linear(x, weight, bias)
    return y.relu_() if relu else y


def products(rows: Tensor, columns: Tensor) -> Tensor:
    """(B, Q, N): each of rows (B, Q, C) times each of columns (B, N, C), of their type."""
    if is_tracing() or not can_pack(columns.dtype):
        return rows @ columns.transpose(1, 2)
    found = [torch.ops.mkldnn._linear_pointwise(*pair, None, "none", [], "") for pair in zip(rows, columns, strict=True)]
    return torch.stack(found) if len(found) > 1 else found[0][None]


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, relu: bool, added: Tensor | None) -> Tensor:
    """A convolution with a packed weight and a border of k // 2 zeros.

    Args:
        x: (B, inputs, H, W), channels last in memory.
        weight: of `pack_convolution`.
        bias: (outputs,).
        stride: in both directions.
        relu: whether ReLU follows.
        added: of the result's shape, added before that; overwritten.

    Returns:
        (B, outputs, H / stride, W / stride).
    """
    numbers = [weight.shape[2] // 2] * 2, [stride] * 2, [1, 1], 1  # padding, stride, dilation, groups
    if added is None:
        return torch.ops.mkldnn._convolution_pointwise(x, weight, bias, *numbers, "relu" if relu else "none", [], "")
    pointwise = torch.ops.mkldnn._convolution_pointwise_.binary
    return pointwise(added, x, weight, bias, *numbers, "add", 1.0, "relu" if relu else None, [], "")
