"""Kernels in C for M2FP, compiled at first use where there is a C compiler; where there is none, PyTorch does everything.

Each does in one pass, inside the processor's caches, what takes PyTorch many passes through memory, or more multiplications:
`winograd` (3x3 convolutions, in about half the time), `deformable` (attention's sampling, in a third), `attention` (in half),
`norm` (in half) and `masks` (decoding, in a third). The compiled library is kept in the cache folder, one for each version of
these files and each kind of processor. CC names another compiler; CC=false goes without.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import shlex
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parsing.cores import instruction_sets
from parsing.files import cache_folder, whole_file

SOURCES: Final = ("winograd.c", "deformable.c", "attention.c", "norm.c", "masks.c")
HEADER: Final = "vectors.h"
FLAGS: Final = ("-O3", "-march=native", "-fopenmp", "-fPIC", "-shared")
LONGEST_COMPILING: Final = 120
"""Seconds."""
MOST_CHANNELS: Final = 64
"""Of a head, which `attend` takes at most."""
TILES: Final = 56
"""Of 4x4 pixels, the most that one thread works on at a time: their frequencies fit into the second cache."""

log = logging.getLogger(__name__)


@cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels, or None where they cannot be compiled. OpenMP's threads are PyTorch's own: it is loaded already."""
    folder = Path(__file__).parent
    compiler = shlex.split(os.environ.get("CC") or "cc")
    kind = hashlib.sha256(repr((compiler, FLAGS, platform.machine(), instruction_sets())).encode())
    for name in (HEADER, *SOURCES):
        kind.update((folder / name).read_bytes())
    compiled = cache_folder("kernels") / f"{kind.hexdigest()[:16]}.so"
    try:
        if not compiled.exists():
            compiled.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(compiled) as partial:
                command = [*compiler, *FLAGS, *(str(folder / name) for name in SOURCES), "-lm", "-o", str(partial)]
                subprocess.run(command, check=True, capture_output=True, timeout=LONGEST_COMPILING)
        found = ctypes.CDLL(str(compiled))
    except (OSError, subprocess.SubprocessError) as error:
        log.info("M2FP runs without its C kernels, slower: %s", error)
        return None
    found.masks_read.restype = ctypes.c_double
    return found


def can_convolve(inputs: int, outputs: int) -> bool:
    """Whether `convolve` takes these numbers of channels here."""
    return library() is not None and inputs % vector_length() == 0 and outputs % (2 * vector_length()) == 0


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, rectify: bool) -> Tensor:
    """A 3x3 convolution with stride 1 and a border of zeros, by Winograd's method; only rounding tells it from the direct one.

    Args:
        x: (B, inputs, H, W) float32 or bfloat16.
        weight: (outputs, inputs, 3, 3) float32, laid out in memory as (3, 3, inputs, outputs), see `for_convolve`.
        bias: (outputs,) float32.
        rectify: whether negative results become 0.

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
    sizes = int(x.dtype == torch.bfloat16), batch, height, width, inputs, outputs, int(rectify), block, threads
    library().winograd_convolve(*_addresses(x, weight, bias, y, scratch), *sizes)
    return y


def for_convolve(weight: Tensor) -> Tensor:
    """The same weight, (outputs, inputs, 3, 3), in the memory layout that `convolve` reads."""
    return weight.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1)


def can_sample(channels: int) -> bool:
    """Whether `sample` takes heads of so many channels here."""
    return library() is not None and channels % (2 * vector_length()) == 0


def sample(values: Tensor, asked: Tensor, places: Tensor, sizes: Tensor) -> Tensor:
    """What deformable attention reads.

    Args:
        values: (B, T, heads, channels) float32 or bfloat16, contiguous as all others.
        asked: (B, T, 3 * heads * levels * points) of their type: x and y in pixels of the level, from the token's own place,
            and scores before their softmax over a head's points, each (heads, levels, points).
        places: (T, 2) float32, each token's x and y in (0, 1).
        sizes: (levels, 2) int32, height and width.

    Returns:
        (B, T, heads, channels) of the values' type; computed in float32.
    """
    batch, tokens, heads, channels = values.shape
    out = torch.empty_like(values)
    levels, points = len(sizes), asked.shape[2] // (3 * heads * len(sizes))
    half = int(values.dtype == torch.bfloat16)
    numbers = half, batch, tokens, heads, levels, points, channels, torch.get_num_threads()
    library().deformable_sample(*_addresses(values, asked, places, sizes, out), *numbers)
    return out


def can_attend(channels: int) -> bool:
    """Whether `attend` takes heads of so many channels here."""
    return library() is not None and channels % vector_length() == 0 and channels <= MOST_CHANNELS


def attend(query: Tensor, key: Tensor, value: Tensor, drawn: Tensor, heads: int) -> Tensor:
    """Attention of queries that each see a part of the keys.

    Args:
        query: (B, Q, C) float32 or bfloat16.
        key: (B, N, C) of its type.
        value: likewise.
        drawn: (B, N, Q) float32; a query sees the keys where this is not negative, or all where it is negative everywhere.
        heads: into which C is divided.

    Returns:
        (B, Q, C) float32; computed in it.
    """
    query, key, value, drawn = (x.contiguous() for x in (query, key, value, drawn))
    batch, queries, width = query.shape
    least = torch.zeros(batch, queries).masked_fill_(drawn.amax(dim=1) < 0, -torch.inf)
    out = torch.empty(batch, queries, width)
    numbers = int(query.dtype == torch.bfloat16), batch, queries, key.shape[1], heads, width // heads, torch.get_num_threads()
    library().masked_attention(*_addresses(query, key, value, drawn, least, out), *numbers)
    return out


def can_norm(channels: int) -> bool:
    """Whether `norm_of_sum` takes so many channels here."""
    return library() is not None and channels % vector_length() == 0


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
    numbers = half, ctypes.c_float(epsilon), rows, x.shape[-1], torch.get_num_threads()
    library().norm_of_sum(*_addresses(x, added, weight, bias, out), *numbers)
    return out


def vector_length() -> int:
    """Floats in one of the processor's vectors; 1 without the kernels. Rows of masks are as long as a multiple of it."""
    kernels = library()
    return 1 if kernels is None else kernels.kernel_lanes()


