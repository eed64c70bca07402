"""What the server remembers of an open page: which of its photos is the newest, and the parsing that it shows.

A page numbers what it asks for. An answer to an earlier photo is of no use to it any more, so that whoever works on one can see
that and stop. The parsing is kept for files to take away and for a choice of another model; an hour later, or when many others
have come since, it is forgotten.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from parsing.web.viewer.messages import Shown

KEPT_SECONDS: Final = 3600.0
MOST_PAGES: Final = 64
"""Each may hold a photo of 2048 by 2048 and its parsing, 20 MB."""


@dataclass(frozen=True)
class Ticket:
    """Which page asks, with which of its photos, in which language.

    Attributes:
        page: a random word that only this page knows.
        serial: 1, 2, ... in the order in which the page asked.
        language: "en" or "zh-CN".
    """

    page: str
    serial: int
    language: str

    @classmethod
    def read(cls, text: Any) -> Ticket | None:
        """The ticket written as "page serial language", or None where a browser sends anything else."""
        found = re.fullmatch(r"([0-9a-f]{32}) ([1-9][0-9]{0,9}) (en|zh-CN)", text) if isinstance(text, str) else None
        return found and cls(found[1], int(found[2]), found[3])


@dataclass
class _Visit:
    newest: int
    shown: Shown | None
    touched: float


class Visits:
    """All open pages. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: OrderedDict[str, _Visit] = OrderedDict()

    def begin(self, ticket: Ticket) -> None:
        """This photo is the page's newest, unless a later one is known."""
        with self._lock:
            visit = self._touch(ticket.page)
            visit.newest = max(visit.newest, ticket.serial)

    def is_newest(self, ticket: Ticket) -> bool:
        """Whether the page still waits for this photo."""
        with self._lock:
            return self._touch(ticket.page).newest <= ticket.serial

    def keep(self, ticket: Ticket, shown: Shown) -> None:
        """The page now shows this, unless it has asked for something later."""
        with self._lock:
            visit = self._touch(ticket.page)
            if visit.newest <= ticket.serial:
                visit.newest, visit.shown = ticket.serial, shown

    def shown(self, ticket: Ticket) -> Shown | None:
        """What the page shows, or None where it shows nothing or the server has forgotten it."""
        with self._lock:
            return self._touch(ticket.page).shown

    def _touch(self, page: str) -> _Visit:
        now = time.monotonic()
        visit = self._visits.setdefault(page, _Visit(0, None, now))
        visit.touched = now
        self._visits.move_to_end(page)
        while True:
            oldest = next(iter(self._visits.values()))
            if oldest is visit or (len(self._visits) <= MOST_PAGES and now - oldest.touched < KEPT_SECONDS):
                return visit
            self._visits.popitem(last=False)
