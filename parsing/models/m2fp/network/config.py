"""Sizes and rules of an M2FP model, read from the `model` section of ModelScope's `configuration.json`.

What the section leaves out takes the value of the authors' CIHP configuration (arXiv 2301.00394, section 5); what it adds and
this project does not need is ignored; what would need another network is refused. Where weights are at hand, their shapes have
the last word on sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parsing.labels import LIP_PARTS, PARTS, Part, read_classes
from parsing.models.m2fp.network.fields import Fields
from parsing.models.m2fp.network.sizes import Shapes, find_sizes

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Residual blocks in res2..res5 by depth (ResNet, arXiv 1512.03385, table 1)."""

PRECISIONS = ("auto", "fp32", "bf16")
"""Of the arithmetic; "auto" is "fp32"."""

SHORT_SIDES = {"official": 640, "balanced": 512, "fast": 384}
"""Pixels of the shorter side of the multi-person network's input, by the name of the size."""

_LEVELS = ["res2", "res3", "res4", "res5"]
_NORMS = ("BN", "nnSyncBN", "SyncBN", "FrozenBN")
"""Which are all the same once a network no longer learns."""

SIZES = (
    ("depth", "backbone", "depth", 1000),
    ("stem_channels", "backbone", "stem_out_channels", 4096),
    ("res2_channels", "backbone", "res2_out_channels", 4096),
    ("groups", "backbone", "num_groups", 512),
    ("width_per_group", "backbone", "width_per_group", 4096),
    ("pixel_channels", "encoder", "conv_dim", 4096),
    ("pixel_heads", "encoder", "transformer_nheads", 256),
    ("pixel_feedforward", "encoder", "transformer_dim_feedforward", 65536),
    ("pixel_layers", "encoder", "transformer_enc_layers", 100),
    ("mask_channels", "encoder", "mask_dim", 4096),
    ("num_classes", "decoder", "num_classes", 1000),
    ("query_channels", "decoder", "hidden_dim", 4096),
    ("num_queries", "decoder", "num_queries", 10000),
    ("query_heads", "decoder", "nheads", 256),
    ("query_feedforward", "decoder", "dim_feedforward", 65536),
    ("query_layers", "decoder", "dec_layers", 100),
)
"""Attributes of `NetworkConfig` that are a whole number, each with the section and the field that has it, and its upper limit:
what is larger is a slip, and would take all memory.
"""


