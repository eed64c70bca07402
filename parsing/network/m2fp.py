"""M2FP as a whole: backbone, pixel decoder, transformer decoder (arXiv 2301.00394, section 5)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from parsing.network.config import NetworkConfig
from parsing.network.layers import ConvNorm, Linear
from parsing.network.pixel_decoder import PixelDecoder
from parsing.network.resnet import ResNet
from parsing.network.transformer_decoder import TransformerDecoder

STRIDE = 32
"""Height and width of the input are multiples of this."""


class Head(nn.Module):
    """The two decoders under the name that the checkpoint gives them."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.pixel_decoder = PixelDecoder(config)
        self.predictor = TransformerDecoder(config)


class M2FPNetwork(nn.Module):
    """Pictures to queries, each with class logits and mask logits."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.backbone = ResNet(config)
        self.sem_seg_head = Head(config)

    @classmethod
    def from_weights(cls, config: NetworkConfig, weights: Mapping[str, Tensor]) -> M2FPNetwork:
        """The network ready for inference: BatchNorm folded, channels last in memory.

        Args:
            config: the sizes.
            weights: every weight under the checkpoint's name, with or without BatchNorm's counters of training steps. They are
                copied, so that a memory-mapped file can be let go.

        Raises:
            RuntimeError: a weight is missing, unknown or has another shape.
        """
        with torch.device("meta"):  # no memory and no time for values that are replaced at once
            network = cls(config)
        network.load_state_dict(weights, assign=True)
        network.requires_grad_(False).eval()
        for module in network.modules():
            if isinstance(module, ConvNorm):
                module.fold_batch_norm()
        for parameter in network.parameters():  # channels last is what oneDNN's convolutions are fastest on
            layout = torch.channels_last if parameter.dim() == 4 else torch.contiguous_format
            parameter.data = parameter.data.clone(memory_format=layout)
        for module in network.modules():
            if isinstance(module, ConvNorm):
                module.choose_layout()
        return network

    def use_bfloat16(self) -> None:
        """Rounds the weights of convolutions and of the wide linear layers to bfloat16, in which these layers then compute.

        Sampling places, norms and sums of the transformers stay float32, as do convolutions that a C kernel computes: by
        Winograd's method they are as fast as rounded ones. Made for processors that have instructions for it; the README says
        how well the pictures agree.
        """
        pixel_decoder = self.sem_seg_head.pixel_decoder
        rounded = [self.backbone, pixel_decoder.input_proj, pixel_decoder.adapter_1, pixel_decoder.layer_1]
        rounded += [module for module in self.modules() if isinstance(module, Linear)]
        for module in [module for part in rounded for module in part.modules()]:
            if isinstance(module, (nn.Conv2d, nn.GroupNorm, Linear)) and not getattr(module, "by_kernel", False):
                module.to(torch.bfloat16)
            if isinstance(module, ConvNorm):
                module.choose_layout()
        for layer in self.sem_seg_head.predictor.transformer_cross_attention_layers:
            attention = layer.multihead_attn
            attention.in_proj_weight.data = attention.in_proj_weight.data.to(torch.bfloat16)
            attention.in_proj_bias.data = attention.in_proj_bias.data.to(torch.bfloat16)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the network.

        Args:
            x: (B, 3, H, W) float32, RGB less its mean over its deviation; H and W are multiples of 32.

        Returns:
            Class logits (B, Q, classes + 1), "no object" last, and mask logits (B, Q, H/4, W/4).
        """
        x = x.to(self.backbone.stem.conv1.weight.dtype, memory_format=torch.channels_last)
        features = self.backbone(x)
        pixel_decoder, predictor = self.sem_seg_head.pixel_decoder, self.sem_seg_head.predictor
        pyramid, levels = pixel_decoder(*features)
        return predictor(levels, pyramid, pixel_decoder.mask_features)
