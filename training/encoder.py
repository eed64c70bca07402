"""The encoder of the embedded network: MobileNetV2 of MoveNet, or EfficientNet-Lite, with weights that have learnt to see.

Both are stacks of inverted residual blocks (Sandler et al., "MobileNetV2", CVPR 2018, section 3.3). MoveNet's is MobileNetV2,
one and a half times as wide; EfficientNet-Lite has the widths and depths of EfficientNet (Tan and Le, arXiv 1905.11946, table
1), without squeeze-and-excitation and with ReLU6, as Google's Lite variants have them. Batch normalisation is folded into the
convolutions: its statistics stay those of the weights that are read, and a step of training costs half as much memory traffic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.rectify import relu6


@dataclass(frozen=True)
class Stage:
    """Blocks of one width; the first of them may halve the sides.

    Attributes:
        blocks: how many.
        side: of the depthwise filters.
        stride: of the first block.
        expansion: channels within a block, in channels that it is given.
        channels: that leave each block.
    """

    blocks: int
    side: int
    stride: int
    expansion: int
    channels: int


@dataclass(frozen=True)
class Architecture:
    """An encoder's shape.

    Attributes:
        stem: channels of the first convolution.
        stages: the others, in order.
        scale, shift: a pixel value v in [0, 255] enters the network as v * scale + shift.
    """

    stem: int
    stages: tuple[Stage, ...]
    scale: float
    shift: float


def _efficientnet(width: float, depth: float) -> Architecture:
    """EfficientNet-Lite, its width and depth given as multiples of the smallest's."""
    smallest = (
        Stage(1, 3, 1, 1, 16),
        Stage(2, 3, 2, 6, 24),
        Stage(2, 5, 2, 6, 40),
        Stage(3, 3, 2, 6, 80),
        Stage(3, 5, 1, 6, 112),
        Stage(4, 5, 2, 6, 192),
        Stage(1, 3, 1, 6, 320),
    )
    inner = range(1, len(smallest) - 1)
    stages = tuple(
        replace(
            stage,
            blocks=math.ceil(stage.blocks * depth) if index in inner else stage.blocks,
            channels=_round_channels(stage.channels * width),
        )
        for index, stage in enumerate(smallest)
    )
    return Architecture(32, stages, 1 / 128, -127 / 128)


def _round_channels(channels: float) -> int:
    """To a multiple of 8, at most a tenth below."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


_MOVENET = Architecture(
    48,
    (
        Stage(1, 3, 1, 1, 24),
        Stage(2, 3, 2, 6, 40),
        Stage(3, 3, 2, 6, 48),
        Stage(4, 3, 2, 6, 96),
        Stage(3, 3, 1, 6, 144),
        Stage(3, 3, 2, 6, 240),
        Stage(1, 3, 1, 6, 480),
    ),
    2 / 255,
    -1.0,
)

ARCHITECTURES: Final = {
    "movenet": _MOVENET,
    "lite0": _efficientnet(1.0, 1.0),
    "lite1": _efficientnet(1.0, 1.1),
    "lite2": _efficientnet(1.1, 1.2),
}
"""By the name of the variant."""
OUTPUTS = (0, 1, 2, 4, 6)
"""Stages whose answers leave the encoder, at strides 2, 4, 8, 16 and 32."""
FROZEN = 3
"""Stages, from the first, that training leaves as they are."""


class InvertedResidual(nn.Module):
    """1x1 convolution to many channels, depthwise convolution, 1x1 convolution back to few."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.expand = nn.Conv2d(inputs, width, 1) if expansion > 1 else None
        self.depthwise = nn.Conv2d(width, width, side, stride, 0 if stride == 2 else side // 2, groups=width)
        self.project = nn.Conv2d(width, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else relu6(self.expand(x))
        y = self.project(relu6(self._filter(y)))
        return x + y if self.residual else y

    def _filter(self, x: Tensor) -> Tensor:
        """The depthwise convolution; at stride 2, of even sides, the rows and columns in the middle of each filter are the odd
        ones.
        """
        depthwise = self.depthwise
        if depthwise.stride[0] == 1:
            return depthwise(x)
        side = depthwise.kernel_size[0]
        if self.training:  # padding and going back through a stride take longer than what is thrown away here
            full = functional.conv2d(x, depthwise.weight, depthwise.bias, 1, side // 2, groups=depthwise.groups)
            return full[..., 1::2, 1::2].contiguous(memory_format=torch.channels_last)
        return depthwise(pad_same(x, side))


class Encoder(nn.Module):
    """The convolutions of one of `ARCHITECTURES`, without what follows them there.

    Attributes:
        widths: channels at strides 2, 4, 8, 16 and 32.
    """

    def __init__(self, variant: str) -> None:
        super().__init__()
        self.architecture = architecture = ARCHITECTURES[variant]
        self.stem = nn.Conv2d(3, architecture.stem, 3, 2)
        self.stages = nn.ModuleList()
        inputs = architecture.stem
        for stage in architecture.stages:
            blocks = []
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                blocks.append(InvertedResidual(inputs, stage.channels, stage.side, stride, stage.expansion))
                inputs = stage.channels
            self.stages.append(nn.Sequential(*blocks))
        self.widths = tuple(architecture.stages[index].channels for index in OUTPUTS)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) RGB in [0, 255], sides multiples of 32, to features at strides 2, 4, 8, 16 and 32."""
        architecture = self.architecture
        x = image.float() * architecture.scale + architecture.shift
        x = relu6(self.stem(pad_same(x, 3)))  # (B, C, H/2, W/2)
        features = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in OUTPUTS:
                features.append(x)
        return features

    def freeze(self) -> None:
        """Leaves to training the 1x1 convolutions of the later stages: the others see edges and textures, the same for every
        task, and cost most of the time (a depthwise filter's gradient alone half of it).
        """
        frozen = [self.stem, *self.stages[:FROZEN]]
        frozen += [module for module in self.modules() if isinstance(module, nn.Conv2d) and module.groups > 1]
        for module in frozen:
            module.requires_grad_(False)


def pad_same(x: Tensor, side: int) -> Tensor:
    """TensorFlow's "same" padding for stride 2 and even sides: nothing or less before, the rest after."""
    before, after = (side - 2) // 2, side - 2 - (side - 2) // 2
    return functional.pad(x, (before, after, before, after))


def fill(convolution: nn.Conv2d, name: str, weight: Tensor, bias: Tensor) -> None:
    """Copies weights that were read into a convolution.

    Raises:
        ValueError: they are of another shape; the sentence has their `name`.
    """
    if weight.shape != convolution.weight.shape:
        raise ValueError(f"{name} has shape {tuple(weight.shape)} instead of {tuple(convolution.weight.shape)}")
    assert convolution.bias is not None
    with torch.no_grad():
        convolution.weight.copy_(weight)
        convolution.bias.copy_(bias)