def _check_depth(depth: int) -> None:
    if depth not in BLOCKS:
        raise ValueError(f"depth {depth} is not one of {', '.join(map(str, BLOCKS))}")


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network; the defaults are those of the official multi-person model.

    Attributes:
        depth: 50, 101 or 152.
        stem_channels: channels after the stem.
        res2_channels: channels of res2; each later stage doubles them.
        groups: groups of the 3x3 convolutions.
        width_per_group: channels per group inside a res2 block; each later stage doubles them.
        pixel_channels: width of the pixel decoder.
        pixel_heads: heads of its deformable attention.
        pixel_feedforward: hidden width of its feed-forward layers.
        pixel_layers: its deformable layers.
        mask_channels: channels of the mask features.
        num_classes: classes without "no object".
        query_channels: width of the transformer decoder.
        num_queries: how many masks it proposes.
        query_heads: heads of its attention.
        query_feedforward: hidden width of its feed-forward layers.
        query_layers: its layers.
        res5_dilations: of the 3x3 convolution in each block of res5.
        project_levels: whether it projects the pixel decoder's levels, also where the widths agree.
    """

    depth: int = 101
    stem_channels: int = 128
    res2_channels: int = 256
    groups: int = 1
    width_per_group: int = 64
    pixel_channels: int = 256
    pixel_heads: int = 8
    pixel_feedforward: int = 1024
    pixel_layers: int = 6
    mask_channels: int = 256
    num_classes: int = 21
    query_channels: int = 256
    num_queries: int = 100
    query_heads: int = 8
    query_feedforward: int = 2048
    query_layers: int = 9
    project_levels: bool = False
    res5_dilations: tuple[int, ...] = (1, 1, 1)

    def __post_init__(self) -> None:
        _check_depth(self.depth)
        for name, value, divisor in (
            ("backbone.stem_out_channels", self.stem_channels, 2),
            ("encoder.conv_dim", self.pixel_channels, 32),
            ("encoder.conv_dim", self.pixel_channels, self.pixel_heads),
            ("decoder.hidden_dim", self.query_channels, 2 * self.query_heads),
        ):
            if value % divisor:
                raise ValueError(f"{name} is {value}, which is not a multiple of {divisor}")


@dataclass(frozen=True)
class ModelConfig:
    """Everything that `configuration.json` says about one model.

    Attributes:
        network: the sizes.
        single_person: the picture is centred in `canvas`, not scaled to a short side (the LIP sibling).
        instances: masks are read as parts and people; otherwise all queries vote for each pixel (the LIP sibling).
        num_parts: classes of the label map, background included; in the multi-person models the class of this index is Human.
        part_threshold: score from which a part counts in the label map.
        canvas: width and height in which a single person is centred.
        classes: the table of the label map's classes.
    """

    network: NetworkConfig = NetworkConfig()
    single_person: bool = False
    instances: bool = True
    num_parts: int = 20
    part_threshold: float = 0.3
    canvas: tuple[int, int] = (384, 512)
    classes: tuple[Part, ...] = PARTS

    @classmethod
    def from_dict(cls, model: Mapping[str, Any], single_person: bool = False, weights: Shapes | None = None) -> ModelConfig:
        """Reads the `model` section.

        Args:
            model: the section, as parsed from JSON.
            single_person: what holds where the section does not say.
            weights: shapes of the weights that the section came with; None where only the section counts.

        Raises:
            ValueError: a value has the wrong type, or describes a network that this one is not; the message names it.
        """
        fields = Fields(model)
        single_person = fields.flag("single_human", single_person)
        network = _read_network(fields, NetworkConfig(num_classes=20 if single_person else 21), weights or {})
        instances = fields.flag("parsing_on", not single_person)
        usual = network.num_classes - 1 if instances else network.num_classes
        num_parts = fields.whole("num_parsing", usual, 1, 1000)
        canvas = cls.canvas
        if single_person:  # in the multi-person file, it is another model's
            height, width = fields.section("input_single_human").sizes("sizes", canvas, 1, 4096)
            canvas = height, width
        classes = LIP_PARTS if single_person else PARTS
        classes = _read_classes(fields.value("classes"), num_parts if instances else usual, classes)
        return cls(
            network=network,
            single_person=single_person,
            instances=instances,
            num_parts=num_parts,
            part_threshold=fields.share("parsing_ins_score_thr", cls.part_threshold),
            canvas=(canvas[0], canvas[1]),
            classes=classes,
        )


def with_sizes(model: Mapping[str, Any], network: NetworkConfig) -> dict[str, Any]:
    """The `model` section with the sizes of this network, for programs that believe the file rather than the weights."""
    written = dict(model)
    for attribute, section, field, _ in SIZES:
        written[section] = {**(written.get(section) or {}), field: getattr(network, attribute)}
    written["decoder"] |= {"mask_dim": network.mask_channels, "enforce_input_project": network.project_levels}
    return written


def _read_network(fields: Fields, official: NetworkConfig, weights: Shapes) -> NetworkConfig:
    sections = {name: fields.section(name) for name in ("backbone", "encoder", "decoder")}
    backbone, encoder, decoder = sections.values()
    backbone.only("norm", _NORMS)
    backbone.only("stride_in_1x1", (False,))
    backbone.only("res4_dilation", (1,))
    backbone.only("res5_dilation", (1,))
    encoder.only("in_features", (_LEVELS,))
    encoder.only("transformer_in_features", (_LEVELS[1:],))
    encoder.only("common_stride", (4,))
    decoder.only("pre_norm", (False,))
    sizes = {
        attribute: sections[section].whole(field, getattr(official, attribute), 1, most)
        for attribute, section, field, most in SIZES
    }
    _check_depth(sizes["depth"])
    projects = decoder.flag("enforce_input_project", False)
    dilations = backbone.sizes("res5_multi_grid", official.res5_dilations, 1, 16)
    found = find_sizes(weights, {**sizes, "project_levels": projects}, BLOCKS)
    found["project_levels"] |= found["pixel_channels"] != found["query_channels"]
    return NetworkConfig(**found, res5_dilations=dilations)


def _read_classes(names: Any, count: int, usual: tuple[Part, ...]) -> tuple[Part, ...]:
    """The table of a model with so many classes of parts: as its names say, where it names them all, else the usual one."""
    if not isinstance(names, list) or len(names) < count or not all(isinstance(name, str) for name in names):
        return usual[:count]
    return read_classes(names[:count])
