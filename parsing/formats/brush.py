"""Masks as Label Studio's brush has them: run lengths of bits, by the scheme of https://github.com/thi-ng/umbrella, package
rle-pack, over the four bytes (R, G, B, A) of each pixel of the photo.

A stream of bits, the highest of each byte first: 32 for the number of values; 5 for the bits of a value, less 1; four times 4
for the bits of each kind of length, less 1. Then, until all values are there: 1 bit, whether a value is repeated; 2 for the
kind of length; the length, less 1; and the value, or as many values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

CHANNELS: Final = 4
VALUE_BITS: Final = 8
LENGTH_BITS: Final = (3, 4, 8, 16)
"""Of the four kinds of length; only the longest is written."""
LONGEST: Final = 1 << LENGTH_BITS[-1]


def encode_brush(mask: NDArray[np.bool_]) -> list[int]:
    """The bytes of a mask, (H, W) bool."""
    values = mask.ravel()
    starts = np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1))
    lengths = np.diff(np.append(starts, values.size)) * CHANNELS
    pieces = -(-lengths // LONGEST)  # a length that is too long is written as several
    painted = np.repeat(values[starts], pieces)
    sizes = np.full(painted.size, LONGEST, np.int64)
    sizes[np.cumsum(pieces) - 1] = lengths - (pieces - 1) * LONGEST
    header = [_bits(values.size * CHANNELS, 32), _bits(VALUE_BITS - 1, 5), *(_bits(bits - 1, 4) for bits in LENGTH_BITS)]
    # Repeated, of the last kind, so long, and white or nothing.
    runs = (np.int64(0b111) << 24) | (sizes - 1) << VALUE_BITS | np.where(painted, 255, 0)
    body = (runs[:, None] >> np.arange(26, -1, -1) & 1).astype(np.uint8)
    return np.packbits(np.concatenate([*header, body.ravel()])).tolist()


def decode_brush(content: Sequence[int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask, (H, W) bool, of bytes that this or any other program wrote.

    Raises:
        ValueError: these are no run lengths, or they are of a photo of another size.
    """
    bits = "".join(f"{byte:08b}" for byte in content)
    position = 0

    def read(count: int) -> int:
        nonlocal position
        position += count
        if position > len(bits):
            raise ValueError("The brush's run lengths are cut off.")
        return int(bits[position - count : position], 2)

    number, value_bits = read(32), read(5) + 1
    length_bits = [read(4) + 1 for _ in range(4)]
    if number != size[0] * size[1] * CHANNELS:
        raise ValueError(f"The brush's run lengths are of {number // CHANNELS} pixels, but the photo has {size[0] * size[1]}.")
    values = np.zeros(number, np.uint8)
    start = 0
    while start < number:
        repeated = read(1)
        end = start + 1 + read(length_bits[read(2)])
        values[start:end] = read(value_bits) if repeated else [read(value_bits) for _ in range(end - start)]
        start = end
    return values[CHANNELS - 1 :: CHANNELS].reshape(size) > 0


def _bits(number: int, count: int) -> NDArray[np.uint8]:
    """The lowest bits of a number, the highest of them first."""
    return (number >> np.arange(count - 1, -1, -1) & 1).astype(np.uint8)
