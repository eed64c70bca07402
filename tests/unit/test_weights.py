"""A folder with weights: what is damaged, hostile or of something else is refused in a sentence."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from parsing.models.m2fp import weights
from parsing.models.m2fp.m2fp import M2FP
from parsing.models.m2fp.weights import CHECKPOINT, CONFIGURATION, WeightsError

FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"
SOME = "sem_seg_head.predictor.class_embed.bias"
"""A weight, (22,)."""


@pytest.fixture
def folder(tmp_path: Path, cache: Path) -> Path:
    """A copy of the small model folder, to be spoiled."""
    return Path(shutil.copytree(FOLDER, tmp_path / "model"))


def spoil(folder: Path, **changes: Any) -> None:
    """Rewrites the checkpoint with some of its weights changed, or, where None is given, left out."""
    checkpoint = torch.load(folder / CHECKPOINT, weights_only=True)
    for name, value in changes.items():
        checkpoint["model"][name] = value
    checkpoint["model"] = {name: value for name, value in checkpoint["model"].items() if value is not None}
    torch.save(checkpoint, folder / CHECKPOINT)


class Hostile:
    """Pickled, this runs a command where it is unpickled carelessly."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.witness),)


def test_a_hostile_pickle_is_refused_and_not_executed(folder: Path, tmp_path: Path) -> None:
    witness = tmp_path / "executed"
    torch.save({"model": {"weight": torch.zeros(1)}, "optimizer": Hostile(witness)}, folder / CHECKPOINT)
    with pytest.raises(WeightsError, match="holds more than weights and was not opened"):
        M2FP.load(folder)
    assert not witness.exists()


def test_a_file_cut_off_is_damaged(folder: Path) -> None:
    data = (folder / CHECKPOINT).read_bytes()
    (folder / CHECKPOINT).write_bytes(data[: len(data) // 2])
    with pytest.raises(WeightsError, match=f"{CHECKPOINT} is damaged or cut off"):
        M2FP.load(folder)


def test_a_file_with_lost_bytes_inside_is_damaged(folder: Path) -> None:
    data = bytearray((folder / CHECKPOINT).read_bytes())
    data[:2000] = bytes(2000)
    (folder / CHECKPOINT).write_bytes(data)
    with pytest.raises(WeightsError, match=f"{CHECKPOINT} is damaged or cut off"):
        M2FP.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, f"{SOME} is missing"),
        (torch.zeros(5), rf"{SOME} is \(5,\) instead of \(22,\)"),
        (torch.full((22,), torch.nan), f"not finite: {SOME}"),
        (torch.full((22,), torch.inf), f"not finite: {SOME}"),
    ],
    ids=["missing", "misshapen", "not a number", "infinite"],
)
def test_weights_that_do_not_fit_are_listed(folder: Path, change: torch.Tensor | None, message: str) -> None:
    spoil(folder, **{SOME: change})
    with pytest.raises(WeightsError, match=message):
        M2FP.load(folder)


def test_a_checkpoint_of_another_layout_is_refused(folder: Path) -> None:
    torch.save({"state": {}}, folder / CHECKPOINT)
    with pytest.raises(WeightsError, match="no weights under its key 'model'"):
        M2FP.load(folder)


def test_extra_weights_are_ignored_and_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    counters = sum(name.endswith("num_batches_tracked") for name in torch.load(folder / CHECKPOINT, weights_only=True)["model"])
    spoil(folder, **{"criterion.empty_weight": torch.zeros(22), "pixel_mean": torch.zeros(3)})
    with caplog.at_level("INFO"):
        M2FP.load(folder)
    assert f"{counters + 2} entries of the weights file are not part of the network" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("{}", "no section 'model'"),
        ('{"model": 3}', "not an object"),
        ('{"model": {"backbone": {"depth": 34}}}', "depth 34"),
        ('{"model": {"num_parsing": 40}}', "40 classes"),
        ('{"model": {"parsing_on": false}}', "21 classes"),
        ('{"model": {"single_human": true}}', "choose the model m2fp-single"),
    ],
)
def test_a_configuration_of_something_else_is_refused(folder: Path, text: str, message: str) -> None:
    (folder / CONFIGURATION).write_text(text)
    with pytest.raises(WeightsError, match=message):
        M2FP.load(folder)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match=f"The weights folder 'empty' needs a {CONFIGURATION} and a {CHECKPOINT}"):
        M2FP.load(tmp_path / "empty")


def test_the_environment_names_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.local_folder("m2fp") is None
    monkeypatch.setenv("PARSING_WEIGHTS", str(folder))
    assert weights.local_folder("m2fp") == folder
