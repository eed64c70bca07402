"""Kernels in C for M2FP, compiled at first use where there is a C compiler; where there is none, PyTorch does everything.

Each does in one pass, inside the processor's caches, what takes PyTorch many passes through memory, or more multiplications:
`winograd` (3x3 convolutions, in about half the time), `deformable` (attention's sampling, in a third), `attention` (in half),
`norm` (in half) and `masks` (decoding, in a third). The compiled library is kept in the cache folder, one for each version of
these files, each compiler and each kind of processor. CC names another compiler; CC=false goes without.
"""

from __future__ import annotations

import ctypes
from functools import cache

from parsing.models.m2fp.kernels.calls import (
    add_mask,
    attend,
    close_class,
    convolve,
    for_convolve,
    functions,
    norm_of_sum,
    read_mask,
    sample,
    use,
    widen,
)
from parsing.models.m2fp.kernels.check import answers_are_right
from parsing.models.m2fp.kernels.compiled import open_library

__all__ = [
    "add_mask",
    "attend",
    "can_attend",
    "can_convolve",
    "can_norm",
    "can_sample",
    "close_class",
    "convolve",
    "for_convolve",
    "library",
    "norm_of_sum",
    "read_mask",
    "sample",
    "vector_length",
    "widen",
]


@cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels, or None where they cannot be had; the first call may take seconds."""
    found = open_library(answers_are_right)
    if found is not None:
        use(found)
    return found


def vector_length() -> int:
    """Floats in one of the processor's vectors; 1 without the kernels. Rows of masks are as long as a multiple of it."""
    return 1 if library() is None else int(functions().kernel_lanes())


def can_convolve(inputs: int, outputs: int) -> bool:
    """Whether `convolve` takes these numbers of channels here."""
    return library() is not None and inputs % vector_length() == 0 and outputs % (2 * vector_length()) == 0


def can_sample(channels: int, points: int) -> bool:
    """Whether `sample` takes heads of so many channels, and of so many points on all levels together, here."""
    if library() is None or channels % (2 * vector_length()) != 0:
        return False
    return points <= int(functions().sample_most_points())


def can_attend(channels: int) -> bool:
    """Whether `attend` takes heads of so many channels here."""
    if library() is None or channels % vector_length() != 0:
        return False
    return channels <= int(functions().attention_most_channels())


def can_norm(channels: int) -> bool:
    """Whether `norm_of_sum` takes so many channels here."""
    return library() is not None and channels % vector_length() == 0
