"""The network's building blocks against slow, obvious versions of themselves."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from parsing.models.m2fp.network.deformable_attention import POINTS, DeformableAttention
from parsing.models.m2fp.network.layers import Attention, ConvNorm, Perceptron, sine_positions
from parsing.models.m2fp.network.onnx_graph import SampledAttention


def deformable_attention_by_loops(
    module: DeformableAttention, query: torch.Tensor, value: torch.Tensor, sizes: tuple[tuple[int, int], ...]
) -> torch.Tensor:
    """Deformable DETR's equation 3 in float64, one point at a time, bilinear interpolation written out."""
    module = module.double()
    query, value = query.double(), module.value_proj(value.double())
    batch, tokens, width = query.shape
    offsets = module.sampling_offsets(query).view(batch, tokens, module.heads, module.levels, POINTS, 2)
    shares = module.attention_weights(query).view(batch, tokens, module.heads, -1).softmax(-1)
    shares = shares.view(batch, tokens, module.heads, module.levels, POINTS)
    value = value.view(batch, tokens, module.heads, -1)
    starts = [sum(h * w for h, w in sizes[:level]) for level in range(len(sizes))]
    homes = [((x + 0.5) / w, (y + 0.5) / h) for h, w in sizes for y in range(h) for x in range(w)]
    result = torch.zeros(batch, tokens, module.heads, width // module.heads, dtype=torch.float64)
    for b in range(batch):
        for token, (home_x, home_y) in enumerate(homes):
            for head in range(module.heads):
                for level, (h, w) in enumerate(sizes):
                    for point in range(POINTS):
                        x = home_x * w - 0.5 + float(offsets[b, token, head, level, point, 0])
                        y = home_y * h - 0.5 + float(offsets[b, token, head, level, point, 1])
                        for column in (math.floor(x), math.floor(x) + 1):
                            for row in (math.floor(y), math.floor(y) + 1):
                                if 0 <= column < w and 0 <= row < h:
                                    near = (1 - abs(x - column)) * (1 - abs(y - row))
                                    share = shares[b, token, head, level, point] * near
                                    result[b, token, head] += share * value[b, starts[level] + row * w + column, head]
    return module.output_proj(result.flatten(2))


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("spread", [0.3, 5.0], ids=["points near by", "points outside the picture"])
def test_deformable_attention_is_the_sum_over_points(spread: float) -> None:
    torch.manual_seed(0)
    sizes = ((2, 3), (3, 5), (6, 9))
    tokens = sum(height * width for height, width in sizes)
    module = DeformableAttention(width=64, levels=3, heads=2).requires_grad_(False)  # a head's 32 channels are whole vectors
    nn.init.normal_(module.sampling_offsets.bias, std=spread)
    query, value = torch.randn(2, 2, tokens, 64)
    fast = module(query, value, sizes)
    slow = deformable_attention_by_loops(module, query, value, sizes)
    torch.testing.assert_close(fast.double(), slow, rtol=0, atol=2e-5)


@pytest.mark.parametrize("spread", [0.3, 5.0], ids=["points near by", "points outside the picture"])
def test_deformable_attention_for_onnx_is_the_same(spread: float) -> None:
    torch.manual_seed(0)
    sizes = ((4, 3), (7, 6), (14, 12))
    tokens = sum(height * width for height, width in sizes)
    module = DeformableAttention(width=16, levels=3, heads=4).requires_grad_(False)
    nn.init.normal_(module.sampling_offsets.bias, std=spread)
    query, value = torch.randn(2, 2, tokens, 16)
    torch.testing.assert_close(SampledAttention(module)(query, value, sizes), module(query, value, sizes), rtol=0, atol=1e-5)


def test_attention_is_torchs_own() -> None:
    torch.manual_seed(0)
    module = Attention(width=24, heads=3)
    reference = nn.MultiheadAttention(24, 3, batch_first=True)
    module.load_state_dict(reference.state_dict())
    query, memory = torch.randn(2, 5, 24), torch.randn(2, 7, 24)
    drawn = torch.randn(2, 7, 5)
    drawn[1, :, 3] = -1  # an empty mask: everything is seen
    hidden = (drawn < 0).transpose(1, 2).clone()
    hidden[1, 3] = False
    expected, _ = reference(query, memory, 2 * memory, attn_mask=hidden.repeat_interleave(3, dim=0))
    torch.testing.assert_close(module(query, memory, 2 * memory, drawn), expected, rtol=0, atol=1e-5)
    expected, _ = reference(query, memory, 2 * memory)
    torch.testing.assert_close(module(query, memory, 2 * memory), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("height", "width", "channels"), [(1, 1, 8), (3, 2, 8), (4, 7, 12)])
def test_sine_positions_follow_the_formula(height: int, width: int, channels: int) -> None:
    positions = sine_positions(height, width, channels).view(height, width, channels)
    half = channels // 2
    for row in range(height):
        for column in range(width):
            for channel in range(channels):
                place, length = (row, height) if channel < half else (column, width)
                angle = (place + 1) / length * 2 * math.pi / 10000 ** ((channel % half) // 2 * 2 / half)
                expected = math.cos(angle) if channel % 2 else math.sin(angle)
                assert positions[row, column, channel] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("kernel", "stride", "groups", "activate"), [(1, 1, 1, True), (3, 2, 1, False), (3, 1, 2, True)])
def test_a_folded_convolution_gives_the_same(kernel: int, stride: int, groups: int, activate: bool) -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(6)
    for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        nn.init.uniform_(values, 0.5, 2.0)
    module = ConvNorm(4, 6, kernel, norm, stride, groups, activate).eval()
    x = torch.randn(1, 4, 9, 11)
    expected = module(x)
    module.fold_batch_norm()
    assert isinstance(module.norm, nn.Identity)
    torch.testing.assert_close(module(x), expected, rtol=0, atol=1e-5)


def test_another_norm_is_not_folded() -> None:
    module = ConvNorm(4, 8, 1, nn.GroupNorm(2, 8))
    module.fold_batch_norm()
    assert isinstance(module.norm, nn.GroupNorm)
    assert module.bias is None


def test_perceptron_has_relu_between_its_layers_and_none_at_the_end() -> None:
    torch.manual_seed(0)
    module = Perceptron(4, 8, 3, count=2)
    x = torch.randn(50, 4)
    expected = module.layers[1](functional.relu(module.layers[0](x)))
    torch.testing.assert_close(module(x), expected)
    assert (expected < 0).any()
