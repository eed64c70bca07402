"""The pixel decoder (Mask2Former, arXiv 2112.01527, section 3.2.1): deformable attention over res3..res5, one step up to res2.

Levels come in the order of the checkpoint, coarse to fine: strides 32, 16, 8.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from parsing.models.m2fp.network.config import NetworkConfig
from parsing.models.m2fp.network.deformable_attention import DeformableAttention, Sizes
from parsing.models.m2fp.network.layers import ConvNorm, Linear, SumNorm, sine_positions

LEVELS = 3


class EncoderLayer(nn.Module):
    """Deformable self-attention and a feed-forward layer, each followed by its norm."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.self_attn = DeformableAttention(width, LEVELS, heads)
        self.norm1 = SumNorm(width)
        self.linear1 = Linear(width, hidden)
        self.linear2 = Linear(hidden, width)
        self.norm2 = SumNorm(width)

    def forward(self, tokens: Tensor, positions: Tensor, sizes: Sizes) -> Tensor:
        tokens = self.norm1(tokens, self.self_attn(tokens + positions, tokens, sizes))
        return self.norm2(tokens, self.linear2(self.linear1(tokens, relu=True)))


class Encoder(nn.Module):
    """A stack of layers."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        sizes = config.pixel_channels, config.pixel_heads, config.pixel_feedforward
        self.layers = nn.ModuleList(EncoderLayer(*sizes) for _ in range(config.pixel_layers))


class DeformableTransformer(nn.Module):
    """Mixes the levels with each other; each keeps its size."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.level_embed = nn.Parameter(torch.zeros(LEVELS, config.pixel_channels))
        self.encoder = Encoder(config)

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """From three (B, C, h, w) to three of the same shapes."""
        sizes = tuple((level.shape[2], level.shape[3]) for level in levels)
        tokens = torch.cat([level.flatten(2).transpose(1, 2) for level in levels], dim=1)  # (B, T, C)
        positions = torch.cat(
            [sine_positions(*size, tokens.shape[2]) + code for size, code in zip(sizes, self.level_embed, strict=True)]
        )  # (T, C)
        for layer in self.encoder.layers:
            tokens = layer(tokens, positions, sizes)
        parts = tokens.split([height * width for height, width in sizes], dim=1)  # three (B, h * w, C)
        # First (B, h, w, C), so that what comes next sees that channels are last in memory.
        return [part.reshape(len(part), *size, -1).permute(0, 3, 1, 2) for part, size in zip(parts, sizes, strict=True)]


class PixelDecoder(nn.Module):
    """From the backbone's features to three mixed levels and the features that masks are made of."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.pixel_channels
        self.input_proj = nn.ModuleList(
            nn.Sequential(nn.Conv2d(config.res2_channels << stage, width, 1), nn.GroupNorm(32, width)) for stage in (3, 2, 1)
        )
        self.transformer = DeformableTransformer(config)
        self.adapter_1 = ConvNorm(config.res2_channels, width, 1, nn.GroupNorm(32, width), activate=False)
        self.layer_1 = ConvNorm(width, width, 3, nn.GroupNorm(32, width))
        self.mask_features = nn.Conv2d(width, config.mask_channels, 1)

    def forward(self, res2: Tensor, res3: Tensor, res4: Tensor, res5: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Returns what `mask_features` takes, (B, C, H/4, W/4), and levels (B, C, h, w) at strides 32, 16, 8."""
        levels = [project(x).float() for project, x in zip(self.input_proj, (res5, res4, res3), strict=True)]
        levels = self.transformer(levels)
        finest = functional.interpolate(levels[-1], size=res2.shape[2:], mode="bilinear", align_corners=False)
        merged = self.adapter_1(res2, added=finest.to(res2.dtype))  # (B, C, H/4, W/4), in the memory of `finest`
        return self.layer_1(merged), levels  # (B, C, H/4, W/4), three (B, C, h, w)
