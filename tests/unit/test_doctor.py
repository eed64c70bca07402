"""`python -m parsing doctor` on machines with and without weights, a sound cache, a network, a hub that answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file
from support.hub import Hub

from parsing.cli.parse import main
from parsing.models.m2fp.m2fp import open_folder
from parsing.models.m2fp.weights import CHECKPOINT, CONFIGURATION, SLIM

FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it, on a machine without a network."""
    for name in ("PARSING_WEIGHTS", "PARSING_CACHE", "PARSING_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9")
    return tmp_path


@pytest.fixture
def cache(home: Path) -> Path:
    """The cache as a download leaves it."""
    folder = home / ".cache" / "parsing-m2fp" / "m2fp"
    folder.mkdir(parents=True)
    shutil.copy(FOLDER / CONFIGURATION, folder)
    save_file(open_folder(FOLDER, single_person=False)[1], folder / SLIM)
    return folder


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub(FOLDER)
    yield hub
    hub.close()


def doctor(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """The exit status, and the report."""
    status = main(["doctor", "--json", *words])
    return status, json.loads(capsys.readouterr().out)


def test_without_weights_and_without_a_network_the_embedded_model_works(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = doctor(capsys)
    assert status == 0
    assert report["weights"] == {"m2fp": {"folder": None}, "m2fp-single": {"folder": None}}
    assert "check the connection" in report["hub"]["trouble"]
    assert report["example"]["model"] == "lite"
    assert report["example"]["people"] > 0
    assert report["packages"]["torch"]
    assert report["machine"]["free disk, MB"] > 0


def test_a_model_without_weights_is_not_downloaded(home: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.address)
    status, report = doctor(capsys, "--model", "m2fp")
    assert (status, list(report["weights"])) == (1, ["m2fp"])
    assert "not on this machine" in report["example"]["trouble"]
    assert report["hub"]["answer"] == "has iic/cv_resnet101_image-multiple-human-parsing at v1.0.1"
    assert hub.ranges == []


def test_a_cache_is_described_and_used(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = doctor(capsys)
    found = report["weights"]["m2fp"]
    assert (status, report["example"]["model"]) == (0, "m2fp")
    assert found["folder"] == "~/.cache/parsing-m2fp/m2fp"
    assert (found["file"], found["missing"], found["configuration"]["network"]["depth"]) == (SLIM, [0], 50)
    assert str(cache.parents[2]) not in json.dumps(report)
    assert doctor(capsys, "--paths")[1]["weights"]["m2fp"]["folder"] == str(cache)


def test_a_damaged_cache_is_said_to_be_one_and_left_alone(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = (cache / SLIM).read_bytes()[:100_000]
    (cache / SLIM).write_bytes(damaged)
    status, report = doctor(capsys)
    assert status == 1
    assert "is damaged" in report["weights"]["m2fp"]["trouble"]
    assert "is damaged" in report["example"]["trouble"]
    assert (cache / SLIM).read_bytes() == damaged


def test_half_a_cache_and_half_a_download_are_seen(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cache / SLIM).unlink()
    (cache / "download").mkdir()
    (cache / "download" / "part").write_bytes(bytes(3_000_000))
    status, report = doctor(capsys)
    assert (status, report["weights"]["m2fp"]["download begun, MB"]) == (0, 3)
    assert "not complete" in report["weights"]["m2fp"]["trouble"]


def test_what_a_folder_lacks_and_has_too_much_is_listed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home / "model"
    folder.mkdir()
    model = json.loads((FOLDER / CONFIGURATION).read_text())
    model["model"]["decoder"]["dec_layers"] = 10
    (folder / CONFIGURATION).write_text(json.dumps(model))
    weights = open_folder(FOLDER, single_person=False)[1]
    lost = "sem_seg_head.predictor.query_embed.weight"
    save_file({**{name: weight for name, weight in weights.items() if name != lost}, "extra": weights[lost]}, folder / SLIM)
    status, report = doctor(capsys, "--model", "m2fp", "--weights", str(folder))
    found = report["weights"]["m2fp"]
    assert (status, found["missing"], found["not of the network"]) == (1, [1, lost], [1, "extra"])
    assert found["sizes that the file has otherwise"] == {"query_layers": [10, 3]}
    assert f"{lost} is missing" in found["trouble"]


def test_for_people_it_is_text(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--weights", str(FOLDER), "--model", "m2fp"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "program"
    assert f"    file: {CHECKPOINT}" in lines
    assert "        groups: 1" in lines
    assert any(line.startswith("  ! ") and "check the connection" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--weights", "absent"], "The weights folder 'absent' needs"), (["--model", "m2fp-onnx"], "needs weights=")],
)
def test_what_cannot_be_found_is_a_part_of_the_report(home: Path, words: list[str], said: str, capsys: Any) -> None:
    status, report = doctor(capsys, *words)
    assert status == 1
    assert said in report["example"]["trouble"]
