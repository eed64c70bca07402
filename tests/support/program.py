"""Programs that serve the page, in a process of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_served(address: str, program: subprocess.Popen[bytes]) -> None:
    """Waits until something answers there, on a busy machine five minutes at most; the program must not end meanwhile."""
    for _ in range(600):
        assert program.poll() is None
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
    raise AssertionError(f"Nothing is served at {address}.")


@dataclass
class Program:
    """A running app.

    Attributes:
        address: without a slash at its end.
        process: itself.
        log: what it writes on its standard error.
        folder: where it keeps its temporary files.
    """

    address: str
    process: subprocess.Popen[bytes]
    log: Path
    folder: Path


@contextmanager
def run_app(
    *arguments: str, command: Sequence[str] = (sys.executable, "app.py"), place: Path = ROOT, **environment: str
) -> Iterator[Program]:
    """`python app.py --model lite`, or another command that serves the page, with more arguments and variables, started in the
    folder `place`, once it answers; it is asked to end afterwards.
    """
    port = free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PARSING_", "GRADIO_", "SPACE_"))}
    words = [*command, "--model", "lite", "--port", str(port), *arguments]
    with tempfile.TemporaryDirectory() as own_place:
        log, folder = Path(own_place) / "log", Path(own_place) / "tmp"
        folder.mkdir()
        environment = {**own, "TMPDIR": str(folder), **environment}
        with log.open("wb") as written:
            process = subprocess.Popen(words, cwd=place, env=environment, stdout=written, stderr=written)
        try:
            wait_until_served(f"http://127.0.0.1:{port}/health", process)
            yield Program(f"http://127.0.0.1:{port}", process, log, folder)
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks a process to end, as `docker stop` does, and makes it end where it does not."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
