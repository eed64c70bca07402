"""What page, REST and agents share: uploads, the one waiting line, and which clients still listen for an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from parsing.web.server.listeners import Listeners
from parsing.web.server.turns import Turns
from parsing.web.server.uploads import Uploads


@dataclass
class Reception:
    """One for each server; page, REST and agents hold the same.

    Attributes:
        turns, uploads, listeners: see there.
        forgets: what is called every second to forget what nobody needs any more, besides uploads.
    """

    turns: Turns = field(default_factory=Turns)
    uploads: Uploads = field(default_factory=Uploads)
    listeners: Listeners = field(default_factory=Listeners)
    forgets: list[Callable[[], None]] = field(default_factory=list)
