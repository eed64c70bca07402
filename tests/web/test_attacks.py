"""What a stranger may try on `python app.py`, and on the wheel's `human-parsing serve`, started as users start them."""

from __future__ import annotations

import io
import resource
import secrets
import socket
import stat
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image
from support.program import ROOT, Program, end, run_app
from support.served import until
from support.wheel import install

SECRET = "nobody's business"


@pytest.fixture(scope="module", params=["checkout", "wheel"])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    if request.param == "checkout":
        with run_app() as program:
            yield program
        return
    built = tmp_path_factory.mktemp("built")
    installed = install(built)
    command = [sys.executable, str(installed / "bin" / "human-parsing"), "serve"]
    with run_app(command=command, place=built, PYTHONPATH=str(installed)) as program:
        yield program


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the server's user that is nobody else's business."""
    file = tmp_path / "secret.txt"
    file.write_text(SECRET)
    file.chmod(0o600)
    return file


def file_at(path: Path | str) -> dict[str, Any]:
    """A file as a page names it."""
    return {"path": str(path), "orig_name": "photo.png", "meta": {"_type": "gradio.FileData"}}


def hear(address: str, session: str) -> str:
    """All that the server has to say to a session."""
    heard = ""
    with httpx.stream("GET", f"{address}/gradio_api/queue/data", params={"session_hash": session}, timeout=20) as answer:
        for line in answer.iter_lines():
            heard += line
            if "process_completed" in line or "unexpected_error" in line:
                break
    return heard


@pytest.mark.parametrize("function", range(12))
def test_no_function_of_the_page_reads_a_file_that_was_not_uploaded(app: Program, secret: Path, function: int) -> None:
    session = secrets.token_hex(6)
    for data in ([file_at(secret)], [file_at(secret), None, ""], [file_at(secret), None], [file_at(secret), *[None] * 5]):
        body = {"session_hash": session, "fn_index": function, "data": data}
        joined = httpx.post(f"{app.address}/gradio_api/queue/join", json=body, timeout=20)
        heard = hear(app.address, session) if joined.status_code == 200 else joined.text
        assert SECRET not in heard
        link = httpx.get(f"{app.address}/gradio_api/deep_link", params={"session_hash": session}, timeout=20)
        name = link.json() if link.status_code == 200 else "none"
        config = httpx.get(f"{app.address}/config", params={"deep_link": name}, timeout=20).text
        assert "secret.txt" not in config
    assert not [file for file in app.folder.rglob("*") if file.is_file() and SECRET in file.read_text(errors="replace")]


@pytest.mark.parametrize("name", ["parse", "recolor"])
def test_no_picture_of_the_server_is_parsed_or_recoloured(app: Program, tmp_path: Path, name: str) -> None:
    picture = tmp_path / "private.jpg"
    picture.write_bytes((ROOT / "assets" / "examples" / "astronaut.jpg").read_bytes())
    data = [file_at(picture), None, 0, "overlay", "lip", None][: 1 if name == "parse" else 6]
    called = httpx.post(f"{app.address}/gradio_api/call/{name}", json={"data": data}, timeout=20)
    if called.status_code == 200:
        heard = httpx.get(f"{app.address}/gradio_api/call/{name}/{called.json()['event_id']}", timeout=60).text
        assert "event: complete" not in heard


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/random", "/proc/self/environ"])
def test_a_device_does_not_hang_the_server(app: Program, device: str) -> None:
    for function in range(8):
        body = {"session_hash": secrets.token_hex(6), "fn_index": function, "data": [file_at(device), None, ""]}
        httpx.post(f"{app.address}/gradio_api/queue/join", json=body, timeout=5)
        assert httpx.get(f"{app.address}/health", timeout=5).json()["status"] == "ok"


def upload(address: str, content: bytes, name: str = "photo.png") -> httpx.Response:
    return httpx.post(f"{address}/gradio_api/upload", files={"files": (name, content)}, timeout=60)


def in_folder(app: Program) -> list[Path]:
    """The uploads that lie on disk."""
    return [path for path in app.folder.glob("human-parsing-*/*") if path.name != "in-use"]


def many_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan is there so many times."""
    stream = io.BytesIO()
    Image.effect_noise((512, 512), 60).convert("RGB").save(stream, "JPEG", progressive=True)
    content = stream.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * count + content[-2:]