def widen(mask: Tensor, first: Tensor, shares: Tensor) -> Tensor:
    """Mixes a mask's columns.

    Args:
        mask: (h, w) float32, contiguous as the others.
        first: (blocks,) int32, the first column that each block of the result mixes.
        shares: (blocks, depth, `vector_length`) float32, what that column and those after it count in each column of a block.

    Returns:
        (h, blocks * `vector_length`) float32.
    """
    blocks, depth, length = shares.shape
    wide = torch.empty(len(mask), blocks * length)
    library().masks_widen(*_addresses(mask, first, shares, wide), *mask.shape, blocks, depth)
    return wide


def read_mask(logits: Tensor, places: Tensor, shares: Tensor, mask: NDArray[np.bool_]) -> float:
    """Writes where logits, brought to the photo's rows, are positive; returns the sum of their sigmoid there.

    Args:
        logits: (h, W) float32, contiguous as the others; W is a multiple of `vector_length`.
        places: (H, 4) int64, what rows each row of the photo mixes, and ...
        shares: (H, 4) float32, ... how much of each.
        mask: (H, W), written to.
    """
    target = ctypes.c_void_p(mask.ctypes.data)
    return library().masks_read(*_addresses(logits, places, shares), *mask.shape, target, torch.get_num_threads())


def add_mask(logits: Tensor, places: Tensor, shares: Tensor, score: float, least: float, sums: Tensor, counts: Tensor) -> None:
    """Adds sigmoid times score to `sums`, and 1 to `counts`, where it is above `least`.

    Args:
        logits: as for `read_mask`, and `places`, `shares`.
        score: of the instance.
        least: as above.
        sums: (H, W) float32, a rectangle of a larger map.
        counts: (H, W) uint8, the same rectangle of another map of that size.
    """
    numbers = len(places), logits.shape[1], ctypes.c_float(score), ctypes.c_float(least)
    maps = *_addresses(sums, counts), sums.stride(0), torch.get_num_threads()
    library().masks_add(*_addresses(logits, places, shares), *numbers, *maps)


def close_class(sums: Tensor, counts: Tensor, best: Tensor, labels: Tensor, label: int) -> None:
    """Gives a class the pixels where its mean, `sums` over `counts`, is above `best`, which it then is; empties the first two.

    Args:
        sums: (H, W) float32, a rectangle of a larger map, as all of these; W is a multiple of `vector_length`.
        counts: (H, W) uint8.
        best: (H, W) float32.
        labels: (H, W) uint8.
        label: of the class.
    """
    numbers = *sums.shape, sums.stride(0), label, torch.get_num_threads()
    library().masks_close(*_addresses(sums, counts, best, labels), *numbers)


def _addresses(*tensors: Tensor | None) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(None if tensor is None else tensor.data_ptr()) for tensor in tensors]
