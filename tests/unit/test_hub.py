"""The download from ModelScope, its own client in between: from a stand-in, which breaks off, refuses and forgets."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.hub import OFFICIAL, Hub
from support.weights_of import assert_same_weights

from parsing.models.m2fp import weights
from parsing.models.m2fp.m2fp import M2FP
from parsing.models.m2fp.weights import CHECKPOINT, CONFIGURATION, SLIM, WeightsError

FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"


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


def test_a_download_leaves_the_slim_copy_alone_in_the_cache(hub: Hub, cache: Path, small_model: M2FP) -> None:
    reports: list[tuple[int, int]] = []
    model = M2FP.load(progress=lambda done, total: reports.append((done, total)))
    assert sorted(file.name for file in cache.iterdir()) == [CONFIGURATION, SLIM]
    assert (cache / SLIM).stat().st_mode == (cache / CONFIGURATION).stat().st_mode, "others may not read it"
    size = sum((FOLDER / file).stat().st_size for file in (CONFIGURATION, CHECKPOINT))
    assert reports[-1] == (size, size)
    requests = len(hub.ranges)
    again = M2FP.load()
    assert len(hub.ranges) == requests, "the cache was not used"
    assert_same_weights(model, small_model)
    assert_same_weights(again, small_model)


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
def test_a_model_is_looked_for_without_its_tag_and_under_its_old_owner(
    hub: Hub, known: tuple[str, str], asked: int, small_model: M2FP
) -> None:
    hub.known = {known}
    assert_same_weights(M2FP.load(), small_model)
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
    hub: Hub, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str, bytes], spoils: str, said: str, small_model: M2FP
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.answer, hub.spoils = answer, spoils
    with pytest.raises(WeightsError, match=said) as refused:
        M2FP.load()
    assert "check the connection" not in str(refused.value)
    assert "\n" not in str(refused.value)
    hub.answer = None
    assert_same_weights(M2FP.load(), small_model)
