"""What the server remembers of an open page: which of its photos is the newest, and the parsing that it shows.

A page numbers what it asks for. An answer to an earlier photo is of no use to it any more, so that whoever works on one can see
that and stop. The parsing is kept for files to take away, for a choice of another model, and for a page that comes back to it;
an hour later, or when many others have come since, it is forgotten, those that no page shows first.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from parsing.web.photos import Shown

KEPT_SECONDS: Final = 3600.0
MOST_PAGES: Final = 64
MOST_PHOTOS: Final = 64
"""Of all pages together; each may be a photo of 2048 by 2048 with its parsing, 20 MB."""


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
    shown: int | None  # number of the photo on show
    touched: float


class Visits:
    """All open pages. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: OrderedDict[str, _Visit] = OrderedDict()
        self._photos: OrderedDict[tuple[str, int], Shown] = OrderedDict()  # by page and number

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
                visit.newest = visit.shown = ticket.serial
                self._photos[ticket.page, ticket.serial] = shown
                self._photos.move_to_end((ticket.page, ticket.serial))
                self._forget_photos()

    def shown(self, ticket: Ticket) -> Shown | None:
        """What the page shows, or None where it shows nothing or the server has forgotten it."""
        with self._lock:
            number = self._touch(ticket.page).shown
            return None if number is None else self._photos.get((ticket.page, number))

    def earlier(self, ticket: Ticket, number: int) -> Shown | None:
        """What the page has shown as this number, or None where the server has forgotten it."""
        with self._lock:
            self._touch(ticket.page)
            return self._photos.get((ticket.page, number))

    def _forget_photos(self) -> None:
        while len(self._photos) > MOST_PHOTOS:
            behind = (key for key in self._photos if self._visits[key[0]].shown != key[1])
            del self._photos[next(behind, next(iter(self._photos)))]

    def forget(self) -> None:
        """Forgets pages that have asked for nothing for an hour, and their photos."""
        with self._lock:
            self._forget_pages(time.monotonic())

    def _touch(self, page: str) -> _Visit:
        now = time.monotonic()
        visit = self._visits.setdefault(page, _Visit(0, None, now))
        visit.touched = now
        self._visits.move_to_end(page)
        self._forget_pages(now, visit)
        return visit

    def _forget_pages(self, now: float, newest: _Visit | None = None) -> None:
        while self._visits:
            page, oldest = next(iter(self._visits.items()))
            if oldest is newest or (len(self._visits) <= MOST_PAGES and now - oldest.touched < KEPT_SECONDS):
                return
            del self._visits[page]
            for key in [key for key in self._photos if key[0] == page]:
                del self._photos[key]
