"""`python app.py` as a program of its own, where ModelScope is out of reach or slow."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, expect
from support.browsing import visit
from support.hub import Hub
from support.program import free_port, wait_until_served

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "tests" / "golden" / "m2fp"


@pytest.fixture
def secluded(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment in which ModelScope is out of reach and nothing is cached."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PARSING_", "MODELSCOPE_", "GRADIO_"))}
        port = closed.getsockname()[1]
        yield {
            **own,
            "MODELSCOPE_ENDPOINT": f"http://127.0.0.1:{port}",
            "MODELSCOPE_CACHE": str(tmp_path / "modelscope"),
            "PARSING_CACHE": str(tmp_path / "cache"),
            "NO_PROXY": "127.0.0.1",
        }


def test_insisting_on_m2fp_out_of_reach_ends_with_a_sentence_and_status_2(secluded: dict[str, str]) -> None:
    command = [sys.executable, "app.py", "--model", "m2fp", "--port", str(free_port())]
    ended = subprocess.run(command, cwd=ROOT, env=secluded, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "could not be downloaded from ModelScope" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_automatic_out_of_reach_serves_with_lite_and_stops_when_told(browser: Browser, secluded: dict[str, str]) -> None:
    port = free_port()
    program = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)], cwd=ROOT, env=secluded, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}/"
        wait_until_served(address, program)
        for page in visit(browser, address):
            expect(page.locator("#models .failed")).to_contain_text("Lite goes on")
            page.locator("#examples button").first.click()
            expect(page.locator("#facts")).to_contain_text("Lite (embedded)")
    finally:
        program.terminate()
        program.wait(20)


class SlowHub(BaseHTTPRequestHandler):
    """Stands in for ModelScope with the small model, of which only the beginning ever comes."""

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "FilePath" not in query:
            self.answer(json.dumps({"Code": 200, "Success": True, "Data": {"Files": Hub.listing(WEIGHTS)}}).encode(), 1)
        elif query["FilePath"] == ["pytorch_model.pt"]:
            self.answer((WEIGHTS / "pytorch_model.pt").read_bytes(), 0.5)
            time.sleep(60)
        else:
            self.answer((WEIGHTS / query["FilePath"][0]).read_bytes(), 1)

    def answer(self, body: bytes, share: float) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: int(len(body) * share)])

    def log_message(self, *_: object) -> None:
        pass


def test_who_stops_the_program_need_not_wait_for_the_download(secluded: dict[str, str]) -> None:
    hub = ThreadingHTTPServer(("127.0.0.1", 0), SlowHub)
    hub.daemon_threads = True
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    port = free_port()
    environment = {**secluded, "MODELSCOPE_ENDPOINT": f"http://127.0.0.1:{hub.server_port}"}
    command = [sys.executable, "app.py", "--port", str(port)]
    program = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_served(f"http://127.0.0.1:{port}/", program)
        for _ in range(240):
            partial = list(Path(secluded["PARSING_CACHE"]).rglob("pytorch_model.pt*"))
            if partial and partial[0].stat().st_size:
                break
            time.sleep(0.25)
        assert partial
        program.terminate()
        assert program.wait(20) == 0
    finally:
        program.kill()
        hub.shutdown()
