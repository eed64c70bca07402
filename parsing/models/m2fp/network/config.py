"""Sizes and rules of an M2FP model, read from the `model` section of ModelScope's `configuration.json`.

What the section leaves out takes the value of the authors' CIHP configuration (arXiv 2301.00394, section 5); what it adds and
this project does not need is ignored; what would need another network is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parsing.labels import LIP_PARTS, PARTS, Part, read_classes

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Residual blocks in res2..res5 by depth (ResNet, arXiv 1512.03385, table 1)."""

PRECISIONS = ("auto", "fp32", "bf16")
"""Of the arithmetic; "auto" is "fp32"."""

SHORT_SIDES = {"official": 640, "balanced": 512, "fast": 384}
"""Pixels of the shorter side of the multi-person network's input, by the name of the size."""

_LEVELS = ["res2", "res3", "res4", "res5"]


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

    def __post_init__(self) -> None:
        if self.depth not in BLOCKS:
            raise ValueError(f"depth {self.depth} is not one of {', '.join(map(str, BLOCKS))}")


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
    def from_dict(cls, model: Mapping[str, Any], single_person: bool = False) -> ModelConfig:
        """Reads the `model` section.

        Args:
            model: the section, as parsed from JSON.
            single_person: what holds where the section does not say.

        Raises:
            ValueError: a value has the wrong type, or describes a network that this one is not; the message names it.
        """
        try:
            return cls._read(model, single_person)
        except (TypeError, AttributeError, IndexError, KeyError) as error:
            raise ValueError("a section or value is not of the expected type") from error

    @classmethod
    def _read(cls, model: Mapping[str, Any], single_person: bool) -> ModelConfig:
        backbone, encoder, decoder = (model.get(section) or {} for section in ("backbone", "encoder", "decoder"))
        single_person = bool(model.get("single_human", single_person))
        official = NetworkConfig(num_classes=20 if single_person else 21)
        pixel_channels = int(encoder.get("conv_dim", official.pixel_channels))
        query_channels = int(decoder.get("hidden_dim", official.query_channels))

        only = [  # value found, values that this network is
            ("backbone.norm", backbone.get("norm", "BN"), ("BN", "nnSyncBN")),
            ("backbone.stride_in_1x1", backbone.get("stride_in_1x1", False), (False,)),
            ("backbone.res4_dilation", backbone.get("res4_dilation", 1), (1,)),
            ("backbone.res5_dilation", backbone.get("res5_dilation", 1), (1,)),
            ("backbone.res5_multi_grid", backbone.get("res5_multi_grid", [1, 1, 1]), ([1, 1, 1],)),
            ("encoder.in_features", sorted(encoder.get("in_features", _LEVELS)), (_LEVELS,)),
            ("encoder.transformer_in_features", sorted(encoder.get("transformer_in_features", _LEVELS[1:])), (_LEVELS[1:],)),
            ("encoder.common_stride", encoder.get("common_stride", 4), (4,)),
            ("decoder.pre_norm", decoder.get("pre_norm", False), (False,)),
        ]
        for name, value, supported in only:
            if value not in supported:
                raise ValueError(f"{name} is {value!r}, only {' or '.join(map(repr, supported))} is supported")

        network = NetworkConfig(
            depth=int(backbone.get("depth", official.depth)),
            stem_channels=int(backbone.get("stem_out_channels", official.stem_channels)),
            res2_channels=int(backbone.get("res2_out_channels", official.res2_channels)),
            groups=int(backbone.get("num_groups", official.groups)),
            width_per_group=int(backbone.get("width_per_group", official.width_per_group)),
            pixel_channels=pixel_channels,
            pixel_heads=int(encoder.get("transformer_nheads", official.pixel_heads)),
            pixel_feedforward=int(encoder.get("transformer_dim_feedforward", official.pixel_feedforward)),
            pixel_layers=int(encoder.get("transformer_enc_layers", official.pixel_layers)),
            mask_channels=int(encoder.get("mask_dim", official.mask_channels)),
            num_classes=int(decoder.get("num_classes", official.num_classes)),
            query_channels=query_channels,
            num_queries=int(decoder.get("num_queries", official.num_queries)),
            query_heads=int(decoder.get("nheads", official.query_heads)),
            query_feedforward=int(decoder.get("dim_feedforward", official.query_feedforward)),
            query_layers=int(decoder.get("dec_layers", official.query_layers)),
            project_levels=bool(decoder.get("enforce_input_project", False)) or pixel_channels != query_channels,
        )
        num_parts = int(model.get("num_parsing") or 20)
        names = model.get("classes")
        width, height = (model.get("input_single_human") or {"sizes": [cls.canvas]})["sizes"][0]
        return cls(
            network=network,
            single_person=single_person,
            instances=bool(model.get("parsing_on", not single_person)),
            num_parts=num_parts,
            part_threshold=float(model.get("parsing_ins_score_thr", cls.part_threshold)),
            canvas=(int(width), int(height)),
            classes=_classes(names, num_parts, LIP_PARTS if single_person else PARTS),
        )


def _classes(names: Any, count: int, usual: tuple[Part, ...]) -> tuple[Part, ...]:
    """The table of a model with so many classes of parts: as its names say, where it names them all, else the usual one."""
    if not isinstance(names, list) or len(names) < count or not all(isinstance(name, str) for name in names):
        return usual[:count]
    return read_classes(names[:count])
