"""The kernels as functions of tensors. Whoever calls one has asked `kernels.library` before, whether it is there.

Tensors have the layouts that the C files expect, and lengths that `kernels` allows; nothing is checked again here.
"""

from __future__ import annotations

import ctypes
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

TILES: Final = 56
"""Of 4x4 pixels, the most that one thread works on at a time: their frequencies fit into the second cache."""

_used: list[ctypes.CDLL] = []
"""The library that is in use, once there is one."""


def use(library: ctypes.CDLL) -> None:
    """Makes a library the one that is called from now on."""
    _used[:] = [library]


def functions() -> ctypes.CDLL:
    """The functions in C of the library in use."""
    return _used[0]


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, relu: bool) -> Tensor:
    """A 3x3 convolution with stride 1 and a border of zeros, by Winograd's method; only rounding tells it from the direct one.

    Args:
        x: (B, inputs, H, W) float32 or bfloat16.
        weight: (outputs, inputs, 3, 3) float32, laid out in memory as (3, 3, inputs, outputs), see `for_convolve`.
        bias: (outputs,) float32.
        relu: whether ReLU follows.

    Returns:
        (B, outputs, H, W) of x's type, channels last in memory; computed in float32.
    """
    x = x.contiguous(memory_format=torch.channels_last)
    batch, inputs, height, width = x.shape
    outputs, threads = weight.shape[0], torch.get_num_threads()
    y = torch.empty(batch, outputs, height, width, dtype=x.dtype, memory_format=torch.channels_last)
    tiles = batch * -(-height // 4) * -(-width // 4)
    blocks = threads * -(-tiles // (threads * TILES))  # as many for each thread
    block = -(-tiles // blocks)
    scratch = torch.empty(inputs + 36 * (inputs * outputs + threads * block * (inputs + outputs)))
    sizes = int(x.dtype == torch.bfloat16), batch, height, width, inputs, outputs, int(relu), block, threads
    functions().winograd_convolve(*_addresses(x, weight, bias, y, scratch), *sizes)
    return y


def for_convolve(weight: Tensor) -> Tensor:
    """The same weight, (outputs, inputs, 3, 3), in the memory layout that `convolve` reads."""
    return weight.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1)


def sample(values: Tensor, sampling: Tensor, reference: Tensor, sizes: Tensor) -> Tensor:
    """Reads the sum of deformable attention: values at the sampled points, times their attention weights.

    Args:
        values: (B, T, heads, channels) float32 or bfloat16, contiguous as all others.
        sampling: (B, T, 3 * heads * levels * points) of their type: sampling offsets x and y in pixels of the level, from the
            token's reference point, and attention logits, whose softmax over a head's points is the attention weights; each
            (heads, levels, points).
        reference: (T, 2) float32, the reference points, each token's own x and y in (0, 1).
        sizes: (levels, 2) int32, height and width.

    Returns:
        (B, T, heads, channels) of the values' type; computed in float32.
    """
    batch, tokens, heads, channels = values.shape
    out = torch.empty_like(values)
    levels, points = len(sizes), sampling.shape[2] // (3 * heads * len(sizes))
    half = int(values.dtype == torch.bfloat16)
    numbers = half, batch, tokens, heads, levels, points, channels, torch.get_num_threads()
    functions().deformable_sample(*_addresses(values, sampling, reference, sizes, out), *numbers)
    return out


def attend(query: Tensor, key: Tensor, value: Tensor, mask_logits: Tensor, heads: int) -> Tensor:
    """Masked attention: each query sees a part of the keys.

    Args:
        query: (B, Q, C) float32 or bfloat16.
        key: (B, N, C) of its type.
        value: likewise.
        mask_logits: (B, N, Q) float32; a query sees the keys where they are not negative, or all keys where all are negative.
        heads: into which C is divided.

    Returns:
        (B, Q, C) float32; computed in it.
    """
    query, key, value, mask_logits = (x.contiguous() for x in (query, key, value, mask_logits))
    batch, queries, width = query.shape
    threshold = torch.zeros(batch, queries).masked_fill_(mask_logits.amax(dim=1) < 0, -torch.inf)
    out = torch.empty(batch, queries, width)
    numbers = int(query.dtype == torch.bfloat16), batch, queries, key.shape[1], heads, width // heads, torch.get_num_threads()
    functions().masked_attention(*_addresses(query, key, value, mask_logits, threshold, out), *numbers)
    return out


def norm_of_sum(x: Tensor, added: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    """Layer normalisation of x + added.

    Args:
        x: (..., C) float32.
        added: of its shape, float32 or bfloat16.
        weight: (C,) float32, contiguous.
        bias: likewise.
        epsilon: added to the variance.

    Returns:
        (..., C) float32.
    """
    x, added = x.contiguous(), added.contiguous()
    out = torch.empty_like(x)
    half, rows = int(added.dtype == torch.bfloat16), x.numel() // x.shape[-1]
    numbers = half, epsilon, rows, x.shape[-1], torch.get_num_threads()
    functions().norm_of_sum(*_addresses(x, added, weight, bias, out), *numbers)
    return out


def widen(mask: Tensor, first: Tensor, shares: Tensor) -> Tensor:
    """Mixes a mask's columns.

    Args:
        mask: (h, w) float32, contiguous as the others.
        first: (blocks,) int32, the first column that each block of the result mixes.
        shares: (blocks, depth, `kernels.vector_length`) float32, what that column and those after it count in each
            column of a block.

    Returns:
        (h, blocks * `kernels.vector_length`) float32.
    """
    blocks, depth, length = shares.shape
    wide = torch.empty(len(mask), blocks * length)
    functions().masks_widen(*_addresses(mask, first, shares, wide), *mask.shape, blocks, depth)
    return wide


def read_mask(logits: Tensor, places: Tensor, shares: Tensor, mask: NDArray[np.bool_]) -> float:
    """Writes where logits, brought to the photo's rows, are positive; returns the sum of their sigmoid there.

    Args:
        logits: (h, W) float32, contiguous as the others; W is a multiple of `kernels.vector_length`.
        places: (H, 4) int64, what rows each row of the photo mixes, and ...
        shares: (H, 4) float32, ... how much of each.
        mask: (H, W), written to.
    """
    numbers = *mask.shape, mask.ctypes.data, torch.get_num_threads()
    total: float = functions().masks_read(*_addresses(logits, places, shares), *numbers)
    return total


def add_mask(logits: Tensor, places: Tensor, shares: Tensor, score: float, least: float, sums: Tensor, counts: Tensor) -> None:
    """Adds sigmoid times score to `sums`, and 1 to `counts`, where it is above `least`.

    Args:
        logits: as for `read_mask`, and `places`, `shares`.
        score: of the instance.
        least: as above.
        sums: (H, W) float32, a rectangle of a larger map.
        counts: (H, W) uint8, the same rectangle of another map of that size.
    """
    numbers = len(places), logits.shape[1], score, least
    maps = *_addresses(sums, counts), sums.stride(0), torch.get_num_threads()
    functions().masks_add(*_addresses(logits, places, shares), *numbers, *maps)


def close_class(sums: Tensor, counts: Tensor, best: Tensor, labels: Tensor, label: int) -> None:
    """Gives a class the pixels where its mean, `sums` over `counts`, is above `best`, which it then is; empties the first two.

    Args:
        sums: (H, W) float32, a rectangle of a larger map, as all of these; W is a multiple of `kernels.vector_length`.
        counts: (H, W) uint8.
        best: (H, W) float32.
        labels: (H, W) uint8.
        label: of the class.
    """
    numbers = *sums.shape, sums.stride(0), label, torch.get_num_threads()
    functions().masks_close(*_addresses(sums, counts, best, labels), *numbers)


def _addresses(*tensors: Tensor | None) -> list[int | None]:
    return [None if tensor is None else tensor.data_ptr() for tensor in tensors]
