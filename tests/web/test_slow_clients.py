"""Clients that send too slowly, or hold a connection and send nothing; and what is left of large photos: nothing."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.served import photo_file, serve, until
from support.striped_model import Stripes

import parsing
from parsing.web.server import guard, prompt

pytestmark = pytest.mark.alone

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n"
FORM = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
HUGE = HEAD % (guard.MAX_BODY + 1)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(parsing.Parser(Stripes())) as address:
        yield address


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(prompt, "HEAD_SECONDS", 1.0)


def trickle(address: str, at_once: bytes, then: bytes) -> bytes:
    """What the server says to a client that sends a part at once and then byte for byte, until it hangs up."""
    heard = b""
    with socket.create_connection(("127.0.0.1", urlsplit(address).port), timeout=0.1) as client:
        client.sendall(at_once)
        for position in range(300):
            try:
                client.sendall(then[position : position + 1])
                received = client.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:  # it has hung up before it had read everything
                return heard
            if not received:
                return heard
            heard += received
    raise AssertionError("The server did not hang up.")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("at_once", "then", "status", "said"),
    [
        (b"", b"", None, ""),
        (b"G", b"ET /labels HTTP/1.1\r\nHost: x\r\nX: " + bytes(300), 408, "head did not come within"),
        (HEAD % 5000, FORM + bytes(300), 408, "came too slowly"),
        ((HEAD % 5000).replace(b"/predict", b"/gradio_api/upload"), FORM + bytes(300), 408, "came too slowly"),
        (HUGE, bytes(300), 413, "larger than 64 MB"),
        (b"GET /labels HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /labels HTTP/1.1\r\nX: " + b"x" * 300, 200, "labels"),
        (HEAD.replace(b"/predict", b"/labels") % 5000, bytes(300), 405, "answers GET only"),
    ],
    ids=["nothing", "head", "body", "body for the page", "body nobody reads", "second head", "body after the answer"],
)
def test_who_does_not_get_on_is_hung_up_on(address: str, at_once: bytes, then: bytes, status: int | None, said: str) -> None:
    heard = trickle(address, at_once, then).decode()
    if status is None:
        assert heard == ""
    else:
        assert heard.startswith(f"HTTP/1.1 {status} ")
        assert said in json.dumps(json.loads(heard.rpartition("\r\n\r\n")[2]))


def test_who_sends_steadily_has_all_the_time_that_takes(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(guard, "SLOWEST", 100)
    photo = FORM + photo_file() + b"\r\n--b--\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(address).port), timeout=20) as client:
        client.sendall(HEAD % len(photo))
        step = len(photo) // 9
        for start in range(0, len(photo), step):
            time.sleep(0.2)
            client.sendall(photo[start : start + step])
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_large_photos_wait_in_files_without_a_name_that_vanish(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def open_files() -> int:
        count = 0
        for link in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                count += link.readlink().is_relative_to(tmp_path)
        return count

    photo = FORM + photo_file() + bytes(3_000_000) + b"\r\n--b--\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(address).port), timeout=20) as client:
        client.sendall(HEAD % len(photo) + photo[:2_500_000])
        until(lambda: open_files() == 1)
        assert not any(tmp_path.iterdir())
        client.sendall(photo[2_500_000:])
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
    until(lambda: open_files() == 0)
    assert not any(tmp_path.iterdir())
