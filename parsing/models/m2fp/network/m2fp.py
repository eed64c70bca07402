"""M2FP as a whole: backbone, pixel decoder, transformer decoder (arXiv 2301.00394, section 5)."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from parsing.models.m2fp.network.config import NetworkConfig
from parsing.models.m2fp.network.deformable_attention import DeformableAttention
from parsing.models.m2fp.network.layers import Attention, ConvNorm, Linear
from parsing.models.m2fp.network.pixel_decoder import EncoderLayer, PixelDecoder
from parsing.models.m2fp.network.resnet import ResNet
from parsing.models.m2fp.network.transformer_decoder import CrossAttentionLayer, TransformerDecoder

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
    def from_weights(cls, config: NetworkConfig, weights: Mapping[str, Tensor], packed: bool = False) -> M2FPNetwork:
        """The network for inference: BatchNorm folded, channels last in memory.

        Args:
            config: the sizes.
            weights: every weight under the checkpoint's name, with or without BatchNorm's counters of training steps. They are
                copied, so that a memory-mapped file can be let go.
            packed: whether to lay the weights out for what computes fastest here; such a network cannot be traced.

        Raises:
            RuntimeError: a weight is missing, unknown or has another shape.
        """
        with torch.device("meta"):  # no memory and no time for values that are replaced at once
            network = cls(config)
        network.load_state_dict(weights, assign=True)
        network.requires_grad_(False).eval()
        for module in [*network.modules()]:  # one after the other: what is no longer needed makes room for the next
            if isinstance(module, ConvNorm):
                module.fold_batch_norm()
            if packed and isinstance(module, (ConvNorm, Linear, Attention, DeformableAttention)):
                module.pack()
        given = {weight.untyped_storage().data_ptr() for weight in weights.values()}
        for parameter in network.parameters():
            if not parameter.is_mkldnn and parameter.untyped_storage().data_ptr() in given:
                layout = torch.channels_last if parameter.dim() == 4 else torch.contiguous_format
                parameter.data = parameter.data.clone(memory_format=layout)
        return network

    def in_bfloat16(self) -> M2FPNetwork:
        """A copy, once packed, that computes convolutions and the linear layers of many tokens in bfloat16; the rest is shared.

        Norms and sums of the transformers stay float32, as do most convolutions that a C kernel computes: by Winograd's method
        they are as fast as rounded ones. Made for processors that have instructions for it; docs/measured.md says
        how well the pictures agree.
        """
        network = copy.deepcopy(self, {id(parameter): parameter for parameter in self.parameters()})
        pixel_decoder = network.sem_seg_head.pixel_decoder
        pixel_decoder.input_proj = copy.deepcopy(pixel_decoder.input_proj).bfloat16()
        for module in network.modules():
            if isinstance(module, (ConvNorm, DeformableAttention)):
                module.in_bfloat16()
            elif isinstance(module, EncoderLayer):
                module.linear1.in_bfloat16()
                module.linear2.in_bfloat16()
            elif isinstance(module, CrossAttentionLayer):
                module.multihead_attn.inputs_in_bfloat16()
        return network

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
