"""The networks of the embedded model, `lite`, each an encoder, global context, a feature pyramid and a part head: one has seen
people before and tells them apart, the other knows better what somebody wears.

At stride 32 the picture's cells and one token for each class attend to each other, as in Segmenter (Strudel et al., arXiv
2105.05633): there the network decides once which classes are in the picture, and a class that is not is suppressed at every
pixel, so that one garment is not painted in four colours. The feature pyramid follows Lin et al., "Feature Pyramid Networks"
(CVPR 2017), down to stride 2, for shoes and glasses; people are told apart as in Panoptic-DeepLab (arXiv 1911.10194): a heatmap
of person centres and, at every pixel, the offset to the centre of its person.
"""

from __future__ import annotations

import os
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.encoder import Encoder
from training.rectify import relu

VARIANT, GARMENT_VARIANT = "movenet", "lite2"
"""Of the two networks' encoders, each one of `training.encoder.ARCHITECTURES`: MoveNet has learnt people, ImageNet garments."""
NUM_PARTS = 20
OFFSET_UNIT = 32.0
"""Offsets leave the network in units of this many input pixels, so that they are of the order of 1."""
LIKELY = 2.0
"""Logit of a class's presence before anything is learnt."""


class ReLU(nn.Module):
    """`relu` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return relu(x)


class ConvNorm(nn.Sequential):
    """3x3 or 1x1 convolution, batch normalisation and, unless told otherwise, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, activate: bool = True) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        super().__init__(*layers, *([ReLU()] if activate else []))


