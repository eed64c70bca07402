"""Who is still there to hear an answer: the streams on which Gradio tells pages and programs what becomes of their calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

COMING_SECONDS: Final = 10.0
"""How long whoever has called may take to begin to listen."""


class Listeners:
    """The open streams of each session, in one event loop."""

    def __init__(self) -> None:
        self._streams: Counter[str] = Counter()
        self._waiting: set[asyncio.Event] = set()

    @contextmanager
    def listening(self, session: str) -> Iterator[None]:
        """While a stream of this session is open."""
        self._streams[session] += 1
        self._tell()
        try:
            yield
        finally:
            self._streams[session] -= 1
            if not self._streams[session]:
                del self._streams[session]
            self._tell()

    def present(self, session: str) -> bool:
        """Whether a stream of this session is open."""
        return self._streams[session] > 0

    async def gone(self, session: str) -> None:
        """Ends when a session has listened and does so no longer, or has not begun in time."""
        news = asyncio.Event()
        self._waiting.add(news)
        heard = self.present(session)
        try:
            while not heard or self.present(session):
                news.clear()
                await asyncio.wait_for(news.wait(), None if heard else COMING_SECONDS)
                heard = heard or self.present(session)
        except asyncio.TimeoutError:
            return
        finally:
            self._waiting.discard(news)

    def _tell(self) -> None:
        for news in self._waiting:
            news.set()
