"""Many clients at once: `python -m benchmarks.load [--clients 30] [--seconds 120]`.

Starts the app with `lite` on this machine; every client sends photos to `POST /predict`, one after the other. Each request is
to be answered with 200, or with 503 and Retry-After; anything else is a lost request. Memory is the server's resident memory,
taken after a warm-up and again when all clients have gone. Linux only: it is read from /proc.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final

import httpx

from benchmarks.speed import jpeg

ROOT: Final = Path(__file__).parents[1]
ANSWER_SECONDS: Final = 180
"""After which a request counts as lost."""


class Client(threading.Thread):
    """Sends one photo after the other until it is time to stop; keeps what it heard.

    Attributes:
        seconds: how long each answer of 200 took.
        outcomes: how often it heard 200, 503, or something else, in words.
    """

    def __init__(self, address: str, photo: bytes, stop_at: float) -> None:
        super().__init__()
        self.address = address
        self.photo = photo
        self.stop_at = stop_at
        self.seconds: list[float] = []
        self.outcomes: Counter[str] = Counter()

    def run(self) -> None:
        with httpx.Client(timeout=ANSWER_SECONDS) as client:
            while time.monotonic() < self.stop_at:
                self.send(client)

    def send(self, client: httpx.Client) -> None:
        """One request; after a 503 it waits as it is told, though not beyond the end."""
        start = time.monotonic()
        try:
            answer = client.post(f"{self.address}/predict", files={"image": ("photo.jpg", self.photo, "image/jpeg")})
        except httpx.HTTPError as error:
            self.outcomes[f"lost: {type(error).__name__}"] += 1
            return
        if answer.status_code == 200 and answer.json()["result"].startswith("data:image/jpeg;base64,"):
            self.outcomes["200"] += 1
            self.seconds.append(time.monotonic() - start)
        elif answer.status_code == 503 and "retry-after" in answer.headers:
            self.outcomes["503"] += 1
            time.sleep(max(0.0, min(float(answer.headers["retry-after"]), self.stop_at - time.monotonic())))
        else:
            self.outcomes[f"lost: status {answer.status_code}"] += 1


def start_server() -> tuple[subprocess.Popen[bytes], str]:
    """The app on a free port, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "app.py", "--model", "lite", "--port", str(port)], cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    while server.poll() is None:
        try:
            httpx.get(f"{address}/health")
            return server, address
        except httpx.TransportError:
            time.sleep(0.2)
    raise SystemExit("The app did not start.")


def resident(process: int) -> float:
    """Resident memory of a process in megabytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def run_clients(address: str, photo: bytes, count: int, seconds: float) -> tuple[Counter[str], list[float]]:
    """Outcomes and the seconds of good answers of so many clients together."""
    stop_at = time.monotonic() + seconds
    clients = [Client(address, photo, stop_at) for _ in range(count)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return sum((client.outcomes for client in clients), Counter()), [time for client in clients for time in client.seconds]


def main() -> None:
    """Prints one table; exit status 1 where a request was lost."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--clients", type=int, default=30)
    options.add_argument("--seconds", type=float, default=120)
    options.add_argument("--side", type=int, default=1024, help="of the square photo, in pixels")
    chosen = options.parse_args()
    photo = jpeg((chosen.side, chosen.side))
    server, address = start_server()
    try:
        run_clients(address, photo, chosen.clients, min(5.0, chosen.seconds))
        before = resident(server.pid)
        start = time.monotonic()
        outcomes, seconds = run_clients(address, photo, chosen.clients, chosen.seconds)
        passed = time.monotonic() - start
        after = resident(server.pid)
    finally:
        server.terminate()
        server.wait(30)
    print(f"{chosen.clients} clients, {chosen.seconds:g} s, photos of {len(photo) / 1000:.0f} kB")
    for outcome, count in sorted(outcomes.items()):
        print(f"  {outcome}: {count}")
    if len(seconds) > 1:
        steps = statistics.quantiles(seconds, n=100, method="inclusive")
        print(f"seconds: median {steps[49]:.2f}, 95 % {steps[94]:.2f}, 99 % {steps[98]:.2f}, longest {max(seconds):.2f}")
        print(f"photos a second: {len(seconds) / passed:.1f}")
    print(f"resident memory: {before:.0f} MB before, {after:.0f} MB after")
    raise SystemExit(any(outcome.startswith("lost") for outcome in outcomes))


if __name__ == "__main__":
    main()
