"""Multi-scale deformable attention (Deformable DETR, arXiv 2010.04159, section 4.1): a query looks at a few points per level.

Four points on each of three levels, read with bilinear interpolation, make a weighted sum of 4 x 3 x 4 rows for each query and
head. A kernel in C does that in one pass, 0.01 s a layer at 640x640 on 2 cores. Where it cannot be compiled, `embedding_bag`
computes the sum (`grid_sample` and a sum need 0.24 s), and what remains is to say which rows with what weights; three habits
make that cheap, 0.02 s instead of 0.08 s:

- Each level gets a border of zeros. A point outside is clamped onto it, and no corner needs a test of its own.
- Points come first and tokens last in memory, so that arithmetic and softmax run along thousands of neighbours, not four.
- Rows and weights are turned into bags by one transposing copy each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from parsing.models.m2fp import kernels
from parsing.models.m2fp.network.layers import Linear

POINTS = 4
"""Points that a head reads on each level."""

Sizes = tuple[tuple[int, int], ...]
"""Height and width of each level."""


class DeformableAttention(nn.Module):
    """Attention whose keys are a few points, which the query itself chooses."""

    def __init__(self, width: int, levels: int, heads: int) -> None:
        super().__init__()
        self.levels, self.heads = levels, heads
        self.by_kernel = False
        self.sampling_offsets: nn.Linear | None = nn.Linear(width, heads * levels * POINTS * 2)
        self.attention_weights: nn.Linear | None = nn.Linear(width, heads * levels * POINTS)
        self.sampling: Linear | None = None
        self.value_proj = Linear(width, width)
        self.output_proj = Linear(width, width)

    def pack(self) -> None:
        """Joins the layers of sampling offsets and attention weights into one, and chooses who reads."""
        sampling = self.sampling = self._join()
        self.sampling_offsets = self.attention_weights = None
        self.by_kernel = kernels.can_sample(self.value_proj.out_features // self.heads, self.levels * POINTS)
        if self.by_kernel:
            sampling.pack()

    def in_bfloat16(self) -> None:
        """Rounds the layers; that of offsets and attention weights only where the kernel reads what it gives."""
        for layer in (self.value_proj, self.output_proj):
            layer.in_bfloat16()
        if self.by_kernel and self.sampling is not None:
            self.sampling.in_bfloat16()

    def _join(self) -> Linear:
        offsets, attention = self.sampling_offsets, self.attention_weights
        assert offsets is not None, "they are joined once"
        assert attention is not None
        weight = torch.cat((offsets.weight[0::2], offsets.weight[1::2], attention.weight))  # all x, all y, all logits
        return Linear.of(weight, torch.cat((offsets.bias[0::2], offsets.bias[1::2], attention.bias)))

    def forward(self, query: Tensor, value: Tensor, sizes: Sizes) -> Tensor:
        """Lets every token look around itself on all levels.

        Args:
            query: (B, T, C), T tokens, level after level, row by row.
            value: (B, T, C), what is read.
            sizes: height and width of each level; their areas sum to T.

        Returns:
            (B, T, C).
        """
        values = self.value_proj(value)
        read = self._read_by_kernel if self.by_kernel else self._read_by_bags
        return self.output_proj(read(query, self.sampling or self._join(), values, sizes))

    def _read_by_kernel(self, query: Tensor, sampling: Linear, values: Tensor, sizes: Sizes) -> Tensor:
        reference, extents = reference_points(sizes)
        offsets_and_logits = sampling(query)  # (B, T, 3 * heads * levels * points)
        return kernels.sample(values.unflatten(2, (self.heads, -1)), offsets_and_logits, reference, extents).flatten(2)

    def _read_by_bags(self, query: Tensor, sampling: Linear, values: Tensor, sizes: Sizes) -> Tensor:
        batch, tokens, width = query.shape
        flat = query.reshape(-1, width).T  # (C, B * T)
        offsets_and_logits = torch.addmm(sampling.bias[:, None], sampling.weight, flat)  # (3 * heads * ..., B * T)
        x, y, logits = offsets_and_logits.view(3, self.heads, self.levels, POINTS, batch, tokens)
        attention = logits.flatten(1, 2).softmax(1).view_as(logits)
        rows, weights = bilinear_rows(x, y, attention, sizes)
        table = bordered(values, sizes).view(-1, width // self.heads)  # a row per picture, place and head
        mixed = functional.embedding_bag(rows, table, mode="sum", per_sample_weights=weights)  # (B * T * heads, C / heads)
        return mixed.view(batch, tokens, width)


def bilinear_rows(x: Tensor, y: Tensor, attention: Tensor, sizes: Sizes) -> tuple[Tensor, Tensor]:
    """Which rows of the bordered value table each query and head sums, and with what weights.

    Args:
        x: (heads, levels, points, B, T) sampling offsets from the reference point, in pixels of the level that is read.
        y: likewise.
        attention: (heads, levels, points, B, T) attention weights.
        sizes: height and width of each level.

    Returns:
        Row numbers, int32, and weights, float32, both (B * T * heads, 4 * levels * points): the four pixels around each point.
    """
    heads, _, _, batch, _ = x.shape
    grid = sampling_grid(sizes)
    left, right_share = _split(x + grid.reference_x, grid.width)
    top, bottom_share = _split(y + grid.reference_y, grid.height)
    bottom = attention * bottom_share
    top_right, bottom_right = (attention - bottom) * right_share, bottom * right_share
    weights = torch.stack((attention - bottom - top_right, top_right, bottom - bottom_right, bottom_right), dim=1)

    picture = torch.arange(batch, dtype=torch.int32).view(batch, 1) * grid.places
    head = torch.arange(heads, dtype=torch.int32).view(heads, 1, 1, 1, 1)
    place = torch.addcmul(left + grid.start, top, grid.stride)  # whole numbers that float32 holds exactly
    first = (place.to(torch.int32) + picture) * heads + head
    below = grid.stride.to(torch.int32) * heads
    rows = torch.stack((first, first + heads, first + below, first + below + heads), dim=1)
    return _as_bags(rows), _as_bags(weights)


def bordered(values: Tensor, sizes: Sizes) -> Tensor:
    """(B, places, C) float32 from (B, T, C): every level surrounded by zeros, two rows of them below (see `_split`)."""
    grid = sampling_grid(sizes)
    batch, _, channels = values.shape
    table = torch.zeros(batch, grid.places, channels)
    token = place = 0
    for height, width in sizes:
        level = table[:, place : place + (height + 3) * (width + 2)].unflatten(1, (height + 3, width + 2))
        level[:, 1 : height + 1, 1 : width + 1] = values[:, token : token + height * width].unflatten(1, (height, width))
        token += height * width
        place += (height + 3) * (width + 2)
    return table


@dataclass(frozen=True, eq=False)
class SamplingGrid:
    """What depends only on the sizes of the levels, float32, in the shape that broadcasts over (heads, levels, points, B, T).

    Attributes:
        reference_x: (levels, 1, 1, T), each token's reference point in pixels of every level, pixel centres at whole numbers.
        reference_y: likewise.
        width: (levels, 1, 1, 1) of every level.
        height: likewise.
        stride: (levels, 1, 1, 1) places from one row to the next in the bordered table.
        start: (levels, 1, 1, 1) place of every level's first pixel in the bordered table.
        places: in the bordered table, all levels together, and one more that only points outside the last level reach.
    """

    reference_x: Tensor
    reference_y: Tensor
    width: Tensor
    height: Tensor
    stride: Tensor
    start: Tensor
    places: int


@lru_cache(maxsize=8)
def reference_points(sizes: Sizes) -> tuple[Tensor, Tensor]:
    """Each token's reference point, x and y in (0, 1), (T, 2) float32, and the sizes as (levels, 2) int32; cached, as below."""
    x = torch.cat([((torch.arange(width) + 0.5) / width).repeat(height) for height, width in sizes])
    y = torch.cat([((torch.arange(height) + 0.5) / height).repeat_interleave(width) for height, width in sizes])
    return torch.stack((x, y), dim=1), torch.tensor(sizes, dtype=torch.int32)


