"""The app as users start it: `python app.py`, a process of its own on a port of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]


@dataclass
class Program:
    """A running app.

    Attributes:
        address: without a slash at its end.
        log: what it writes on its standard error.
    """

    address: str
    process: subprocess.Popen[bytes]
    log: Path


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def run_app(*arguments: str, **environment: str) -> Iterator[Program]:
    """`python app.py --model lite` with more arguments and variables, once it answers; ended as by Ctrl-C."""
    port = free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PARSING_", "GRADIO_"))}
    command = [sys.executable, "app.py", "--model", "lite", "--port", str(port), *arguments]
    address = f"http://127.0.0.1:{port}"
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(command, cwd=ROOT, env={**own, **environment}, stderr=log)
        program = Program(address, process, Path(log.name))
        try:
            _wait_until_served(program)
            yield program
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_served(program: Program) -> None:
    for _ in range(600):
        assert program.process.poll() is None, program.log.read_text()
        try:
            httpx.get(f"{program.address}/health", timeout=5)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"Nothing is served at {program.address}.")
