"""Sizes of an M2FP network, read off the shapes of its weights: they know better than the configuration beside them.

Most sizes show in several weights. The configuration's number holds where one of them agrees; otherwise what most of them say.
So a single weight of a wrong shape changes nothing, and is reported as what it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]
"""Name and shape of every weight that a network, or a file, has."""

_PIXEL = "sem_seg_head.pixel_decoder."
_LAYER = _PIXEL + "transformer.encoder.layers.0."
_ATTENTION = _LAYER + "self_attn."
_QUERY = "sem_seg_head.predictor."
_FEEDFORWARD = _QUERY + "transformer_ffn_layers.0."

WITNESSES: Mapping[str, tuple[tuple[str, int, int], ...]] = {
    "stem_channels": (("backbone.stem.conv3.weight", 0, 1), ("backbone.stem.conv3.norm.weight", 0, 1)),
    "res2_channels": (("backbone.res2.0.conv3.weight", 0, 1), ("backbone.res2.1.conv1.weight", 1, 1)),
    "pixel_channels": ((_PIXEL + "layer_1.weight", 0, 1), (_PIXEL + "transformer.level_embed", 1, 1)),
    "pixel_heads": ((_ATTENTION + "sampling_offsets.weight", 0, 24), (_ATTENTION + "attention_weights.weight", 0, 12)),
    "pixel_feedforward": ((_LAYER + "linear1.weight", 0, 1), (_LAYER + "linear2.weight", 1, 1)),
    "mask_channels": ((_PIXEL + "mask_features.weight", 0, 1), (_PIXEL + "mask_features.bias", 0, 1)),
    "query_channels": ((_QUERY + "query_feat.weight", 1, 1), (_QUERY + "decoder_norm.weight", 0, 1)),
    "num_queries": ((_QUERY + "query_feat.weight", 0, 1), (_QUERY + "query_embed.weight", 0, 1)),
    "query_feedforward": ((_FEEDFORWARD + "linear1.weight", 0, 1), (_FEEDFORWARD + "linear2.weight", 1, 1)),
}
"""Weights that show a size: name, axis, and how many times the size it is there. A head of deformable attention has an offset
of two numbers, and one weight, for each of 4 points on each of 3 levels.
"""

LAYERS: Mapping[str, tuple[str, ...]] = {
    "pixel_layers": (_PIXEL + "transformer.encoder.layers.",),
    "query_layers": tuple(f"{_QUERY}transformer_{kind}_layers." for kind in ("self_attention", "cross_attention", "ffn")),
}
"""What the names of a stack of layers begin with."""


def find_sizes(shapes: Shapes, said: Mapping[str, Any], blocks: Mapping[int, tuple[int, ...]]) -> dict[str, Any]:
    """The sizes of a network, as `NetworkConfig` calls them.

    Args:
        shapes: of the weights, under the network's own names; none where there are no weights to ask.
        said: the sizes that the configuration says, all of them.
        blocks: residual blocks in res2..res5 by depth.
    """

    def seen(name: str, axis: int, times: int = 1) -> int | None:
        shape = shapes.get(name, ())
        return shape[axis] // times if len(shape) > axis and shape[axis] and shape[axis] % times == 0 else None

    found: dict[str, list[int | None]] = {size: [seen(*one) for one in witnesses] for size, witnesses in WITNESSES.items()}
    for size, stacks in LAYERS.items():
        found[size] = [_count(shapes, stack) or None for stack in stacks]
    classes = [seen(_QUERY + f"class_embed.{kind}", 0) for kind in ("weight", "bias")]  # "no object" among them
    found["num_classes"] = [count - 1 if count and count > 1 else None for count in classes]
    depths = {counts[2]: depth for depth, counts in blocks.items()}  # res4 tells them apart
    found["depth"] = [depths.get(_count(shapes, "backbone.res4."))]
    narrow = [seen("backbone.res2.0.conv1.weight", 0), seen("backbone.res2.0.conv3.weight", 1)]  # groups x width
    width = _settle(narrow, said["groups"] * said["width_per_group"])
    inside = [seen(f"backbone.res2.{block}.conv2.weight", 1) for block in (0, 1)]  # width of one group
    found["width_per_group"] = inside
    found["groups"] = [width // one if one and width % one == 0 else None for one in inside]
    sizes = {**said, **{size: _settle(values, said[size]) for size, values in found.items()}}
    if any(name.startswith(_QUERY) for name in shapes):
        sizes["project_levels"] = any(name.startswith(_QUERY + "input_proj.") for name in shapes)
    return sizes


def _count(shapes: Shapes, beginning: str) -> int:
    """How many different numbers follow this beginning of a name."""
    numbered = re.compile(re.escape(beginning) + r"(\d+)\.")
    return len({match[1] for match in map(numbered.match, shapes) if match})


def _settle(values: list[int | None], said: int) -> int:
    known = [value for value in values if value is not None]
    return said if said in known or not known else Counter(known).most_common(1)[0][0]
