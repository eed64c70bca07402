"""Weights in every layout that a training program may have left them in: read as the plain ones are, or refused by what is
really wrong. All are made from the small model with golden answers.
"""

from __future__ import annotations

import argparse
import collections
import os
import pathlib
import pickle
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from parsing.models.m2fp.checkpoint import find_weights, read_file
from parsing.models.m2fp.m2fp import open_folder
from parsing.models.m2fp.weights import CHECKPOINT, CONFIGURATION, SLIM, WeightsError

FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"
WEIGHTS: dict[str, torch.Tensor] = torch.load(FOLDER / CHECKPOINT, weights_only=True)["model"]
PLAIN_CONFIG, PLAIN = open_folder(FOLDER, single_person=False)
QUERY = "sem_seg_head.predictor.query_feat.weight"
Layout = Callable[[dict[str, torch.Tensor]], Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    shutil.copy(FOLDER / CONFIGURATION, tmp_path / "model")
    return tmp_path / "model"


def detectron2(weights: dict[str, torch.Tensor]) -> dict[str, Any]:
    """What its checkpointer writes after some steps of training."""
    parameters = [torch.nn.Parameter(weight.clone()) for weight in list(weights.values())[:3]]
    optimizer = torch.optim.AdamW(parameters)
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
    return {
        "model": collections.OrderedDict(weights),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "iteration": 89999,
    }


LAYOUTS: dict[str, Layout] = {
    "plain": lambda weights: {"model": weights},
    "iteration": lambda weights: {"model": weights, "iteration": 7, "best": 0.5, "done": True, "note": "text", "none": None},
    "detectron2": detectron2,
    "Counter": lambda weights: {"model": weights, "scheduler": {"milestones": collections.Counter([3, 5])}},
    "OrderedDict": lambda weights: collections.OrderedDict(model=collections.OrderedDict(weights)),
    "defaultdict": lambda weights: {"model": weights, "history": collections.defaultdict(list, loss=[1.0])},
    "defaultdict of dict": lambda weights: {"model": weights, "state": collections.defaultdict(dict, {0: {"step": 1}})},
    "defaultdict of weights": lambda weights: {"model": collections.defaultdict(torch.Tensor, weights)},
    "deque": lambda weights: {"model": weights, "last": collections.deque([1, 2], maxlen=3)},
    "numpy scalar": lambda weights: {"model": weights, "best": np.float64(0.69)},
    "numpy float32": lambda weights: {"model": weights, "best": np.float32(0.69)},
    "numpy integer": lambda weights: {"model": weights, "epoch": np.int64(7)},
    "numpy truth": lambda weights: {"model": weights, "done": np.bool_(True)},
    "numpy array": lambda weights: {"model": weights, "curve": np.arange(5.0)},
    "numpy bytes": lambda weights: {"model": weights, "curve": np.arange(5, dtype=np.uint8)},
    "numpy words": lambda weights: {"model": weights, "names": np.array(["a", "b"])},
    "numpy objects": lambda weights: {"model": weights, "names": np.array(["a", None], dtype=object)},
    "numpy dtype": lambda weights: {"model": weights, "kind": np.dtype("float32")},
    "numpy weights": lambda weights: {"model": {name: weight.numpy() for name, weight in weights.items()}},
    "Namespace": lambda weights: {"model": weights, "args": argparse.Namespace(lr=1e-4, inner=argparse.Namespace(depth=50))},
    "paths": lambda weights: {"model": weights, "args": argparse.Namespace(out=pathlib.Path("/tmp/runs"))},
    "date": lambda weights: {"model": weights, "when": datetime(2023, 2, 1, 12)},
    "set, slice, range": lambda weights: {"model": weights, "more": [{1, 2}, frozenset([3]), slice(1, 2), range(3), 1j, (4,)]},
    "device, dtype, size": lambda weights: {"model": weights, "more": [torch.device("cpu"), torch.half, torch.Size([1, 2])]},
    "random state": lambda weights: {"model": weights, "rng": [torch.get_rng_state(), np.random.RandomState(0).get_state()]},
    "scaler": lambda weights: {"model": weights, "scaler": torch.amp.GradScaler("cpu").state_dict()},
    "parameters": lambda weights: {"model": {n: torch.nn.Parameter(w, w.is_floating_point()) for n, w in weights.items()}},
    "at the top": lambda weights: weights,
    "at the top, with more": lambda weights: {**weights, "epoch": 3, "optimizer": {"state": {}}},
    "state_dict": lambda weights: {"state_dict": weights, "epoch": 3},
    "model_state_dict": lambda weights: {"model_state_dict": weights},
    "network": lambda weights: {"network": weights},
    "model inside model": lambda weights: {"model": {"state_dict": weights}},
    "module.": lambda weights: {"model": {f"module.{name}": weight for name, weight in weights.items()}},
    "module. at the top": lambda weights: {f"module.{name}": weight for name, weight in weights.items()},
    "model. of Lightning": lambda weights: {"state_dict": {f"model.{name}": weight for name, weight in weights.items()}},
    "module.model.": lambda weights: {"model": {f"module.model.{name}": weight for name, weight in weights.items()}},
    "average beside": lambda weights: {"model": weights, "model_ema": {name: 0 * weight for name, weight in weights.items()}},
    "average alone": lambda weights: {"model_ema": weights},
    "double precision": lambda weights: {"model": {n: w.double() for n, w in weights.items()}},
    "not contiguous": lambda weights: {"model": {n: w.t().contiguous().t() if w.dim() == 2 else w for n, w in weights.items()}},
    "channels last": lambda weights: {
        "model": {n: w.to(memory_format=torch.channels_last) if w.dim() == 4 else w for n, w in weights.items()}
    },
    "one storage": lambda weights: {"model": {n: torch.stack([w, w])[1] for n, w in weights.items()}},
    "no counters": lambda weights: {"model": {n: w for n, w in weights.items() if not n.endswith("num_batches_tracked")}},
    "extra weights": lambda weights: {
        "model": {
            **weights,
            "criterion.empty_weight": torch.ones(22),
            "pixel_mean": torch.ones(3, 1, 1),
            "head.5": torch.ones(1),
        }
    },
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("zipped", [True, False], ids=["", "legacy"])
def test_the_same_weights_come_out_of_every_layout(folder: Path, layout: Layout, zipped: bool) -> None:
    torch.save(layout(WEIGHTS), folder / CHECKPOINT, _use_new_zipfile_serialization=zipped)
    config, found = open_folder(folder, single_person=False)
    assert config == PLAIN_CONFIG
    assert found.keys() == PLAIN.keys()
    for name, weight in found.items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, PLAIN[name]), name


@pytest.mark.parametrize(("dtype", "error"), [(torch.half, 1e-3), (torch.bfloat16, 8e-3)], ids=str)
@pytest.mark.parametrize("form", ["pickle", "legacy", "safetensors"])
def test_lower_precision_is_read_as_it_is(folder: Path, dtype: torch.dtype, error: float, form: str) -> None:
    weights = {name: weight.to(dtype) if weight.is_floating_point() else weight for name, weight in WEIGHTS.items()}
    if form == "safetensors":
        save_file(weights, folder / SLIM)
    else:
        torch.save({"model": weights}, folder / CHECKPOINT, _use_new_zipfile_serialization=form == "pickle")
    _, found = open_folder(folder, single_person=False)
    for name, weight in found.items():
        assert weight.dtype == torch.float32
        torch.testing.assert_close(weight, PLAIN[name], rtol=error, atol=1e-6)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("file", [SLIM, CHECKPOINT])
def test_safetensors_under_either_name(folder: Path, prefix: str, file: str) -> None:
    save_file({prefix + name: weight for name, weight in WEIGHTS.items()}, folder / file)
    _, found = open_folder(folder, single_person=False)
    assert all(torch.equal(weight, PLAIN[name]) for name, weight in found.items())


def test_weights_are_mapped_into_memory_not_read(folder: Path) -> None:
    torch.save({"model": WEIGHTS}, folder / CHECKPOINT)
    read_file(folder / CHECKPOINT)
    mapped = [line for line in Path("/proc/self/maps").read_text().splitlines() if str(folder) in line]
    found = read_file(folder / CHECKPOINT)
    now = [line for line in Path("/proc/self/maps").read_text().splitlines() if str(folder) in line]
    assert len(found) == len(WEIGHTS)
    assert len(now) > len(mapped) or now


@pytest.mark.parametrize(
    "lost", [QUERY, "backbone.res4.5.conv3.norm.running_var", "sem_seg_head.pixel_decoder.adapter_1.weight"]
)
def test_a_missing_weight_is_named(folder: Path, lost: str) -> None:
    torch.save({"model": {name: weight for name, weight in WEIGHTS.items() if name != lost}}, folder / CHECKPOINT)
    with pytest.raises(WeightsError, match=f"{lost} is missing"):
        open_folder(folder, single_person=False)


@pytest.mark.parametrize("name", [name for name in PLAIN if WEIGHTS[name].dim()][::17])
def test_a_misshapen_weight_is_named(folder: Path, name: str) -> None:
    torch.save({"model": {**WEIGHTS, name: torch.cat([WEIGHTS[name]] * 2)}}, folder / CHECKPOINT)
    with pytest.raises(WeightsError) as refused:
        open_folder(folder, single_person=False)
    assert f"{name} is (" in str(refused.value)


class Command:
    """Pickled, this runs a command where it is unpickled carelessly."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


class Foreign:
    """An object of a class that only the training program has."""


@pytest.mark.parametrize(
    ("what", "named"),
    [
        (Command(os.system, "touch executed"), "posix.system"),
        (Command(eval, "open('executed', 'w')"), "eval"),
        (Command(exec, "open('executed', 'w')"), "exec"),
        (Command(getattr, os, "system"), "getattr"),
        (Command(pathlib.Path.touch, "executed"), "getattr|pathlib"),
        (Command(np.save, "executed", 1), "numpy.save"),
        (Command(shutil.copy, "model", "executed"), "shutil.copy"),
        (Command(torch.load, "executed"), "torch.serialization.load"),
        (Foreign(), "test_weights_layouts.Foreign"),
        (print, "print"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("zipped", [True, False], ids=["", "legacy"])
def test_what_could_run_code_is_refused_by_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, what: Any, named: str, zipped: bool
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setitem(globals(), "os", os)
    try:
        torch.save({"model": WEIGHTS, "hook": what}, folder / CHECKPOINT, _use_new_zipfile_serialization=zipped)
    except TypeError:  # a module cannot be pickled; by its name it can
        torch.save({"model": WEIGHTS, "hook": Command(getattr, "os", "system")}, folder / CHECKPOINT)
    with pytest.raises(WeightsError, match=f"could run foreign code: it asks for .*({named})") as refused:
        open_folder(folder, single_person=False)
    assert "\n" not in str(refused.value)
    assert not (folder / "executed").exists()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("form", ["zip", "legacy", "bare"])
def test_what_could_run_code_is_named_in_every_protocol(
    folder: Path, monkeypatch: pytest.MonkeyPatch, protocol: int, form: str
) -> None:
    monkeypatch.chdir(folder)
    what = {"model": Command(os.system, "touch executed")}
    if form == "bare":
        (folder / CHECKPOINT).write_bytes(pickle.dumps(what, protocol))
    else:
        torch.save(what, folder / CHECKPOINT, pickle_protocol=protocol, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(WeightsError, match=r"could run foreign code: it asks for (posix|nt)\.system"):
        open_folder(folder, single_person=False)
    assert not (folder / "executed").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is damaged"),
        (b"PK\x03\x04 no archive", "is damaged"),
        (b"\x80\x02 no pickle", "is damaged"),
        (b"\x80\x02}q\x00.", "has no weights|is damaged"),
        (bytes(1000), "is damaged"),
        (b"<!DOCTYPE html><title>Log in</title>", "is a web page, not weights"),
        (b"\n<html>", "is a web page, not weights"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "only says where the weights are"),
        (b'\xff\xff\0\0\0\0\0\0{"a":', "is damaged"),
    ],
)
@pytest.mark.parametrize("file", [CHECKPOINT, SLIM])
def test_a_file_that_is_none_is_refused_for_what_it_is(folder: Path, file: str, content: bytes, said: str) -> None:
    (folder / file).write_bytes(content)
    with pytest.raises(WeightsError, match=said) as refused:
        open_folder(folder, single_person=False)
    assert str(folder) not in str(refused.value)


@pytest.mark.parametrize(
    ("checkpoint", "said"),
    [
        ([], "has no weights under its key 'model'"),
        (None, "has no weights under its key 'model'"),
        ({"model": None}, "has no weights under its key 'model'"),
        ({"model": {"stem.weight": torch.ones(1)}}, "has no weights under its key 'model'"),
        ({"model": {**WEIGHTS, QUERY: "text"}}, f"has no weight under {QUERY}, but a str"),
        ({"model": {**WEIGHTS, QUERY: WEIGHTS[QUERY].to_sparse()}}, "in a form that is not read here"),
        ({"model": {**WEIGHTS, QUERY: WEIGHTS[QUERY].to("meta")}}, "in a form that is not read here"),
        ({"model": {**WEIGHTS, QUERY: WEIGHTS[QUERY] * 1j}}, "in a form that is not read here"),
    ],
)
def test_what_holds_no_weights_is_refused(checkpoint: Any, said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        find_weights(checkpoint, CHECKPOINT)
