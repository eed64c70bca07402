"""The way the embedded model is made, as a whole: a few seconds of training up to a file that parses a photo."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from support.figures import draw_figures

from parsing.labels import part_index
from parsing.models.lite.lite import GARMENTS_NAME, Lite
from training.courses import COURSES
from training.data import read_photo
from training.export import export
from training.network import GarmentNetwork
from training.train import train


def test_a_few_seconds_of_training_give_a_model_that_parses(tmp_path: Path) -> None:
    data = tmp_path / "figures"
    data.mkdir()
    draw_figures(data)
    parts, garments = (_train(data, tmp_path / network, network) for network in COURSES)
    export([garments], tmp_path / GARMENTS_NAME, kind=GarmentNetwork)
    export([parts], tmp_path / "lite.onnx")
    plain, photo = Lite(tmp_path / "lite.onnx"), read_photo(data, "000").pyramid[0]
    assert plain(photo).labels.shape == (240, 160)
    export([parts], tmp_path / "shifted.onnx", shifts={"Coat": -0.75})
    picture = photo[:224]
    shifts = Lite(tmp_path / "shifted.onnx").ask(picture).parts - plain.ask(picture).parts
    wanted = np.where(np.arange(20) == part_index("Coat"), -0.75, 0)
    np.testing.assert_allclose(shifts, np.broadcast_to(wanted[:, None, None], shifts.shape), atol=1e-4)
    assert sum((tmp_path / name).stat().st_size for name in ("lite.onnx", GARMENTS_NAME)) < 20e6


def _train(data: Path, out: Path, network: str) -> Path:
    """A few seconds of it; the checkpoint."""
    out.mkdir()
    course = COURSES[network]
    weights = course.network().state_dict()
    torch.save({"network": weights, "average": weights}, out / "start.pt")
    options = argparse.Namespace(data=[data], held_out=63, extra=[], wild=[data], places=[data / "Images"], out=out)
    vars(options).update(
        network=network,
        keep_presence=False,
        start=out / "start.pt",
        variant=course.variant,
        minutes=0.1,
        rate=2e-3,
        threads=torch.get_num_threads(),
        workers=1,
        pictures=12,
        device="cpu",
    )
    train(options)
    return out / "checkpoint.pt"
