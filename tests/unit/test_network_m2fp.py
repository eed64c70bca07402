"""The whole network: names, sizes, golden outputs, batches."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from benchmarks.make_model import configuration, random_network
from parsing.models.m2fp.m2fp import scale, to_input, weight_shapes
from parsing.models.m2fp.network.config import ModelConfig, NetworkConfig
from parsing.models.m2fp.network.m2fp import M2FPNetwork

GOLDEN = Path(__file__).parents[1] / "golden"
FOLDER = GOLDEN / "m2fp"
SMALL = NetworkConfig(
    depth=50,
    stem_channels=8,
    res2_channels=16,
    width_per_group=4,
    pixel_channels=32,
    pixel_heads=4,
    pixel_feedforward=48,
    pixel_layers=1,
    mask_channels=24,
    num_classes=6,
    query_channels=32,
    num_queries=7,
    query_heads=2,
    query_feedforward=40,
    query_layers=4,
)


def picture(index: int) -> NDArray[np.uint8]:
    return np.asarray(Image.open(FOLDER / f"input{index}.png").convert("RGB"))


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "packed"])
def network(request: pytest.FixtureRequest) -> M2FPNetwork:
    section = json.loads((FOLDER / "configuration.json").read_text())["model"]
    weights = torch.load(FOLDER / "pytorch_model.pt", weights_only=True)["model"]
    return M2FPNetwork.from_weights(ModelConfig.from_dict(section).network, weights, packed=request.param)


def test_state_dict_names_and_shapes_of_the_full_size() -> None:
    lines = (GOLDEN / "state_dict_keys.txt").read_text().splitlines()
    expected = {name: tuple(map(int, re.findall(r"\d+", shape))) for name, _, shape in (line.partition(" ") for line in lines)}
    with torch.device("meta"):
        entries = M2FPNetwork(NetworkConfig()).state_dict()
    assert {name: tuple(entry.shape) for name, entry in entries.items()} == expected
    assert weight_shapes(ModelConfig()) == {
        name: shape for name, shape in expected.items() if not name.endswith("num_batches_tracked")
    }


@pytest.mark.parametrize("index", [0, 1])
@torch.inference_mode()
def test_logits_are_modelscopes(network: M2FPNetwork, index: int) -> None:
    """Rounding may move a cell over the edge of an attention mask, which shows in the third digit; nothing may move farther."""
    golden = np.load(FOLDER / f"expected{index}.npz")
    class_logits, mask_logits = network(to_input(scale(picture(index))[0]))
    for got, expected in ((class_logits[0], golden["pred_logits"]), (mask_logits[0, :, ::4, ::4], golden["pred_masks"])):
        difference = np.abs(got.numpy() - expected)
        assert difference.max() < 2e-2
        assert np.median(difference) < 1e-3


@torch.inference_mode()
def test_a_batch_of_two_equals_two_singles(network: M2FPNetwork) -> None:
    torch.manual_seed(0)
    pair = torch.randn(2, 3, 128, 96)
    together = network(pair)
    for index in range(2):
        for batch, single in zip(together, network(pair[index : index + 1]), strict=True):
            torch.testing.assert_close(batch[index], single[0], rtol=0, atol=1e-3)


@torch.inference_mode()
def test_masks_drawn_on_a_resized_pyramid_are_resized_masks() -> None:
    """What masked attention is given, the pyramid resized once a level, against what the paper has: mask features, each full
    mask resized.
    """
    torch.manual_seed(0)
    head = random_network(SMALL).sem_seg_head
    mask_features = head.pixel_decoder.mask_features
    queries, pyramid = torch.randn(1, 7, 32), torch.randn(1, 32, 16, 24)
    small = functional.interpolate(pyramid, size=(4, 6), mode="bilinear", align_corners=False)
    embedding = head.predictor.mask_embed(head.predictor.decoder_norm(queries))
    full = torch.einsum("bqc,bchw->bqhw", embedding, mask_features(pyramid))
    resized = functional.interpolate(full, size=(4, 6), mode="bilinear", align_corners=False)
    drawn = (
        head.predictor.mask_logits(queries, small.flatten(2).transpose(1, 2), mask_features).transpose(1, 2).view(1, 7, 4, 6)
    )
    torch.testing.assert_close(drawn, resized, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"depth": 101},
        {"depth": 152},
        {"num_queries": 3, "num_classes": 4},
        {"query_channels": 48, "query_heads": 3, "project_levels": True},
        {"project_levels": True},
        {"groups": 2, "pixel_layers": 2, "query_layers": 1},
    ],
    ids=str,
)
@torch.inference_mode()
def test_sizes_come_from_the_configuration(changes: dict[str, Any]) -> None:
    config = replace(SMALL, **changes)
    assert ModelConfig.from_dict(configuration(config)["model"]).network == config
    class_logits, mask_logits = random_network(config)(torch.randn(1, 3, 64, 96))
    assert class_logits.shape == (1, config.num_queries, config.num_classes + 1)
    assert mask_logits.shape == (1, config.num_queries, 16, 24)
    assert torch.isfinite(mask_logits).all()


def test_an_empty_configuration_is_the_official_one() -> None:
    assert ModelConfig.from_dict({}) == ModelConfig()
    assert ModelConfig.from_dict({}).part_threshold == 0.3
    single = ModelConfig.from_dict({}, single_person=True)
    assert (single.single_person, single.instances, single.network.num_classes, single.canvas) == (True, False, 20, (384, 512))


def test_what_the_configuration_says_wins() -> None:
    section = {
        "single_human": True,
        "parsing_on": True,
        "num_parsing": 12,
        "parsing_ins_score_thr": 0.45,
        "input_single_human": {"sizes": [[100, 200]]},
        "unknown": "ignored",
    }
    config = ModelConfig.from_dict(section)
    assert (config.single_person, config.instances, config.num_parts) == (True, True, 12)
    assert (config.part_threshold, config.canvas) == (0.45, (100, 200))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"backbone": {"depth": 18}}, "depth 18 is not one of 50, 101, 152"),
        ({"backbone": {"norm": "GN"}}, "backbone.norm is 'GN'"),
        ({"backbone": {"stride_in_1x1": True}}, "backbone.stride_in_1x1 is True"),
        ({"backbone": {"res5_dilation": 2}}, "backbone.res5_dilation is 2"),
        ({"encoder": {"transformer_in_features": ["res4", "res5"]}}, "encoder.transformer_in_features"),
        ({"encoder": {"common_stride": 8}}, "encoder.common_stride is 8"),
        ({"decoder": {"pre_norm": True}}, "decoder.pre_norm is True"),
        ({"decoder": {"num_queries": "many"}}, "many"),
        ({"decoder": {"num_queries": [1]}}, "not of the expected type"),
        ({"backbone": "resnet"}, "not of the expected type"),
    ],
)
def test_another_network_is_refused(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelConfig.from_dict(section)
