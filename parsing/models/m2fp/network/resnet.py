"""The backbone: ResNet (arXiv 1512.03385) with the stem of DeepLab (three 3x3 convolutions instead of one 7x7).

The stride of a stage sits in the 3x3 convolution of its first block; nothing is dilated, but for
res5 where the configuration asks for it (`res5_multi_grid`).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from parsing.models.m2fp.network.config import BLOCKS, NetworkConfig
from parsing.models.m2fp.network.layers import ConvNorm


class Stem(nn.Module):
    """From pixels to features at stride 4."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = ConvNorm(3, half, 3, nn.BatchNorm2d(half), stride=2)
        self.conv2 = ConvNorm(half, half, 3, nn.BatchNorm2d(half))
        self.conv3 = ConvNorm(half, channels, 3, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3(self.conv2(self.conv1(x)))  # (B, channels, H/2, W/2)
        return functional.max_pool2d(x, kernel_size=3, stride=2, padding=1)  # (B, channels, H/4, W/4)


class Bottleneck(nn.Module):
    """1x1 to narrow, 3x3, 1x1 to widen, added to the input."""

    def __init__(self, inputs: int, width: int, outputs: int, stride: int, groups: int, dilation: int) -> None:
        super().__init__()
        self.shortcut = None
        if inputs != outputs:
            self.shortcut = ConvNorm(inputs, outputs, 1, nn.BatchNorm2d(outputs), stride=stride, activate=False)
        self.conv1 = ConvNorm(inputs, width, 1, nn.BatchNorm2d(width))
        self.conv2 = ConvNorm(width, width, 3, nn.BatchNorm2d(width), stride, groups, dilation=dilation)
        self.conv3 = ConvNorm(width, outputs, 1, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Without a shortcut of its own, the block overwrites x."""
        narrow = self.conv2(self.conv1(x))  # (B, width, H/stride, W/stride)
        return self.conv3(narrow, added=x if self.shortcut is None else self.shortcut(x))


class ResNet(nn.Module):
    """Features at four scales."""

    res2: nn.Sequential
    res3: nn.Sequential
    res4: nn.Sequential
    res5: nn.Sequential

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.stem = Stem(config.stem_channels)
        inputs, width = config.stem_channels, config.groups * config.width_per_group
        for stage, count in enumerate(BLOCKS[config.depth]):
            outputs = config.res2_channels << stage
            blocks = []
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                dilation = config.res5_dilations[block] if stage == 3 else 1
                blocks.append(Bottleneck(inputs, width << stage, outputs, stride, config.groups, dilation))
                inputs = outputs
            self.add_module(f"res{stage + 2}", nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """From (B, 3, H, W) to res2..res5 at strides 4, 8, 16, 32; H and W are multiples of 32."""
        res2 = self.res2(self.stem(x))  # (B, C, H/4, W/4)
        res3 = self.res3(res2)  # (B, 2C, H/8, W/8)
        res4 = self.res4(res3)  # (B, 4C, H/16, W/16)
        res5 = self.res5(res4)  # (B, 8C, H/32, W/32)
        return res2, res3, res4, res5
