"""The download from a mirror: a web server's folder, broken connections, and files that change meanwhile."""

from __future__ import annotations

import contextlib
import errno
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.weights_of import assert_same_weights

from parsing import files
from parsing.models.m2fp import download, weights
from parsing.models.m2fp.download import CHECKPOINT, CONFIGURATION, SLIM, WeightsError
from parsing.models.m2fp.m2fp import M2FP

FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"
SIZE = (FOLDER / CHECKPOINT).stat().st_size


class Mirror:
    """A web server's folder `/here`, answering to Range and If-Range.

    Attributes:
        folder: what it has.
        version: the ETag of every file.
        broken: how many times the checkpoint breaks off half-way.
        status: what it answers instead of 200.
        ranges: the Range header of each request for the checkpoint.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version = '"1"'
        self.broken = 0
        self.status = 200
        self.ranges: list[str | None] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                file = mirror.folder / self.path.removeprefix("/here/")
                if mirror.status != 200 or not file.is_file():
                    self.send_error(404 if mirror.status == 200 else mirror.status)
                    return
                data = file.read_bytes()
                same = self.headers.get("If-Range") == mirror.version
                start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if same else 0
                cut = len(data)
                if file.name == CHECKPOINT:  # before the answer, upon which the next request may come at once
                    mirror.ranges.append(self.headers.get("Range"))
                    if mirror.broken:
                        mirror.broken -= 1
                        cut //= 2
                self.send_response(206 if same else 200)
                self.send_header("ETag", mirror.version)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the client may have seen enough
                    self.wfile.write(data[start:cut])

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/here"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits before a broken download is taken up."""
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0)


@pytest.fixture
def mirror(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A mirror with a copy of the small model folder, which PARSING_MIRROR names."""
    mirror = Mirror(Path(shutil.copytree(FOLDER, tmp_path / "mirror")))
    monkeypatch.setenv("PARSING_MIRROR", mirror.address)
    yield mirror
    mirror.server.shutdown()
    mirror.server.server_close()


@pytest.mark.parametrize("file", [CHECKPOINT, SLIM])
def test_a_mirror_has_the_checkpoint_or_the_slim_copy_of_a_cache(
    mirror: Mirror, cache: Path, file: str, small_model: M2FP
) -> None:
    if file == SLIM:
        M2FP.load()
        (mirror.folder / CHECKPOINT).unlink()
        (cache / SLIM).rename(mirror.folder / SLIM)
    reports: list[tuple[int, int]] = []
    assert_same_weights(M2FP.load(progress=lambda done, total: reports.append((done, total))), small_model)
    assert reports[-1] == ((mirror.folder / file).stat().st_size,) * 2
    assert sorted(entry.name for entry in cache.iterdir()) == [CONFIGURATION, SLIM]


def test_the_address_may_name_the_model(mirror: Mirror, monkeypatch: pytest.MonkeyPatch, small_model: M2FP) -> None:
    mirror.folder.rename(mirror.folder.with_name("m2fp"))
    mirror.folder = mirror.folder.parent
    monkeypatch.setenv("PARSING_MIRROR", mirror.address + "/{model}/")
    assert_same_weights(M2FP.load(), small_model)


def test_a_connection_that_ends_is_taken_up(mirror: Mirror, small_model: M2FP) -> None:
    mirror.broken = 1
    assert_same_weights(M2FP.load(), small_model)
    assert mirror.ranges == [None, None, f"bytes={SIZE // 2}-"]


@pytest.mark.parametrize(("version", "taken_up"), [('"1"', True), ('"2"', False)], ids=["same", "changed"])
def test_the_next_start_goes_on_unless_the_file_has_changed(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, version: str, taken_up: bool, small_model: M2FP
) -> None:
    mirror.broken = 1
    with monkeypatch.context() as patch:
        patch.setattr(download, "TRIES", 1)
        with pytest.raises(WeightsError, match="could not be downloaded from the mirror"):
            M2FP.load()
    mirror.version = version
    assert_same_weights(M2FP.load(), small_model)
    assert mirror.ranges == [None, None, *[f"bytes={SIZE // 2}-"] * taken_up]


@pytest.mark.parametrize(
    ("status", "missing", "said"),
    [
        (200, [CONFIGURATION], f"has no {CONFIGURATION}."),
        (200, [CHECKPOINT], f"has no {SLIM} and no {CHECKPOINT}."),
        (403, [], "could not be downloaded .* (status 403)"),
        (502, [], "could not be downloaded .* (status 502)"),
    ],
)
def test_what_a_mirror_lacks_is_one_sentence(mirror: Mirror, status: int, missing: list[str], said: str) -> None:
    mirror.status = status
    for file in missing:
        (mirror.folder / file).unlink()
    with pytest.raises(WeightsError, match=said.replace("(", r"\(").replace(")", r"\)")) as error:
        M2FP.load()
    assert mirror.address not in str(error.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/srv/weights", "takes an address that begins with https://; for a folder there is PARSING_WEIGHTS"),
        ("file:///etc", "takes an address that begins with https://"),
        ("https://[", "could not be downloaded from the mirror"),
        ("http://127.0.0.1:1", "could not be downloaded from the mirror"),
        ("http://no host", "could not be downloaded from the mirror"),
    ],
)
def test_an_address_that_is_none_is_one_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch, address: str, said: str) -> None:
    monkeypatch.setenv("PARSING_MIRROR", address)
    with pytest.raises(WeightsError, match=said) as error:
        M2FP.load()
    assert "\n" not in str(error.value)


def test_a_slim_copy_that_is_of_no_use_does_not_stay(mirror: Mirror, cache: Path, small_model: M2FP) -> None:
    (mirror.folder / SLIM).write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="is damaged"):
        M2FP.load()
    (mirror.folder / SLIM).unlink()
    assert_same_weights(M2FP.load(), small_model)


@pytest.mark.skipif(files.fcntl is None, reason="Windows has no such locks")
def test_of_two_programs_that_start_at_once_one_fetches(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)

    def meet(folder: Path) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(1)

    monkeypatch.setattr(weights, "_check_space", meet)
    with ThreadPoolExecutor(2) as programs:
        for model in programs.map(lambda _: M2FP.load(), range(2)):
            assert model.name == "m2fp"
    assert mirror.ranges == [None]


@pytest.mark.skipif(files.fcntl is None, reason="Windows has no such locks")
@pytest.mark.usefixtures("mirror")
def test_a_disk_without_locks_takes_weights_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: object, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", refuse)
    assert M2FP.load().name == "m2fp"