@lru_cache(maxsize=8)
def sampling_grid(sizes: Sizes) -> SamplingGrid:
    """Cached: photos of one size ask for the same grid six times each."""
    x, y = reference_points(sizes)[0].T  # (T,) in (0, 1)
    height, width = torch.tensor(sizes, dtype=torch.float32).T.reshape(2, -1, 1, 1, 1)  # both (levels, 1, 1, 1)
    stride = width + 2
    areas = (height + 3) * stride
    start = areas.cumsum(0) - areas + stride + 1
    return SamplingGrid(x * width - 0.5, y * height - 0.5, width, height, stride, start, int(areas.sum()) + 1)


def _split(places: Tensor, extent: Tensor) -> tuple[Tensor, Tensor]:
    """The pixel before each place and the share of the one after it, both along one axis.

    A place more than a pixel outside is moved to -1 or to `extent`, onto the border, from where it reads zeros: of the pixels
    there and after it, the second with no weight at all, so that it may lie beyond the border, but not beyond the table.
    """
    inside = torch.minimum(places.clamp_(min=-1), extent)
    before = inside.floor()
    return before, inside.sub_(before)


def _as_bags(x: Tensor) -> Tensor:
    """(heads, corners, levels, points, B, T) to (B * T * heads, corners * levels * points), contiguous."""
    heads, entries = x.shape[0], x[0, ..., 0, 0].numel()
    bags = torch.empty(x.shape[4] * x.shape[5], heads * entries, dtype=x.dtype)
    bags.T.copy_(
        x.view(heads * entries, -1)
    )  # in parallel; `x.T.contiguous()` would do it on one core, in three times the time
    return bags.view(-1, entries)