class ContextBlock(nn.Module):
    """Pre-norm self-attention and MLP over all cells and classes; a depthwise convolution tells cells where they are, at any
    size.
    """

    def __init__(self, width: int, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.position = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))

    def forward(self, x: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Cells (B, C, H, W) and class tokens (B, 20, C), to the same."""
        batch, width, height, columns = x.shape
        cells = (x + self.position(x)).flatten(2).transpose(1, 2)  # (B, H*W, C)
        tokens = torch.cat((classes.to(cells.dtype), cells), 1)  # (B, 20 + H*W, C)
        qkv = self.query_key_value(self.norm_attention(tokens))
        qkv = qkv.reshape(batch, -1, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)  # (3, B, heads, N, C/heads)
        query, key, value = qkv[0], qkv[1], qkv[2]
        weights = (query @ key.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(-1)  # (B, heads, N, N)
        attended = (weights @ value).transpose(1, 2).reshape(batch, -1, width)  # (B, N, C)
        tokens = tokens + self.project(attended)
        tokens = tokens + self.mlp(self.norm_mlp(tokens))
        cells = tokens[:, NUM_PARTS:].transpose(1, 2).reshape(batch, width, height, columns)
        return cells, tokens[:, :NUM_PARTS]


class ParsingNetwork(nn.Module):
    """What both networks have: an encoder, attention that says which classes are in a picture, and a feature pyramid that says
    where.

    Args:
        variant: of the encoder.
        context: channels of the attention blocks, at stride 32.
        blocks: attention blocks.
        pyramid: channels of the feature pyramid.
        quarter: its channels at stride 4.
        half: its channels at stride 2, where a channel costs most.
    """

    def __init__(self, variant: str, context: int, blocks: int, pyramid: int = 128, quarter: int = 64, half: int = 32) -> None:
        super().__init__()
        self.encoder = Encoder(variant)
        self.reduce = ConvNorm(self.encoder.widths[4], context, 1, activate=False)
        self.classes = nn.Parameter(torch.randn(1, NUM_PARTS, context) * 0.5)
        self.context = nn.ModuleList(ContextBlock(context) for _ in range(blocks))
        self.norm_presence = nn.LayerNorm(context)
        self.presence = nn.Linear(context, 1)
        nn.init.constant_(self.presence.bias, LIKELY)
        channels = (half, quarter, pyramid, pyramid, pyramid)
        inputs = (*self.encoder.widths[:4], context)
        self.lateral = nn.ModuleList(ConvNorm(i, o, 1, activate=False) for i, o in zip(inputs, channels, strict=True))
        self.narrow = nn.ModuleList(ConvNorm(channels[level + 1], channels[level], 1, activate=False) for level in (0, 1))
        self.smooth = nn.ModuleList(ConvNorm(width, width) for width in channels)
        self.parts_head = nn.Conv2d(half, NUM_PARTS, 1)

    def parse(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        Args:
            image: (B, 3, H, W) float RGB in [0, 255], H and W multiples of 32.

        Returns:
            features (B, P, H/8, W/8) of the pyramid; part logits (B, 20, H/2, W/2); presence logits (B, 20), a sigmoid makes
            the probability that a class is in the picture.
        """
        features = self.encoder(image)
        x = self.reduce(features[4])  # (B, C, H/32, W/32)
        classes = self.classes.expand(image.shape[0], -1, -1)  # (B, 20, C)
        for block in self.context:
            x, classes = block(x, classes)
        presence = self.presence(self.norm_presence(classes))[..., 0]  # (B, 20)
        x = self.smooth[4](relu(self.lateral[4](x)))  # (B, P, H/32, W/32)
        x = self.smooth[3](self._join(x, features[3], 3))  # (B, P, H/16, W/16)
        coarse = self.smooth[2](self._join(x, features[2], 2))  # (B, P, H/8, W/8)
        x = self.smooth[1](self._join(self.narrow[1](coarse), features[1], 1))  # (B, Q, H/4, W/4)
        x = self.smooth[0](self._join(self.narrow[0](x), features[0], 0))  # (B, F, H/2, W/2)
        parts = self.parts_head(x) + functional.logsigmoid(presence)[:, :, None, None]  # (B, 20, H/2, W/2)
        return coarse, parts, presence

    def keep_presence(self) -> None:
        """Leaves to training the pyramid and the part head only: what the network says of presence stays as it is."""
        for module in (self.encoder, self.reduce, self.context, self.norm_presence, self.presence):
            module.requires_grad_(False)
        self.classes.requires_grad_(False)
        self.reduce.eval()  # the statistics of its normalisation stay too

    def _join(self, coarser: Tensor, feature: Tensor, level: int) -> Tensor:
        """One step down the pyramid: the coarser level, doubled in size, plus this level's features."""
        return relu(functional.interpolate(coarser, scale_factor=2.0, mode="nearest") + self.lateral[level](feature))


class LiteNetwork(ParsingNetwork):
    """Person parts, person centres and offsets to them; arguments as `ParsingNetwork`."""

    def __init__(
        self,
        variant: str = VARIANT,
        context: int = 256,
        blocks: int = 2,
        pyramid: int = 128,
        quarter: int = 64,
        half: int = 32,
    ) -> None:
        super().__init__(variant, context, blocks, pyramid, quarter, half)
        self.person_head = nn.Sequential(ConvNorm(pyramid, 64), nn.Conv2d(64, 3, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """A picture as `parse` takes it, to part logits; centre logits (B, 1, H/8, W/8), a sigmoid makes the heatmap; offsets
        (B, 2, H/8, W/8), x then y, from the pixel to its person's centre, in units of `OFFSET_UNIT` input pixels; and presence
        logits.
        """
        coarse, parts, presence = self.parse(image)
        person = self.person_head(coarse)  # (B, 3, H/8, W/8)
        return parts, person[:, :1], person[:, 1:], presence


class GarmentNetwork(ParsingNetwork):
    """What the person who fills a picture wears, and where; arguments as `ParsingNetwork`."""

    def __init__(self, variant: str = GARMENT_VARIANT, context: int = 256, blocks: int = 3) -> None:
        super().__init__(variant, context, blocks)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """A picture as `parse` takes it, to part and presence logits."""
        return self.parse(image)[1:]


def count_parameters(network: nn.Module) -> int:
    """Number of scalars, trained or not."""
    return sum(parameter.numel() for parameter in network.parameters())


Network = TypeVar("Network", LiteNetwork, GarmentNetwork)


def load_network(*checkpoints: str | os.PathLike[str], kind: type[Network] = LiteNetwork) -> Network:
    """The network of a checkpoint written by `training.train`, averaged weights, in evaluation mode; of several that grew out
    of each other, the mean of their weights (Wortsman et al., "Model soups", arXiv 2203.05482).
    """
    loaded = [torch.load(checkpoint, map_location="cpu", weights_only=True) for checkpoint in checkpoints]
    network = kind(loaded[0]["variant"])
    states = [checkpoint["average"] for checkpoint in loaded]
    whole = {name: value for name, value in states[0].items() if not value.dtype.is_floating_point}
    means = {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0].keys() - whole.keys()}
    network.load_state_dict(whole | means)
    return network.eval()
