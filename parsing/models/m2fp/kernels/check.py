"""A small self-check of a compiled library: every kernel once, against the same sum in PyTorch. It takes a few milliseconds."""

from __future__ import annotations

import ctypes
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from parsing.models.m2fp.kernels import calls


def answers_are_right(library: ctypes.CDLL) -> bool:
    """Whether a library computes what PyTorch does, but for rounding. It is the one in use afterwards."""
    calls.use(library)
    length = int(library.kernel_lanes())
    if length not in (4, 8, 16):
        return False
    random = torch.Generator().manual_seed(0)
    return all(
        torch.allclose(found, expected, rtol=1e-3, atol=1e-3)  # nan is never close
        for check in CHECKS
        for found, expected in check(length, random)
    )


Pairs = list[tuple[Tensor, Tensor]]
"""What a kernel gives, and what it should give."""


def _convolution(length: int, random: torch.Generator) -> Pairs:
    x, weight = torch.randn(1, length, 5, 6, generator=random), torch.randn(2 * length, length, 3, 3, generator=random)
    bias = torch.randn(2 * length, generator=random)
    found = calls.convolve(x, calls.for_convolve(weight), bias, relu=True)
    return [(found, functional.conv2d(x, weight, bias, padding=1).relu())]


def _sampling(length: int, random: torch.Generator) -> Pairs:
    """One level and one point: what is read there, in a picture of 4 by 3 pixels."""
    height, width, channels = 3, 4, 2 * length
    values = torch.randn(1, height * width, 1, channels, generator=random)
    offsets = torch.randn(1, height * width, 2, generator=random)
    y, x = torch.meshgrid((torch.arange(3) + 0.5) / 3, (torch.arange(4) + 0.5) / 4, indexing="ij")
    reference = torch.stack((x.flatten(), y.flatten()), dim=1)
    sampling = torch.cat((offsets, torch.zeros(1, height * width, 1)), dim=2)
    found = calls.sample(values, sampling, reference, torch.tensor([[height, width]], dtype=torch.int32))
    plane = values[0, :, 0].T.reshape(1, channels, height, width)
    points = (reference + offsets[0] / torch.tensor([width, height])) * 2 - 1
    expected = functional.grid_sample(plane, points[None, None], align_corners=False)[0, :, 0].T  # (T, channels)
    return [(found[0, :, 0], expected)]


def _attention(length: int, random: torch.Generator) -> Pairs:
    query, key, value = (torch.randn(1, count, length, generator=random) for count in (3, 30, 30))
    mask_logits = torch.randn(1, 30, 3, generator=random)
    found = calls.attend(query, key, value, mask_logits, heads=1)
    seen = (mask_logits >= 0).transpose(1, 2)
    return [(found, functional.scaled_dot_product_attention(query, key, value, attn_mask=seen))]


def _norm(length: int, random: torch.Generator) -> Pairs:
    x, added = torch.randn(2, 3, 2 * length, generator=random)
    weight, bias = torch.randn(2, 2 * length, generator=random)
    expected = functional.layer_norm(x + added, weight.shape, weight, bias)
    return [(calls.norm_of_sum(x, added, weight, bias, 1e-5), expected)]


def _masks(length: int, random: torch.Generator) -> Pairs:
    """A mask of one block of columns, mixed, read, added to a class and closed; each row of the photo is one of its own."""
    mask, shares = torch.randn(3, 2, generator=random), torch.rand(1, 2, length, generator=random)
    wide = calls.widen(mask, torch.zeros(1, dtype=torch.int32), shares)
    rows, whole = torch.arange(3)[:, None].repeat(1, 4), torch.tensor([[1.0, 0.0, 0.0, 0.0]]).repeat(3, 1)
    inside = np.empty((3, length), bool)
    total = calls.read_mask(wide, rows, whole, inside)
    certain = wide.sigmoid()
    sums, best = torch.zeros(2, 3, length)
    counts, labels = torch.zeros(2, 3, length, dtype=torch.uint8)
    calls.add_mask(wide, rows, whole, 0.9, 0.5, sums, counts)
    added = certain * 0.9 * (certain * 0.9 > 0.5)
    pairs = [
        (wide, mask @ shares[0]),
        (torch.from_numpy(inside), wide > 0),
        (torch.tensor(total), certain[wide > 0].sum()),
        (sums.clone(), added),
        (counts.float(), (added > 0).float()),
    ]
    calls.close_class(sums, counts, best, labels, 7)
    return [*pairs, (best, added), (labels.float(), 7.0 * (added > 0)), (sums, torch.zeros_like(sums))]


CHECKS: Final = (_convolution, _sampling, _attention, _norm, _masks)
