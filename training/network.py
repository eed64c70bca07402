"""The embedded network, `lite`: a residual encoder with global context, a feature pyramid, a part head and a person head.

Dense 3x3 convolutions, because a CPU multiplies matrices faster than it runs depthwise ones. Self-attention at stride 32
lets a garment be one thing instead of patches (there are few tokens there, so it costs little). The feature pyramid follows
Lin et al., "Feature Pyramid Networks" (CVPR 2017); people are told apart as in Panoptic-DeepLab (arXiv 1911.10194): a
heatmap of person centres and, at every pixel, the offset to the centre of its person. Part logits leave at stride 2 by sub-
pixel convolution (Shi et al., arXiv 1609.05158).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

NUM_PARTS = 20
OFFSET_UNIT = 32.0
"""Offsets leave the network in units of this many input pixels, so that they are of the order of 1."""


class ConvNorm(nn.Sequential):
    """3x3 or 1x1 convolution, batch normalisation and, unless told otherwise, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, activate: bool = True) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if activate else []))


class ResidualBlock(nn.Module):
    """The basic block of ResNet (arXiv 1512.03385), two 3x3 convolutions."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvNorm(inputs, outputs, stride=stride), ConvNorm(outputs, outputs, activate=False))
        nn.init.zeros_(self.body[1][1].weight)  # each block starts as the identity, so that deep stacks train from scratch
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else ConvNorm(inputs, outputs, 1, stride, activate=False)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.body(x) + self.shortcut(x), inplace=True)


class GlobalContextBlock(nn.Module):
    """Pre-norm self-attention and MLP over all positions; a depthwise convolution tells tokens where they are, at any size."""

    def __init__(self, width: int, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.position = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        batch, width, height, columns = x.shape
        x = x + self.position(x)
        tokens = x.flatten(2).transpose(1, 2)  # (B, H*W, C)
        qkv = self.query_key_value(self.norm_attention(tokens))
        qkv = qkv.reshape(batch, -1, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)  # (3, B, heads, H*W, C/heads)
        query, key, value = qkv[0], qkv[1], qkv[2]
        weights = (query @ key.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(-1)  # (B, heads, H*W, H*W)
        attended = (weights @ value).transpose(1, 2).reshape(batch, -1, width)  # (B, H*W, C)
        tokens = tokens + self.project(attended)
        tokens = tokens + self.mlp(self.norm_mlp(tokens))
        return tokens.transpose(1, 2).reshape(batch, width, height, columns)


class LiteNetwork(nn.Module):
    """Person parts, person centres and offsets to them, from a picture whose sides are multiples of 32.

    Args:
        widths: channels at strides 4, 8, 16 and 32.
        depths: residual blocks at the same strides.
        global_blocks: attention blocks at stride 32.
        pyramid: channels of the feature pyramid.
        fine: its channels at stride 4, where a channel costs most.
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (48, 96, 192, 320),
        depths: tuple[int, ...] = (2, 2, 3, 2),
        global_blocks: int = 2,
        pyramid: int = 96,
        fine: int = 64,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvNorm(3, 32, stride=2), ConvNorm(32, widths[0], stride=2))
        stages = []
        inputs = widths[0]
        for level, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            blocks = [ResidualBlock(inputs if i == 0 else width, width, 2 if i == 0 and level else 1) for i in range(depth)]
            stages.append(nn.Sequential(*blocks))
            inputs = width
        self.stages = nn.ModuleList(stages)
        self.context = nn.Sequential(*(GlobalContextBlock(widths[-1]) for _ in range(global_blocks)))
        self.lateral = nn.ModuleList(ConvNorm(width, pyramid, 1, activate=False) for width in widths)
        self.smooth = nn.ModuleList(ConvNorm(pyramid, fine if level == 0 else pyramid) for level in range(len(widths)))
        self.parts_head = nn.Sequential(nn.Conv2d(fine, 4 * NUM_PARTS, 1), nn.PixelShuffle(2))
        self.person_head = nn.Sequential(ConvNorm(pyramid, 64), nn.Conv2d(64, 3, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        Args:
            image: (B, 3, H, W) float RGB in [0, 255], H and W multiples of 32.

        Returns:
            part logits (B, 20, H/2, W/2); centre logits (B, 1, H/8, W/8), a sigmoid makes the heatmap; offsets (B, 2, H/8,
            W/8), x then y, from the pixel to its person's centre, in units of `OFFSET_UNIT` input pixels.
        """
        x = self.stem(image / 127.5 - 1)  # (B, C, H/4, W/4)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        features[-1] = self.context(features[-1])  # (B, C, H/32, W/32)
        coarse = self.smooth[3](self.lateral[3](features[3]))  # (B, P, H/32, W/32)
        middle = self.smooth[2](self._join(coarse, features[2], 2))  # (B, P, H/16, W/16)
        eighth = self.smooth[1](self._join(middle, features[1], 1))  # (B, P, H/8, W/8)
        quarter = self.smooth[0](self._join(eighth, features[0], 0))  # (B, F, H/4, W/4)
        person = self.person_head(eighth)  # (B, 3, H/8, W/8)
        return self.parts_head(quarter), person[:, :1], person[:, 1:]

    def _join(self, coarser: Tensor, feature: Tensor, level: int) -> Tensor:
        """One step down the pyramid: the coarser level, doubled in size, plus this level's features."""
        return functional.relu(functional.interpolate(coarser, scale_factor=2.0, mode="nearest") + self.lateral[level](feature))


def count_parameters(network: nn.Module) -> int:
    """Number of trainable scalars."""
    return sum(parameter.numel() for parameter in network.parameters())


def load_network(path: str) -> LiteNetwork:
    """The network of a checkpoint written by `training.train`, averaged weights, in evaluation mode."""
    network = LiteNetwork()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["average"])
    return network.eval()
