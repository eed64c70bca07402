"""What a stranger may try on `python app.py`, started as users start it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.program import ROOT, Program, run_app

SECRET = "nobody's business"


@pytest.fixture(scope="module")
def app() -> Iterator[Program]:
    with run_app() as program:
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


def test_what_it_says_of_itself_while_attacked_is_no_traceback(app: Program) -> None:
    answer = httpx.post(f"{app.address}/gradio_api/queue/join", content=json.dumps({"data": []}), timeout=5)
    assert "Traceback" not in answer.text
