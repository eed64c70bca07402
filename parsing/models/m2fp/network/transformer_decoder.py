"""The transformer decoder (Mask2Former, arXiv 2112.01527, section 3.2): queries that each become one class and one mask.

Masked attention: in each layer a query sees only the pixels inside its mask after the layer before. Levels take turns,
coarse to fine, one a layer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from parsing.models.m2fp.network import packed
from parsing.models.m2fp.network.config import NetworkConfig
from parsing.models.m2fp.network.layers import Attention, Linear, Perceptron, SumNorm, sine_positions
from parsing.models.m2fp.network.pixel_decoder import LEVELS


def _table(rows: int, width: int) -> nn.Embedding:
    """An embedding of zeros: torch's own start, random on no device, would import its compiler, a second and 80 MB."""
    table: nn.Embedding = nn.Embedding.from_pretrained(torch.zeros(rows, width))
    return table


class CrossAttentionLayer(nn.Module):
    """Queries (B, Q, C) attend to the places (B, N, C) of one level, where their masks (B, N, Q) are."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.multihead_attn = Attention(width, heads)
        self.norm = SumNorm(width)

    def forward(
        self, queries: Tensor, query_positions: Tensor, memory: Tensor, positions: Tensor, mask_logits: Tensor
    ) -> Tensor:
        return self.norm(queries, self.multihead_attn(queries + query_positions, memory + positions, memory, mask_logits))


class SelfAttentionLayer(nn.Module):
    """Queries (B, Q, C) attend to each other."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.norm = SumNorm(width)

    def forward(self, queries: Tensor, query_positions: Tensor) -> Tensor:
        placed = queries + query_positions
        return self.norm(queries, self.self_attn(placed, placed, queries))


class FeedForwardLayer(nn.Module):
    """Two linear layers with a ReLU between them, for each of the queries (B, Q, C) by itself."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.linear1 = Linear(width, hidden)
        self.linear2 = Linear(hidden, width)
        self.norm = SumNorm(width)

    def forward(self, queries: Tensor) -> Tensor:
        return self.norm(queries, self.linear2(self.linear1(queries, relu=True)))


class TransformerDecoder(nn.Module):
    """From levels and mask features to one class and one mask for each query."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width, heads, layers = config.query_channels, config.query_heads, range(config.query_layers)
        self.transformer_self_attention_layers = nn.ModuleList(SelfAttentionLayer(width, heads) for _ in layers)
        self.transformer_cross_attention_layers = nn.ModuleList(CrossAttentionLayer(width, heads) for _ in layers)
        self.transformer_ffn_layers = nn.ModuleList(FeedForwardLayer(width, config.query_feedforward) for _ in layers)
        self.decoder_norm = nn.LayerNorm(width)
        self.query_feat = _table(config.num_queries, width)
        self.query_embed = _table(config.num_queries, width)
        self.level_embed = _table(LEVELS, width)
        self.input_proj = nn.ModuleList(
            nn.Conv2d(config.pixel_channels, width, 1) if config.project_levels else nn.Identity() for _ in range(LEVELS)
        )
        self.class_embed = Linear(width, config.num_classes + 1)
        self.mask_embed = Perceptron(width, width, config.mask_channels, 3)

    def forward(self, levels: list[Tensor], pyramid: Tensor, mask_features: nn.Conv2d) -> tuple[Tensor, Tensor]:
        """Reads the picture with queries.

        Args:
            levels: (B, C, h, w) at strides 32, 16, 8.
            pyramid: (B, C, H/4, W/4).
            mask_features: the 1x1 convolution that makes of the pyramid the features whose products with queries are the masks.

        Returns:
            Class logits (B, Q, classes + 1), "no object" last, and mask logits (B, Q, H/4, W/4).
        """
        memories, positions, small_pyramids = [], [], []
        for level, project, code in zip(levels, self.input_proj, self.level_embed.weight, strict=True):
            memories.append(project(level).flatten(2).transpose(1, 2) + code)  # (B, h * w, C)
            positions.append(sine_positions(*level.shape[2:], code.shape[0]))  # (h * w, C)
            # Resizing is linear: masks of resized features are the resized masks, at a hundredth of the work.
            small = functional.interpolate(pyramid, size=level.shape[2:], mode="bilinear", align_corners=False)
            small_pyramids.append(small.flatten(2).transpose(1, 2))  # (B, h * w, C)

        query_positions = self.query_embed.weight  # (Q, C)
        queries = self.query_feat.weight.expand(pyramid.shape[0], -1, -1)  # (B, Q, C)
        layers = zip(
            self.transformer_cross_attention_layers,
            self.transformer_self_attention_layers,
            self.transformer_ffn_layers,
            strict=True,
        )
        for index, (read_picture, read_queries, feed_forward) in enumerate(layers):
            turn = index % LEVELS
            mask_logits = self.mask_logits(queries, small_pyramids[turn], mask_features)  # (B, h * w, Q)
            queries = read_picture(queries, query_positions, memories[turn], positions[turn], mask_logits)
            queries = feed_forward(read_queries(queries, query_positions))

        classes = self.class_embed(self.decoder_norm(queries))
        weight, bias = self._mask_layer(queries, mask_features, pyramid.dtype)
        masks = packed.products(weight, pyramid.flatten(2).transpose(1, 2)).float().add_(bias[:, :, None])
        return classes, masks.unflatten(2, pyramid.shape[2:])

    def mask_logits(self, queries: Tensor, pyramid: Tensor, mask_features: nn.Conv2d) -> Tensor:
        """Mask logits (B, N, Q) of queries (B, Q, C) on a pyramid's places (B, N, C)."""
        weight, bias = self._mask_layer(queries, mask_features, pyramid.dtype)
        return packed.products(pyramid, weight).float().add_(bias[:, None])

    def _mask_layer(self, queries: Tensor, mask_features: nn.Conv2d, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Weight (B, Q, C), of the type, and bias (B, Q) of the linear layer from a pyramid's places to each query's mask.

        A mask is the product of a query's embedding and `mask_features(pyramid)`. Multiplied out the other way round, the
        convolution is applied to 100 queries instead of 25,600 pixels.
        """
        embedding = self.mask_embed(self.decoder_norm(queries))  # (B, Q, mask_channels)
        weight, bias = mask_features.weight.flatten(1), mask_features.bias
        return (embedding @ weight).to(dtype), embedding @ bias
