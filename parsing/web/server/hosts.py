"""By which names this server answers: a stranger's page whose name is made to point here (DNS rebinding) gets nothing."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from parsing.web.server.guard import error_answer

ANY: Final = "*"
UNKNOWN: Final = "This server does not answer to that name; whoever runs it may add it with --hosts or PARSING_HOSTS."
NAMED: Final = (b"host", b"x-forwarded-host")
"""The headers that say by which name a client has come; behind a proxy, the second."""
DROPPED: Final = frozenset({b"x-gradio-server", b"x-forwarded-prefix", b"x-original-url", b"x-rewrite-url"})
"""Headers that Gradio or a framework would take for an address of this server; a client may have made them up."""


class KnownHosts:
    """Answers 421 to requests for a name that is not this server's.

    Names without a dot and addresses in numbers are always let through: no stranger's page can be at one. So are this machine's
    own.

    Args:
        app: what answers.
        hosts: more names, "*" for any; ".example.org" is every name below that.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self.app = app
        self.names = {name.lower() for name in (*hosts, *own_names())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked = [name for header in NAMED for name in headers.getlist(header.decode())]
        if not all(self._knows(name.strip()) for names in asked for name in names.split(",")):
            await error_answer(421, UNKNOWN)(scope, receive, send)
            return
        scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name not in DROPPED]}
        if headers.get("x-forwarded-proto", "http").split(",")[0].strip() not in ("http", "https"):
            del MutableHeaders(scope=scope)["x-forwarded-proto"]
        await self.app(scope, receive, send)

    def _knows(self, host: str) -> bool:
        if ANY in self.names:
            return True
        found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]{1,253})(:\d{1,5})?", host)
        if not found:
            return False
        name = found[1].strip("[]").lower().rstrip(".")
        if "." not in name or name.endswith(".localhost") or _is_address(name) or name in self.names:
            return True
        return any(known.startswith(".") and name.endswith(known) for known in self.names)


def own_names() -> set[str]:
    """The names of this machine, and of this Space. Nobody else is asked for them: that may take many seconds."""
    name = socket.gethostname().lower()
    return {name, f"{name}.local", os.environ.get("SPACE_HOST", name).lower()}


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
