"""Programs that serve the page, in a process of their own."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_served(address: str, program: subprocess.Popen[bytes]) -> None:
    """Waits a minute at most until something answers there; the program must not end meanwhile."""
    for _ in range(120):
        assert program.poll() is None
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
    raise AssertionError(f"Nothing is served at {address}.")
