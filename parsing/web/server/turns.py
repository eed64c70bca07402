"""One photo at a time: a waiting line, in order of arrival, in front of the work that uses all cores.

A line has so many places; who finds none is told when to come again. Who goes away while waiting loses the place, and the work
is never begun. What has been begun is finished.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

Answer = TypeVar("Answer")

LONGEST_ADVICE: Final = 60
"""Seconds after which to come again, at most."""


class BusyError(Exception):
    """All places are taken.

    Attributes:
        seconds: after how many it may be worth coming again.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"The server is busy; try again in {seconds} seconds.")
        self.seconds = seconds


class GoneError(Exception):
    """Whoever asked has gone away, so that there is nobody to answer."""


class Turns:
    """The waiting line of one event loop.

    Args:
        places: how many may wait while one is served.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.waiting = 0
        self._turn = asyncio.Lock()  # first come, first served
        self._usual_seconds = 1.0

    async def take(self, work: Callable[[], Answer], gone: Callable[[], Awaitable[None]], begun: bool = False) -> Answer:
        """What `work` gives, called in a thread once it is its turn.

        Args:
            work: may hold what it needs, but should decode nothing before it is called.
            gone: what it gives ends when whoever asked has gone away.
            begun: whether this goes on with what has had a turn already, and so is never turned away.

        Raises:
            BusyError: there is no place left.
            GoneError: nobody is there any more; the work was not begun.
        """
        if self.waiting >= self.places and not begun:
            raise BusyError(min(LONGEST_ADVICE, math.ceil(self._usual_seconds * self.waiting / 2)))
        self.waiting += 1
        try:
            await self._wait(gone)
        finally:
            self.waiting -= 1
        start = time.monotonic()
        try:
            return await run_in_threadpool(work)
        finally:
            self._turn.release()
            self._usual_seconds += (time.monotonic() - start - self._usual_seconds) / 8

    async def _wait(self, gone: Callable[[], Awaitable[None]]) -> None:
        turn, leaving = asyncio.ensure_future(self._turn.acquire()), asyncio.ensure_future(gone())
        try:
            await asyncio.wait({turn, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                raise GoneError
        except BaseException:
            if not turn.cancel() and not turn.cancelled():  # the turn has come at the same moment: it is the next one's
                self._turn.release()
            raise
        finally:
            leaving.cancel()


async def gone(request: Request) -> None:
    """Ends when the client of a request, whose body has been read, goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
