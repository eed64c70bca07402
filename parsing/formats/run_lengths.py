"""Masks as the run lengths of the COCO data set.

Run lengths (Lin et al., "Microsoft COCO", ECCV 2014) are in the compressed form that COCO's own tools read: lengths of
alternating runs of 0 and 1, down the columns, each from the third on as the difference to the one two before, five bits to a
character.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from parsing.result import Segment

_LONGEST_CODE: Final = 7
"""Characters of five bits that hold any run of a photo of 50 megapixels."""


def encode_rle(segment: Segment) -> dict[str, Any]:
    """COCO run lengths of a segment's mask: {"size": [H, W], "counts": text}, ready for JSON and for `pycocotools`."""
    height, width = segment.size
    x0, y0, _, _ = segment.box
    # With a 0 above and below, every run ends inside its column and the changes come in pairs: first pixel, one past the last.
    # Rows of the transposed crop are columns of the photo.
    columns = np.pad(segment.crop.T.view(np.int8), ((0, 0), (1, 1)))
    x, y = np.nonzero(np.diff(columns, axis=1))
    edges = (x + x0) * height + y + y0
    whole = np.flatnonzero(edges[1:-1:2] == edges[2::2])  # a run that goes on at the top of the next column
    edges = np.delete(edges, np.concatenate((2 * whole + 1, 2 * whole + 2)))
    ends = [] if edges.size and edges[-1] == height * width else [height * width]
    counts = np.ediff1d(np.concatenate(([0], edges, ends))).astype(np.int64)
    return {"size": [height, width], "counts": _compress(counts)}


def _compress(counts: NDArray[np.int64]) -> str:
    rest = counts.copy()
    rest[3:] -= counts[1:-2]
    codes = np.zeros((len(rest), _LONGEST_CODE), np.uint8)
    used = np.zeros(codes.shape, bool)
    more = np.ones(len(rest), bool)
    for position in range(_LONGEST_CODE):
        used[:, position] = more
        bits = rest & 31
        rest >>= 5
        more &= np.where(bits & 16, rest != -1, rest != 0)  # the highest of the five bits is the sign's
        codes[:, position] = bits + 48 + 32 * more
    return codes[used].tobytes().decode("ascii")
