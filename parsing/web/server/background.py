"""Loads a model in the background: one thread, a state that anybody may read, and another try after a failure."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from parsing.models.m2fp.weights import Progress
from parsing.parser import Parser

WINDOW: Final = 20.0
SHORTEST: Final = 3.0
"""Seconds that a speed is taken from."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadState:
    """How far a model is.

    Attributes:
        phase: "idle" before the first start, then "loading", and at the end "ready" or "failed".
        fraction: of the download that is there, in [0, 1]; None while nothing is downloaded.
        error: one sentence for the user where the phase is "failed".
        seconds: that the rest of the download will take at the speed of late; None while that is not known.
    """

    phase: Literal["idle", "loading", "ready", "failed"]
    fraction: float | None = None
    error: str = ""
    seconds: float | None = None


class Forecast:
    """How long a download will still take, at the speed seen in the last `WINDOW` seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def __call__(self, now: float, done: int, total: int) -> float | None:
        """Seconds that are left when `done` of `total` bytes are there at the time `now`; None before anything can be said."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW:
            self._seen.popleft()
        start, there = self._seen[0]
        if now - start < SHORTEST or done <= there:
            return None
        return (total - done) * (now - start) / (done - there)


class BackgroundLoader:
    """Loads one parser in a thread of its own and keeps it. Thread-safe.

    Args:
        load: gives the parser, and tells how far its download is. An OSError, ValueError or ImportError that it raises carries
            one sentence for the user.
        name: of the model, as in `parsing.models`.
    """

    def __init__(self, load: Callable[[Progress], Parser], name: str = "m2fp") -> None:
        self.name = name
        self._load = load
        self._lock = threading.Lock()
        self._state = LoadState("idle")
        self._forecast = Forecast()
        self._parser: Parser | None = None
        self._finished = threading.Event()

    @property
    def state(self) -> LoadState:
        """How far it is now."""
        return self._state

    @property
    def parser(self) -> Parser | None:
        """The parser once it is ready, else None."""
        return self._parser

    def start(self) -> None:
        """Begins to load, again after a failure; does nothing while it loads or when it is ready."""
        with self._lock:
            if self._state.phase in ("loading", "ready"):
                return
            self._state = LoadState("loading")
            self._forecast = Forecast()
            self._finished.clear()
        # A daemon: whoever stops the program does not wait for a download.
        threading.Thread(target=self._run, name="load a model", daemon=True).start()

    def wait(self, seconds: float | None = None) -> LoadState:
        """The state once loading has ended, or after so many seconds; `start` comes first."""
        self._finished.wait(seconds)
        return self._state

    def _run(self) -> None:
        try:
            self._parser = self._load(self._report)
            state = LoadState("ready")
        except (OSError, ValueError, ImportError) as error:
            log.warning("%s", error)
            state = LoadState("failed", error=str(error))
        except Exception:  # whatever it was, somebody waits for an answer
            log.exception("A model could not be loaded")
            state = LoadState("failed", error="The model could not be loaded; the program's log says why.")
        self._state = state
        self._finished.set()

    def _report(self, done: int, total: int) -> None:
        # The last byte ends the download, not the loading: what follows has no measure.
        if 0 <= done < total:
            self._state = LoadState("loading", done / total, seconds=self._forecast(time.monotonic(), done, total))
        else:
            self._state = LoadState("loading")
