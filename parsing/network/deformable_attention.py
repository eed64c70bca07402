"""Multi-scale deformable attention (Deformable DETR, arXiv 2010.04159, section 4.1): a query looks at a few points per level.

Four points on each of three levels, read with bilinear interpolation, make a weighted sum of 4 x 3 x 4 rows for each query and
head. That is what `embedding_bag` computes: one pass over memory, six times faster on a CPU than `grid_sample` and a sum.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

POINTS = 4
"""Points that a head reads on each level."""


class DeformableAttention(nn.Module):
    """Attention whose keys are the points that the query itself asks for."""

    def __init__(self, width: int, levels: int, heads: int) -> None:
        super().__init__()
        self.levels, self.heads = levels, heads
        self.sampling_offsets = nn.Linear(width, heads * levels * POINTS * 2)
        self.attention_weights = nn.Linear(width, heads * levels * POINTS)
        self.value_proj = nn.Linear(width, width)
        self.output_proj = nn.Linear(width, width)

    def forward(self, query: Tensor, value: Tensor, sizes: tuple[tuple[int, int], ...]) -> Tensor:
        """Lets every token look around itself on all levels.

        Args:
            query: (B, T, C), T tokens, level after level, row by row.
            value: (B, T, C), what is read.
            sizes: height and width of each level; their areas sum to T.

        Returns:
            (B, T, C).
        """
        batch, tokens, _ = query.shape
        points = (self.heads, self.levels, POINTS)
        offsets = self.sampling_offsets(query).view(batch, tokens, *points, 2)  # pixels of the level that is read
        shares = self.attention_weights(query).view(batch, tokens, self.heads, -1).softmax(-1)  # (B, T, heads, levels * points)
        rows, weights = bilinear_rows(offsets, shares.view(batch, tokens, *points), sizes)
        table = self.value_proj(value).view(batch * tokens * self.heads, -1)  # a row per picture, token and head
        mixed = functional.embedding_bag(rows, table, mode="sum", per_sample_weights=weights)  # (B * T * heads, C / heads)
        return self.output_proj(mixed.view(batch, tokens, -1))


def bilinear_rows(offsets: Tensor, shares: Tensor, sizes: tuple[tuple[int, int], ...]) -> tuple[Tensor, Tensor]:
    """Which rows of the value table each query and head sums, and with what weights.

    Args:
        offsets: (B, T, heads, levels, points, 2) from the token's own place, x and y in pixels of the level that is read.
        shares: (B, T, heads, levels, points) attention weights.
        sizes: height and width of each level.

    Returns:
        Row numbers, int32, and weights, float32, both (B * T * heads, levels * points * 4): the four pixels around each point.
        A pixel outside its level has weight 0.
    """
    batch, tokens, heads = offsets.shape[:3]
    home, limit, stride, start = sampling_grid(sizes)
    point = home + offsets  # (B, T, heads, levels, points, 2), in pixels, pixel centres at whole numbers
    corner = torch.stack((point.floor(), point.floor() + 1), dim=-1)  # (..., 2 of x and y, 2 of low and high)
    inside = corner.clamp(torch.zeros_like(limit), limit)
    near = (1 - (point[..., None] - corner).abs()) * (corner == inside)  # bilinear weight along each axis, 0 outside
    weights = shares[..., None, None] * near[..., 1, :, None] * near[..., 0, None, :]  # (B, T, heads, levels, points, 2, 2)

    inside = inside.to(torch.int32)
    token = inside[..., 1, :, None] * stride + inside[..., 0, None, :] + start  # (B, T, heads, levels, points, 2, 2)
    picture = torch.arange(batch, dtype=torch.int32).view(batch, 1, 1, 1, 1, 1, 1) * tokens
    head = torch.arange(heads, dtype=torch.int32).view(heads, 1, 1, 1, 1)
    rows = (token + picture) * heads + head
    return rows.view(batch * tokens * heads, -1), weights.view(batch * tokens * heads, -1)


@lru_cache(maxsize=8)
def sampling_grid(sizes: tuple[tuple[int, int], ...]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What depends only on the sizes of the levels; cached for photos of one size.

    Returns:
        Each token's own place on every level, (T, 1, levels, 1, 2) x and y in pixels; the last pixel of every level,
        (levels, 1, 2, 1); the width of every level and its first token, both (levels, 1, 1, 1) int32.
    """
    extent = torch.tensor([(width, height) for height, width in sizes], dtype=torch.float32)  # (levels, 2)
    places = []
    for height, width in sizes:
        y = (torch.arange(height) + 0.5) / height
        x = (torch.arange(width) + 0.5) / width
        places.append(torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).flatten(0, 1))  # (height * width, 2) in (0, 1)
    home = torch.cat(places)[:, None, :] * extent - 0.5  # (T, levels, 2)
    stride = torch.tensor([width for _, width in sizes], dtype=torch.int32)
    areas = [height * width for height, width in sizes]
    start = torch.tensor([sum(areas[:level]) for level in range(len(areas))], dtype=torch.int32)
    return home[:, None, :, None], extent[:, None, :, None] - 1, stride.view(-1, 1, 1, 1), start.view(-1, 1, 1, 1)
