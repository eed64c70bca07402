"""Writes an M2FP model folder with seeded random weights in ModelScope's format: to test and time everything but the meaning of
a picture without the official file.

    python -m benchmarks.make_model FOLDER [--depth 101] [--seed 0]

Activations stay in a healthy range: convolutions start as He et al. (arXiv 1502.01852) say, BatchNorm takes its statistics from
a picture, and the outputs are centred and scaled so that parts and people come out. Without that they sink into denormal
numbers, and every timing is wrong by up to ten times.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from parsing.labels import PARTS
from parsing.models.m2fp.network.config import NetworkConfig
from parsing.models.m2fp.network.deformable_attention import POINTS, DeformableAttention
from parsing.models.m2fp.network.layers import Attention
from parsing.models.m2fp.network.m2fp import M2FPNetwork
from parsing.models.m2fp.weights import CHECKPOINT, CONFIGURATION

CLASS_DEVIATION = 6.0
"""Of the class logits: most queries are sure of a class."""
MASK_DEVIATION = 4.0
"""Of the mask logits."""
QUERY_STEP = 0.1
"""How much a decoder layer changes a query; with larger random steps all queries end up the same."""


def random_network(config: NetworkConfig, seed: int = 0) -> M2FPNetwork:
    """A network with seeded random weights whose activations are neither tiny nor huge; not folded, not in inference mode."""
    torch.manual_seed(seed)
    network = M2FPNetwork(config)
    for module in network.modules():
        _initialise(module)
    picture = _picture(256, 320)
    with torch.no_grad():
        for name, parameter in network.sem_seg_head.predictor.named_parameters():
            if name.endswith(("out_proj.weight", "linear2.weight")):
                parameter.mul_(QUERY_STEP)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0  # the statistics of this one picture
        network.train()(picture)
        network.eval()
        head = network.sem_seg_head
        pyramid, _ = head.pixel_decoder(*network.backbone(picture))
        mask_features = head.pixel_decoder.mask_features
        mask_features.bias.sub_(mask_features(pyramid).mean(dim=(0, 2, 3)))
        classes, masks = network(picture)
        scale = CLASS_DEVIATION / classes.std(dim=1).mean()
        head.predictor.class_embed.weight.mul_(scale)
        head.predictor.class_embed.bias.copy_(-scale * classes.mean(dim=(0, 1)))  # or all queries would be of one class
        for parameter in head.predictor.mask_embed.layers[-1].parameters():
            parameter.mul_(MASK_DEVIATION / masks.std())
    return network


def configuration(config: NetworkConfig) -> dict[str, Any]:
    """What `configuration.json` says about a multi-person model of these sizes."""
    levels = ["res2", "res3", "res4", "res5"]
    names = [part.name for part in PARTS[: config.num_classes - 1]]
    return {
        "framework": "pytorch",
        "task": "image-segmentation",
        "pipeline": {"type": "m2fp-image-human-parsing"},
        "model": {
            "type": "m2fp",
            "backbone": {
                "out_features": levels,
                "depth": config.depth,
                "num_groups": config.groups,
                "width_per_group": config.width_per_group,
                "norm": "BN",
                "stem_out_channels": config.stem_channels,
                "res2_out_channels": config.res2_channels,
                "stride_in_1x1": False,
                "res4_dilation": 1,
                "res5_dilation": 1,
                "res5_multi_grid": [1, 1, 1],
            },
            "encoder": {
                "in_features": levels,
                "transformer_in_features": levels[1:],
                "transformer_dropout": 0.0,
                "transformer_nheads": config.pixel_heads,
                "transformer_dim_feedforward": config.pixel_feedforward,
                "transformer_enc_layers": config.pixel_layers,
                "conv_dim": config.pixel_channels,
                "mask_dim": config.mask_channels,
                "common_stride": 4,
            },
            "decoder": {
                "num_classes": config.num_classes,
                "hidden_dim": config.query_channels,
                "num_queries": config.num_queries,
                "nheads": config.query_heads,
                "dim_feedforward": config.query_feedforward,
                "dec_layers": config.query_layers,
                "pre_norm": False,
                "mask_dim": config.mask_channels,
                "enforce_input_project": config.project_levels,
            },
            "classes": [*names, "Human"],
            "num_parsing": config.num_classes - 1,
            "single_human": False,
            "parsing_on": True,
            "semantic_on": False,
            "parsing_ins_score_thr": 0.3,
            "pretrained": True,
        },
    }


def write_folder(folder: Path, config: NetworkConfig, seed: int = 0) -> None:
    """Writes `configuration.json` and `pytorch_model.pt` for a random network."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIGURATION).write_text(json.dumps(configuration(config), indent=1), encoding="utf-8")
    torch.save({"model": random_network(config, seed).state_dict(), "iteration": 0}, folder / CHECKPOINT)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
    elif isinstance(module, Attention):
        nn.init.xavier_uniform_(module.in_proj_weight)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight)
    if isinstance(module, DeformableAttention):  # each head looks into its own direction, each point one step farther
        angle = torch.arange(module.heads) * (2 * math.pi / module.heads)
        direction = torch.stack((angle.cos(), angle.sin()), dim=-1)[:, None, None]  # (heads, 1, 1, 2)
        step = torch.arange(1, POINTS + 1).view(1, 1, POINTS, 1)
        with torch.no_grad():
            module.sampling_offsets.bias.copy_((direction * step).expand(-1, module.levels, -1, -1).flatten())


def _picture(height: int, width: int) -> Tensor:
    """(1, 3, height, width) normalised noise, coarse and fine, as a picture's frequencies are."""
    layers = [torch.randn(1, 3, height // size, width // size) for size in (64, 16, 4, 1)]
    return sum(functional.interpolate(layer, size=(height, width), mode="bilinear") for layer in layers) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("folder", type=Path, help="where the model folder goes")
    parser.add_argument("--depth", type=int, default=101, choices=(50, 101, 152), help="of the backbone")
    parser.add_argument("--seed", type=int, default=0, help="of the random weights")
    arguments = parser.parse_args()
    write_folder(arguments.folder, NetworkConfig(depth=arguments.depth), arguments.seed)
    print(f"{arguments.folder}: {CONFIGURATION} and {CHECKPOINT}, random weights, for timing and testing only")


if __name__ == "__main__":
    main()
