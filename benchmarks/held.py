"""What a page in Chromium and the server behind it hold: script objects, elements, listeners, memory."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from playwright.sync_api import Page

from benchmarks.load import resident

GROWTH: Final = 1.1
"""From this share of what it was, something has grown."""


@dataclass(frozen=True)
class Held:
    """What a page and its server hold, after a collection of garbage. The browser's process as a whole would tell less: as long
    as somebody drives the page, it keeps what was fetched.

    Attributes:
        heap: MB of the page's script objects.
        buffers: MB of its typed arrays.
        nodes: elements, texts and the like, also those that are not in the page any more.
        listeners: to events.
        server: MB resident of the server.
    """

    heap: float
    buffers: float
    nodes: int
    listeners: int
    server: float

    @classmethod
    def measure(cls, page: Page, server: int) -> Held:
        """Asks Chromium and the process with the number `server`."""
        session = page.context.new_cdp_session(page)
        for _ in range(3):  # what one collection lets go of may hold more
            session.send("HeapProfiler.collectGarbage")
            page.wait_for_timeout(200)
        heap = session.send("Runtime.getHeapUsage")
        counted = session.send("Memory.getDOMCounters")
        session.detach()
        megabytes = heap["usedSize"] / 1e6, heap["backingStorageSize"] / 1e6
        return cls(*megabytes, counted["nodes"], counted["jsEventListeners"], resident(server))

    def grown(self, first: Held) -> list[str]:
        """The names of what is more than a tenth above `first`."""
        return [field.name for field in fields(self) if getattr(self, field.name) > GROWTH * getattr(first, field.name)]
