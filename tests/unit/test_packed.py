"""Packed layers against PyTorch's own: the same numbers, whoever computes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from parsing.models.m2fp import kernels
from parsing.models.m2fp.network import packed
from parsing.models.m2fp.network.deformable_attention import DeformableAttention
from parsing.models.m2fp.network.layers import Attention, ConvNorm, Linear

ROOT = Path(__file__).parents[2]
TYPES = [pytest.param(torch.float32, 1e-4, id="float32"), pytest.param(torch.bfloat16, 0.02, id="bfloat16")]


def near(found: Tensor, expected: Tensor, error: float) -> None:
    rtol = error if found.dtype == torch.bfloat16 else 0
    torch.testing.assert_close(found.double(), expected.double(), rtol=rtol, atol=error)


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize(("dtype", "error"), TYPES)
@pytest.mark.parametrize("shape", [(1, 8), (2, 5, 8), (1, 300, 8)], ids=str)
@pytest.mark.parametrize("relu", [False, True])
def test_a_linear_layer(shape: tuple[int, ...], relu: bool, dtype: torch.dtype, error: float) -> None:
    torch.manual_seed(0)
    layer = Linear(8, 6).requires_grad_(False)
    x = torch.randn(shape)
    expected = functional.linear(x, layer.weight, layer.bias)
    layer.pack()
    if dtype == torch.bfloat16:
        layer.in_bfloat16()
    assert layer.weight.is_mkldnn == packed.can_pack(dtype)
    found = layer(x, relu)
    assert found.dtype == dtype
    near(found, expected.relu() if relu else expected, error)


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize(("dtype", "error"), TYPES)
@pytest.mark.parametrize(
    ("kernel", "stride", "groups", "outputs", "by_kernel"),
    [(3, 1, 1, 64, True), (1, 1, 1, 64, False), (3, 2, 1, 64, False), (3, 1, 2, 64, False), (3, 1, 1, 60, False)],
)
@pytest.mark.parametrize("normed", [False, True], ids=["no norm left", "norm"])
@pytest.mark.parametrize("sum_too", [False, True], ids=["alone", "with a sum"])
def test_a_convolution(
    kernel: int,
    stride: int,
    groups: int,
    outputs: int,
    by_kernel: bool,
    normed: bool,
    sum_too: bool,
    dtype: torch.dtype,
    error: float,
) -> None:
    """As it is when it is made, after `pack`, and after `in_bfloat16`, with what comes after it."""
    torch.manual_seed(0)
    after = nn.GroupNorm(2, outputs) if normed else nn.Identity()
    layer = ConvNorm(32, outputs, kernel, after, stride, groups).requires_grad_(False)
    x = torch.randn(1, 32, 12, 13).to(dtype).contiguous(memory_format=torch.channels_last)
    shape = 1, outputs, -(-12 // stride), -(-13 // stride)
    added = torch.randn(shape).to(dtype).contiguous(memory_format=torch.channels_last) if sum_too else None
    expected = layer(x.float(), None if added is None else added.float())
    layer.pack()
    if dtype == torch.bfloat16:
        layer.in_bfloat16()
    assert layer.by_kernel == (by_kernel and kernels.library() is not None)
    near(layer(x, added), expected, error)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_of_a_batch(dtype: torch.dtype) -> None:
    rows, columns = torch.randn(2, 5, 16).to(dtype), torch.randn(2, 7, 16).to(dtype)
    near(packed.products(rows, columns), rows.double() @ columns.double().transpose(1, 2), 0.02)


def test_the_operators_are_those_of_the_pinned_version() -> None:
    pinned = re.search(r"^torch==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned
    assert torch.__version__.startswith(pinned[1])
    assert packed.changed_operators() == [], (
        f"PyTorch {torch.__version__} has other operators of oneDNN than parsing/models/m2fp/network/packed.py calls."
        " M2FP goes without them, slower. Adapt the calls there and OPERATORS to what is new, and measure with"
        " benchmarks/speed.py; if an operator is gone, leave its layer unpacked."
    )


def test_an_operator_that_has_changed_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "OPERATORS", ("_linear_pointwise(Tensor X) -> Tensor Y", "_not_there() -> bool"))
    assert packed.changed_operators() == ["_linear_pointwise", "_not_there"]


def test_what_is_rounded_can_be_unpacked_before() -> None:
    weights = torch.randn(6, 8), torch.randn(6, 8, 3, 3)
    for weight, stored in zip(weights, (packed.pack_linear(weights[0]), packed.pack_convolution(weights[1], 1)), strict=True):
        torch.testing.assert_close(packed.unpack(stored), weight, rtol=0, atol=0)


@pytest.mark.usefixtures("both_ways")
def test_attention_taken_apart_is_the_same() -> None:
    torch.manual_seed(0)
    module = Attention(width=24, heads=3).requires_grad_(False)
    nn.init.normal_(module.in_proj_weight)
    query, memory = torch.randn(2, 5, 24), torch.randn(2, 7, 24)
    expected = module(query, memory, 2 * memory)
    module.pack()
    near(module(query, memory, 2 * memory), expected, 1e-4)


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize(("dtype", "error"), TYPES)
def test_deformable_attention_packed_is_the_same(dtype: torch.dtype, error: float) -> None:
    torch.manual_seed(0)
    sizes = ((2, 3), (3, 5), (6, 9))
    module = DeformableAttention(width=64, levels=3, heads=2).requires_grad_(False)
    nn.init.normal_(module.sampling_offsets.bias, std=3)
    query, value = torch.randn(2, 2, 75, 64)
    expected = module(query, value, sizes)
    module.pack()
    if dtype == torch.bfloat16:
        module.in_bfloat16()
    near(module(query, value, sizes), expected, error)
