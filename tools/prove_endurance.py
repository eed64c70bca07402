"""What the app is like after long abuse: `python -m tools.prove_endurance [--minutes 60] [--clients 8]`. Linux only.

Clients try everything in `tools.abuse` on `python app.py --model lite`, at random and all at once. The app's memory, threads,
open files and temporary folder are measured after a warm-up of the same kind, and again when all have gone; each time it has
had the minute that an upload is kept. Exit status 1 where the app does not answer, has logged a traceback, or has kept more
threads, open files or temporary files than before.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.load import resident
from tools.abuse import ABUSES

from support.program import Program, run_app  # isort: skip, `tools.abuse` says where it is

REST_SECONDS = 80
"""After which every upload is gone."""


@dataclass(frozen=True)
class State:
    """What the app has; memory in megabytes, temporary files in bytes."""

    memory: float
    threads: int
    open_files: int
    temporary_files: int
    temporary_bytes: int

    @classmethod
    def of(cls, app: Program) -> State:
        """What it and the process that decodes photos have together."""
        processes = [app.process.pid, *_children(app.process.pid)]
        files = [file for file in app.folder.rglob("*") if file.is_file()]
        return cls(
            memory=sum(resident(process) for process in processes),
            threads=sum(len(list(Path(f"/proc/{process}/task").iterdir())) for process in processes),
            open_files=sum(len(list(Path(f"/proc/{process}/fd").iterdir())) for process in processes),
            temporary_files=len(files),
            temporary_bytes=sum(file.stat().st_size for file in files),
        )


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def abuse(address: str, clients: int, seconds: float, seed: int) -> Counter[str]:
    """How often each abuse had each answer."""
    stop_at = time.monotonic() + seconds
    heard: Counter[str] = Counter()

    def client(number: int) -> None:
        dice = random.Random(seed + number)
        while time.monotonic() < stop_at:
            name, function = dice.choice(list(ABUSES.items()))
            try:
                answer = function(address, dice)
            except (httpx.HTTPError, OSError) as error:  # the server has hung up
                answer = type(error).__name__
            heard[f"{name}: {answer}"] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return heard


def main() -> int:
    """Prints one table; gives 1 where something was left behind."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--clients", type=int, default=8)
    chosen = options.parse_args()
    with run_app() as app:
        abuse(app.address, chosen.clients, min(60.0, 60 * chosen.minutes), seed=1000)
        time.sleep(REST_SECONDS)
        before = State.of(app)
        heard = abuse(app.address, chosen.clients, 60 * chosen.minutes, seed=0)
        time.sleep(REST_SECONDS)
        after = State.of(app)
        alive = httpx.get(f"{app.address}/health", timeout=20).json()["status"] == "ok"
        logged = app.log.read_text().count("Traceback")
    print(f"{chosen.minutes:g} minutes, {chosen.clients} clients, {heard.total()} requests")
    for what, count in sorted(heard.items()):
        print(f"  {what}: {count}")
    for name, was in vars(before).items():
        print(f"{name}: {was:.0f} before, {vars(after)[name]:.0f} after")
    print(f"answers: {alive}; tracebacks in the log: {logged}")
    kept = [name for name in ("threads", "open_files", "temporary_files") if vars(after)[name] > vars(before)[name]]
    return int(bool(kept) or logged > 0 or not alive)


if __name__ == "__main__":
    sys.exit(main())
