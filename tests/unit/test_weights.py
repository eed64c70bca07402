"""Weights: folders, damaged and hostile files, and the download from a stand-in for ModelScope, its own client in between."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.hub import OFFICIAL, Hub
from support.weights_of import assert_same_weights

from parsing.models.m2fp import weights
from parsing.models.m2fp.m2fp import M2FP
from parsing.models.m2fp.weights import CHECKPOINT, CONFIGURATION, SLIM, WeightsError

FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"
SOME = "sem_seg_head.predictor.class_embed.bias"
"""A weight, (22,)."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of this project and an empty home for ModelScope's client."""
    monkeypatch.delenv("PARSING_WEIGHTS", raising=False)
    monkeypatch.setenv("PARSING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "modelscope"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "modelscope"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "m2fp"


@pytest.fixture(scope="module")
def server() -> Iterator[Hub]:
    hub = Hub(FOLDER)
    yield hub
    hub.close()


@pytest.fixture
def hub(server: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """One server for all tests: ModelScope's client remembers the first address it was given."""
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", server.address)
    server.broken = 0
    server.ranges.clear()
    server.asked.clear()
    server.known, server.answer, server.spoils = {OFFICIAL}, None, "files"
    return server


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


def test_a_download_leaves_the_slim_copy_alone_in_the_cache(hub: Hub, cache: Path) -> None:
    reports: list[tuple[int, int]] = []
    model = M2FP.load(progress=lambda done, total: reports.append((done, total)))
    assert sorted(file.name for file in cache.iterdir()) == [CONFIGURATION, SLIM]
    assert (cache / SLIM).stat().st_mode == (cache / CONFIGURATION).stat().st_mode, "others may not read it"
    size = sum((FOLDER / file).stat().st_size for file in (CONFIGURATION, CHECKPOINT))
    assert reports[-1] == (size, size)
    requests = len(hub.ranges)
    again = M2FP.load()
    assert len(hub.ranges) == requests, "the cache was not used"
    direct = M2FP.load(FOLDER)
    assert_same_weights(model, direct)
    assert_same_weights(again, direct)


def test_a_download_that_breaks_off_is_taken_up(hub: Hub, cache: Path) -> None:
    hub.broken = 1
    M2FP.load()
    half = (FOLDER / CHECKPOINT).stat().st_size // 2
    assert hub.ranges == [None, f"bytes={half}-"]


def test_a_hub_out_of_reach_is_one_sentence_and_the_next_start_goes_on(
    hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelscope_hub._download.DOWNLOAD_RETRY_TIMES", 0)
    hub.broken = 1
    with pytest.raises(WeightsError, match="could not be downloaded from ModelScope") as error:
        M2FP.load()
    assert "\n" not in str(error.value)
    assert str(cache) not in str(error.value)
    assert not (cache / SLIM).exists()
    M2FP.load()
    assert hub.ranges == [None, f"bytes={(FOLDER / CHECKPOINT).stat().st_size // 2}-"]


def test_a_damaged_cache_is_fetched_again(hub: Hub, cache: Path) -> None:
    M2FP.load()
    (cache / SLIM).write_bytes((cache / SLIM).read_bytes()[:100_000])
    M2FP.load()
    assert hub.ranges == [None, None]


def test_a_conversion_that_stops_leaves_nothing_half_done(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("safetensors.torch.save_file", full)
        with pytest.raises(WeightsError, match="The disk is full"):
            M2FP.load()
    assert not (cache / SLIM).exists()
    M2FP.load()
    assert hub.ranges == [None], "what had been downloaded was fetched again"


def test_too_little_room_is_said_before_the_download(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "DISK_BYTES", 10**18)
    with pytest.raises(WeightsError, match="The disk is full"):
        M2FP.load()
    assert hub.ranges == []


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("PARSING_WEIGHTS", raising=False)
    monkeypatch.setenv("PARSING_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match="cannot be written; set PARSING_CACHE"):
        M2FP.load()


MULTIPLE, SINGLE = "cv_resnet101_image-multiple-human-parsing", "cv_resnet101_image-single-human-parsing"


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        (("iic/" + MULTIPLE, "v1.0.1"), 1),
        (("iic/" + MULTIPLE, "master"), 2),
        (("damo/" + MULTIPLE, "v1.0.1"), 3),
        (("damo/" + MULTIPLE, "master"), 4),
    ],
    ids=str,
)
def test_a_model_is_looked_for_without_its_tag_and_under_its_old_owner(hub: Hub, known: tuple[str, str], asked: int) -> None:
    hub.known = {known}
    assert_same_weights(M2FP.load(), M2FP.load(FOLDER))
    assert len(hub.asked) == asked
    assert hub.asked[-1] == known


def test_the_single_person_model_is_asked_for_without_a_tag(hub: Hub) -> None:
    hub.known = set()
    with pytest.raises(WeightsError, match=r"ModelScope has no such model; asked for were iic/.*single.*, damo/"):
        M2FP.load(single_person=True)
    assert hub.asked == [("iic/" + SINGLE, "master"), ("damo/" + SINGLE, "master")]


def test_what_was_tried_is_said_where_nobody_knows_the_model(hub: Hub) -> None:
    hub.known = set()
    with pytest.raises(WeightsError) as refused:
        M2FP.load()
    assert f"iic/{MULTIPLE} at v1.0.1, iic/{MULTIPLE}, damo/{MULTIPLE} at v1.0.1, damo/{MULTIPLE}" in str(refused.value)
    assert "connection" not in str(refused.value)


JSON = b'{"Code": 1, "Message": "no", "Success": false}'
LOGIN = b"<!DOCTYPE html><title>Log in</title>"


@pytest.mark.parametrize(
    ("answer", "spoils", "said"),
    [
        ((401, "application/json", JSON), "files", r"does not hand out .* \(status 401\)"),
        ((403, "application/json", JSON), "files", r"does not hand out .* \(status 403\)"),
        ((403, "text/html", LOGIN), "files", r"does not hand out .* \(status 403\)"),
        ((407, "text/html", LOGIN), "files", "The proxy that this machine is set to use did not let"),
        ((418, "application/json", JSON), "files", r"does not understand the request \(status 418\)"),
        ((429, "application/json", JSON), "files", r"too many requests from this address, .* wait a few minutes"),
        ((500, "application/json", JSON), "files", r"itself has failed \(status 500\)"),
        ((502, "text/html", LOGIN), "files", r"itself has failed \(status 502\)"),
        ((200, "text/html", LOGIN), "files", "answered with a web page instead"),
        ((200, "text/html", LOGIN), "each file", "login page"),
        ((403, "application/json", JSON), "each file", r"does not hand out .* \(status 403\)"),
        ((429, "application/json", JSON), "each file", "too many requests from this address"),
    ],
)
def test_each_refusal_of_the_hub_has_its_own_sentence(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str, bytes], spoils: str, said: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.answer, hub.spoils = answer, spoils
    with pytest.raises(WeightsError, match=said) as refused:
        M2FP.load()
    assert "check the connection" not in str(refused.value)
    assert "\n" not in str(refused.value)
    hub.answer = None
    assert_same_weights(M2FP.load(), M2FP.load(FOLDER))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"MODELSCOPE_ENDPOINT": "http://127.0.0.1:9"}, "check the connection"),
        ({"MODELSCOPE_ENDPOINT": "http://nohost.invalid"}, "check the connection"),
        ({"NO_PROXY": "", "no_proxy": "", "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}, "The proxy"),
    ],
    ids=["refused", "no such host", "proxy"],
)
def test_out_of_reach(hub: Hub, settings: dict[str, str], said: str) -> None:
    program = "from parsing.models.m2fp.m2fp import M2FP\ntry: M2FP.load()\nexcept OSError as error: print(error)"
    environment = {**os.environ, **settings}  # a process of its own: the client keeps what it was told first
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, cwd=FOLDER.parents[2]
    )
    assert re.search(said, done.stdout), done.stdout + done.stderr
