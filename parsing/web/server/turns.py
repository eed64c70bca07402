"""One photo at a time: the one line of waiting, in order of arrival, in front of the work that uses all cores.

The page, its camera, REST and Gradio's interface all stand in it. It has so many places and holds so many bytes; who finds no
room is told when to come again. Who goes away while waiting loses the place, and the work is never begun. What has been begun
is finished.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from parsing.web.server.guard import STOPPING

Answer = TypeVar("Answer")

PLACES: Final = 64
"""Photos that may wait."""
MOST_BYTES: Final = 512_000_000
"""Of all photos that wait, as they came: compressed."""
LONGEST_ADVICE: Final = 60
"""Seconds after which to come again, at most."""
NEWS_SECONDS: Final = 1.0
"""How often whoever waits is told how long it still takes."""


class BusyError(Exception):
    """The line has no room for another photo.

    Attributes:
        seconds: after how many it may be worth coming again.
        full: what there is no room for: "places" or "bytes".
    """

    def __init__(self, seconds: int, full: str = "places") -> None:
        held = f"{MOST_BYTES // 1_000_000} MB of photos wait already, all that the server holds"
        why = "The server is busy" if full == "places" else held
        super().__init__(f"{why}; try again in {seconds} seconds.")
        self.seconds = seconds
        self.full = full


class GoneError(Exception):
    """Whoever asked has gone away, so that there is nobody to answer."""


class StoppingError(Exception):
    """The server is being stopped, so that no turn will come."""

    def __init__(self) -> None:
        super().__init__(STOPPING)


@dataclass(frozen=True)
class Standing:
    """Where somebody stands in the line.

    Attributes:
        place: 1 for whoever is next.
        seconds: after which the turn is expected to come.
    """

    place: int
    seconds: float


class Place:
    """A place in line, taken by `Turns.enter`; `leave` gives it up, or ends its turn."""

    def __init__(self, line: Turns, kind: str, size: int) -> None:
        self.line = line
        self.kind = kind
        self.size = size
        self.begun: float | None = None
        """When its turn began, in seconds of `time.monotonic`."""
        self._changed = asyncio.Event()

    async def standings(self, gone: Callable[[], Awaitable[None]]) -> AsyncGenerator[Standing, None]:
        """Where it stands, at once, at every change and every second, until its turn has come.

        Args:
            gone: what it gives ends when whoever asked has gone away.

        Raises:
            GoneError: nobody is there any more.
            StoppingError: the server is being stopped.
        """
        leaving = asyncio.ensure_future(gone())
        try:
            while self.begun is None:
                yield self.line.standing(self)
                self._changed.clear()
                if self.begun is not None:
                    return
                changed = asyncio.ensure_future(self._changed.wait())
                try:
                    await asyncio.wait({changed, leaving}, timeout=NEWS_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    changed.cancel()
                if self.line.stopping:
                    raise StoppingError
                if leaving.done():
                    raise GoneError
        finally:
            leaving.cancel()

    def leave(self) -> None:
        """Whoever stands behind moves up."""
        self.line.leave(self)

    def tell(self) -> None:
        """Something has changed for it."""
        self._changed.set()


class Turns:
    """The line of one event loop.

    Args:
        places: how many may wait while one is served.
        most_bytes: how many bytes their photos may have together.
    """

    def __init__(self, places: int = PLACES, most_bytes: int = MOST_BYTES) -> None:
        self.places = places
        self.most_bytes = most_bytes
        self.stopping = False
        self._line: list[Place] = []  # whoever is served stands at its head
        self._usual: dict[str, float] = {}  # seconds, by kind

    @property
    def waiting(self) -> int:
        """How many wait, without the one that is served."""
        return max(0, len(self._line) - 1)

    def enter(self, kind: str = "", size: int = 0, begun: bool = False) -> Place:
        """A place at the end of the line.

        Args:
            kind: works of one kind are expected to take equally long.
            size: bytes that are held meanwhile.
            begun: whether this goes on with what has had a turn already, and so is never turned away.

        Raises:
            BusyError: there is no room left.
            StoppingError: the server is being stopped.
        """
        if self.stopping:
            raise StoppingError
        if self._line and not begun:
            full = self.waiting >= self.places
            if full or sum(place.size for place in self._line) + size > self.most_bytes:
                seconds = math.ceil(sum(self._seconds(place) for place in self._line) / 2)
                raise BusyError(max(1, min(LONGEST_ADVICE, seconds)), "places" if full else "bytes")
        place = Place(self, kind, size)
        self._line.append(place)
        self._serve()
        return place

    def leave(self, place: Place) -> None:
        """Gives a place up, or ends its turn; once."""
        with contextlib.suppress(ValueError):
            self._line.remove(place)
            if place.begun is not None:
                took = time.monotonic() - place.begun
                before = self._usual.setdefault(place.kind, took)
                self._usual[place.kind] = before + (took - before) / 8
            self._serve()

    def standing(self, place: Place) -> Standing:
        """Where a place stands that still waits."""
        number = self._line.index(place)
        return Standing(number, sum(self._seconds(before) for before in self._line[:number]))

    def stop(self) -> None:
        """Turns everybody away that waits."""
        self.stopping = True
        for place in self._line:
            place.tell()

    async def take(
        self,
        work: Callable[[], Answer],
        gone: Callable[[], Awaitable[None]],
        kind: str = "",
        size: int = 0,
        begun: bool = False,
    ) -> Answer:
        """What `work` gives, called in a thread once it is its turn; the rest is as for `enter` and `Place.standings`.

        Args:
            work: may hold what it needs, but should decode nothing before it is called.
        """
        place = self.enter(kind, size, begun)
        try:
            async for _ in place.standings(gone):
                pass
            return await finish(work)
        finally:
            place.leave()

    def _serve(self) -> None:
        if self._line and self._line[0].begun is None:
            self._line[0].begun = time.monotonic()
        for place in self._line:
            place.tell()

    def _seconds(self, place: Place) -> float:
        """How long a place's work is still expected to take."""
        known = self._usual or {"": 1.0}
        usual = known.get(place.kind, sum(known.values()) / len(known))
        return usual if place.begun is None else max(0.0, usual - (time.monotonic() - place.begun))


async def finish(work: Callable[[], Answer]) -> Answer:
    """What `work` gives, called in a thread, and waited for even where whoever asked for it does not wait any longer: as long
    as it uses the cores, it is its turn.
    """
    working = asyncio.ensure_future(run_in_threadpool(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise


async def gone(request: Request) -> None:
    """Ends when the client of a request, whose body has been read, goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def never() -> None:
    """Ends by being cancelled only: whoever calls it waits for the answer, and is cancelled with it."""
    await asyncio.Event().wait()
