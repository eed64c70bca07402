"""Configurations as others may have written them: read as the plain one is, or refused by the field that is wrong. All are made
from the small model with golden answers.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parsing.models.m2fp.m2fp import M2FP, open_folder
from parsing.models.m2fp.weights import CHECKPOINT, CONFIGURATION, WeightsError

FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"
CONFIG: dict[str, Any] = json.loads((FOLDER / CONFIGURATION).read_text())
PLAIN_CONFIG, _ = open_folder(FOLDER, single_person=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    shutil.copy(FOLDER / CONFIGURATION, tmp_path / "model")
    return tmp_path / "model"


def write(folder: Path, changes: dict[str, Any]) -> None:
    """A configuration that is the golden one but for some fields, named as "decoder.dec_layers"; ... leaves one out."""
    model = json.loads(json.dumps(CONFIG["model"]))
    for name, value in changes.items():
        *sections, field = name.split(".")
        place = model
        for section in sections:
            place = place[section]
        place[field] = value
        if value is ...:
            del place[field]
    (folder / CONFIGURATION).write_text(json.dumps({**CONFIG, "model": model}), encoding="utf-8")
    shutil.copy(FOLDER / CHECKPOINT, folder)


def all_nulls() -> dict[str, Any]:
    sections = {name: dict.fromkeys(CONFIG["model"][name]) for name in ("backbone", "encoder", "decoder")}
    return {**dict.fromkeys(CONFIG["model"]), **sections}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"parsing_ins_score_thr": None},
        {"encoder.in_features": None, "encoder.transformer_in_features": None},
        {"backbone.stem_out_channels": None},
        {"backbone": None},
        {"backbone": ..., "encoder": ..., "decoder": {"nheads": 8}},
        {"classes": None},
        {"classes": ["Background", "Hat"]},
        {"classes": "classes.txt"},
        {"num_parsing": None},
        {"num_parsing": "20"},
        {"single_human": None, "parsing_on": None},
        {"single_human": 0, "parsing_on": 1},
        {"input_single_human": {}},
        {"input_single_human": None},
        {"input_single_human": {"sizes": [384, 512]}},
        {"input_single_human": {"sizes": [[384, 512], [1, 2]]}},
        {"input_single_human": "none"},
        {"foreign": {"nested": [1, {"deep": None}]}, "backbone.freeze_at": 0, "decoder.deep_supervision": True},
        {"backbone.norm": "FrozenBN"},
        {"backbone.norm": "SyncBN"},
        {"backbone.norm": "nnSyncBN"},
        {"backbone.res5_multi_grid": None},
        {"backbone.depth": 101},
        {"backbone.depth": "50"},
        {"backbone.depth": 50.0},
        {"backbone.num_groups": 2},
        {"backbone.width_per_group": 64},
        {"decoder.dec_layers": 10},
        {"decoder.dec_layers": 4},
        {"decoder.num_queries": 100},
        {"decoder.num_classes": 133},
        {"decoder.hidden_dim": 256, "encoder.conv_dim": 256, "encoder.mask_dim": 256, "decoder.mask_dim": 256},
        {"decoder.dim_feedforward": 2048, "encoder.transformer_dim_feedforward": "1024"},
        {"decoder.enforce_input_project": True},
        {"encoder.transformer_enc_layers": 6},
        {"encoder.transformer_nheads": 4},
        {"encoder.in_features": ["res5", "res4", "res3", "res2"]},
    ],
    ids=str,
)
def test_the_weights_have_the_last_word_on_sizes(folder: Path, changes: dict[str, Any]) -> None:
    write(folder, changes)
    config, _ = open_folder(folder, single_person=False)
    assert config == PLAIN_CONFIG


def test_nulls_everywhere_are_no_configuration_at_all(folder: Path) -> None:
    write(folder, all_nulls())
    assert open_folder(folder, single_person=False)[0].network == PLAIN_CONFIG.network


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"encoder.transformer_enc_layers": 10**9}, "encoder.transformer_enc_layers is 1000000000, which is not between"),
        ({"encoder.transformer_enc_layers": 1e9}, "encoder.transformer_enc_layers is 1000000000.0, which is not between"),
        ({"encoder.transformer_enc_layers": 0}, "encoder.transformer_enc_layers is 0, which is not between"),
        ({"decoder.dec_layers": -1}, "decoder.dec_layers is -1, which is not between"),
        ({"decoder.dec_layers": 2.5}, "decoder.dec_layers is 2.5, which is not of the expected type, a whole number"),
        ({"decoder.num_queries": 10**400}, "decoder.num_queries"),
        ({"decoder.num_queries": "1" * 400}, "decoder.num_queries"),
        ({"decoder.num_queries": float("inf")}, "decoder.num_queries is inf"),
        ({"decoder.num_queries": float("nan")}, "decoder.num_queries is nan"),
        ({"decoder.num_queries": True}, "decoder.num_queries is True"),
        ({"decoder.num_queries": "many"}, "decoder.num_queries is 'many'"),
        ({"decoder.num_queries": [100]}, r"decoder.num_queries is \[100\]"),
        ({"decoder.num_queries": {"n": 1}}, "decoder.num_queries"),
        ({"decoder.nheads": 7}, "decoder.hidden_dim is 64, which is not a multiple of 14"),
        ({"backbone": "resnet"}, "backbone is 'resnet', which is not of the expected type"),
        ({"backbone": [1]}, r"backbone is \[1\]"),
        ({"backbone.norm": "GN"}, "backbone.norm is 'GN'"),
        ({"backbone.norm": ["BN"]}, "backbone.norm is"),
        ({"backbone.depth": 34}, "depth 34"),
        ({"backbone.depth": 10**9}, "backbone.depth is 1000000000"),
        ({"backbone.res4_dilation": 2}, "backbone.res4_dilation is 2"),
        ({"backbone.res5_multi_grid": [1, 2]}, "backbone.res5_multi_grid is"),
        ({"backbone.res5_multi_grid": [1, 2, 10**9]}, "backbone.res5_multi_grid.2 is 1000000000"),
        ({"backbone.res5_multi_grid": "1,2,4"}, "backbone.res5_multi_grid is '1,2,4'"),
        ({"parsing_ins_score_thr": "high"}, "parsing_ins_score_thr is 'high'"),
        ({"parsing_ins_score_thr": 30}, "parsing_ins_score_thr is 30"),
        ({"parsing_on": "perhaps"}, "parsing_on is 'perhaps'"),
        ({"num_parsing": 10**12}, "num_parsing is 1000000000000"),
        ({"num_parsing": 12}, "num_parsing is 12, but its network tells 20 classes apart"),
        ({"encoder.in_features": ["res4", "res5"]}, "encoder.in_features is"),
        ({"decoder.pre_norm": True}, "decoder.pre_norm is True"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused_by_its_field(folder: Path, changes: dict[str, Any], said: str) -> None:
    write(folder, changes)
    with pytest.raises(WeightsError, match=said) as refused:
        open_folder(folder, single_person=False)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"model": ' * 50_000, '{"model": ' + "9" * 10_000 + "}", "\0", '{"model": []}', '{"model": null}', "null"],
    ids=["lists", "sections", "digits", "zero", "list", "null section", "null"],
)
def test_a_file_that_is_no_configuration_is_refused_at_once(folder: Path, text: str) -> None:
    (folder / CONFIGURATION).write_text(text)
    shutil.copy(FOLDER / CHECKPOINT, folder)
    with pytest.raises(WeightsError, match=CONFIGURATION):
        open_folder(folder, single_person=False)


def test_lists_in_lists_in_a_field_are_refused(folder: Path) -> None:
    text = json.dumps(CONFIG).replace('"num_queries": 24', '"num_queries": ' + "[" * 500 + "]" * 500)
    (folder / CONFIGURATION).write_text(text)
    shutil.copy(FOLDER / CHECKPOINT, folder)
    with pytest.raises(WeightsError, match=r"decoder\.num_queries"):
        open_folder(folder, single_person=False)


@pytest.mark.parametrize(
    ("sizes", "canvas"),
    [
        ({"sizes": [[192, 256]]}, (192, 256)),
        ({"sizes": [192, 256]}, (192, 256)),
        ({"sizes": [["192", 256.0]]}, (192, 256)),
        ({"sizes": None}, (384, 512)),
        ({}, (384, 512)),
        (None, (384, 512)),
    ],
)
def test_a_single_persons_canvas(folder: Path, sizes: Any, canvas: tuple[int, int]) -> None:
    names = [name.replace("Torso-skin", "Jumpsuits") for name in CONFIG["model"]["classes"]]
    write(folder, {"single_human": True, "parsing_on": True, "input_single_human": sizes, "classes": names})
    config, _ = open_folder(folder, single_person=True)
    assert (config.canvas, config.classes[10].name) == (canvas, "Jumpsuits")


@pytest.mark.parametrize("sizes", [[384], [[384, 512, 3]], [0, 512], [384, 10**9], "384x512", [[]]])
def test_a_canvas_that_is_none_is_refused(folder: Path, sizes: Any) -> None:
    write(folder, {"single_human": True, "parsing_on": True, "input_single_human": {"sizes": sizes}})
    with pytest.raises(WeightsError, match=r"input_single_human\.sizes"):
        open_folder(folder, single_person=True)


def test_the_classes_of_a_configuration_without_names_are_those_of_the_data_set(folder: Path) -> None:
    write(folder, {"classes": None, "single_human": True, "parsing_on": True})
    assert open_folder(folder, single_person=True)[0].classes[10].name == "Jumpsuits"
    write(folder, {"classes": None})
    assert open_folder(folder, single_person=False)[0].classes[10].name == "Torso-skin"


def test_a_byte_order_mark_is_no_damage(folder: Path) -> None:
    write(folder, {})
    (folder / CONFIGURATION).write_bytes(b"\xef\xbb\xbf" + (folder / CONFIGURATION).read_bytes())
    assert open_folder(folder, single_person=False)[0] == PLAIN_CONFIG


def test_a_dilated_network_computes_what_its_configuration_says(folder: Path, small_model: M2FP) -> None:
    write(folder, {"backbone.res5_multi_grid": [1, 2, 4]})
    photo = np.random.default_rng(3).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    packed = M2FP.load(folder)
    res5 = packed.network.backbone.res5
    assert [block.conv2.dilation for block in res5] == [(1, 1), (2, 2), (4, 4)]
    x = torch.randn(1, res5[0].conv1.in_channels, 6, 8).to(memory_format=torch.channels_last)
    narrow = res5[2].conv1(res5[1](res5[0](x)))
    wanted = torch.nn.functional.conv2d(narrow, res5[2].conv2.weight, res5[2].conv2.bias, padding=4, dilation=4).relu()
    torch.testing.assert_close(res5[2].conv2(narrow), wanted)
    assert (packed(photo).labels != small_model(photo).labels).any()
    assert packed.in_bfloat16()(photo).labels.shape == (64, 80)