def test_a_jpeg_that_is_decoded_a_thousand_times_is_refused(app: Program) -> None:
    for count, status in ((1, 200), (1000, 415)):
        answer = httpx.post(f"{app.address}/predict", files={"image": ("a.jpg", many_scans(count))}, timeout=60)
        assert answer.status_code == status, answer.text
    assert "too many scans" in answer.json()["error"]


def test_uploads_lie_in_a_folder_of_the_process_for_its_user_only(app: Program) -> None:
    assert upload(app.address, b"content").status_code == 200
    (folder,) = app.folder.glob("human-parsing-*")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [file.read_bytes() for file in in_folder(app)].count(b"content") == 1


def test_an_upload_that_is_broken_off_leaves_nothing(app: Program) -> None:
    head = "POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000"
    head += "\r\nContent-Type: multipart/form-data; boundary=b"
    form = '--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    before = len(in_folder(app))
    address = urlsplit(app.address)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(f"{head}\r\n\r\n{form}".encode() + bytes(5_000_000))
        until(lambda: len(in_folder(app)) == before + 1)
    until(lambda: len(in_folder(app)) == before)


def test_an_upload_that_is_too_large_leaves_nothing(app: Program) -> None:
    before = len(in_folder(app))
    for content in (bytes(65_000_000), iter([bytes(1_000_000)] * 70)):
        kind = {"content-type": "multipart/form-data; boundary=b"}
        answer = httpx.post(f"{app.address}/gradio_api/upload", content=content, headers=kind, timeout=60)
        assert answer.status_code in (400, 413)
        assert max((file.stat().st_size for file in in_folder(app)), default=0) <= 64_000_000
    until(lambda: len(in_folder(app)) <= before)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux changes the limits of another process")
def test_a_disk_without_room_is_said_to_be_that_and_logged() -> None:
    with run_app() as app:
        resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        content = bytes(3_000_000)
        for answer in (
            upload(app.address, content),
            httpx.post(f"{app.address}/predict", files={"image": ("a.png", content)}, timeout=60),
        ):
            assert (answer.status_code, answer.headers["retry-after"] > "0") == (503, True)
            assert "its disk is full or cannot be written to" in answer.json()["error"]
        assert in_folder(app) == []
        assert app.log.read_text().count("could not be kept") == 2


@pytest.mark.alone
def test_stopping_answers_everybody_and_leaves_nothing() -> None:
    with run_app() as app, ThreadPoolExecutor(12) as clients:
        photo = (ROOT / "assets" / "examples" / "group-collage.jpg").read_bytes()

        def predict() -> int:
            return httpx.post(f"{app.address}/predict", files={"image": ("a.jpg", photo)}, timeout=60).status_code

        upload(app.address, photo)
        answers = [clients.submit(predict) for _ in range(12)]

        def all_have_come() -> bool:  # a connection that nobody has taken yet ends with the process, unanswered
            return httpx.get(f"{app.address}/health").json()["waiting"] + sum(answer.done() for answer in answers) > 10

        until(all_have_come)
        end(app.process)
        assert {answer.result() for answer in answers} <= {200, 503}
        assert list(app.folder.glob("human-parsing-*")) == []
        assert "Traceback" not in app.log.read_text()


def test_what_it_logs_while_attacked_is_no_traceback(app: Program) -> None:
    for body in ({"data": []}, {"session_hash": "s", "fn_index": 10**9, "data": [file_at("x")]}):
        httpx.post(f"{app.address}/gradio_api/queue/join", json=body, timeout=5)
    assert "Traceback" not in app.log.read_text()
