"""What stands between the network and all that is served, the page and REST alike: how large a request may be, who may ask, and
what the answers tell browsers. Each is one small ASGI application around another.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEGABYTE: Final = 1_000_000
MAX_BODY: Final = 64 * MEGABYTE
"""Bytes of one request: its photo, or its photos together."""
MAX_BODIES: Final = 1000 * MEGABYTE
"""Bytes of all requests being read or answered; files larger than a megabyte wait on disk, under no name."""
RETRY_SECONDS: Final = 10
PATIENCE_SECONDS: Final = 30.0
"""How long a body is waited for, and a second more for each `SLOWEST` bytes that have come."""
SLOWEST: Final = 10_000

SAFE_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    # A page apart from all others may compute with several threads, which the embedded model in the browser does.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
# Nothing is loaded from, or sent to, anywhere else.
_POLICY: Final = (
    "default-src 'self'; script-src 'self' blob: {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " font-src 'self' data:; connect-src 'self' data: blob:; media-src 'self' data: blob:; worker-src 'self' blob:;"
    " object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors {frames}"
)
PAGE_SCRIPTS: Final = "'unsafe-inline' 'unsafe-eval'"
"""Gradio's own page begins with scripts inside it, and draws its HTML components by what they evaluate."""
OTHER_SCRIPTS: Final = "'wasm-unsafe-eval'"
"""Of whatever is not the page: the worker in which the embedded model runs compiles WebAssembly."""
SPACES: Final = ("https://huggingface.co", "https://*.hf.space")
"""Who shows a Space in a frame."""
STOPPING: Final = "The server is being stopped; try again later."
_TOO_SLOW: Final = "The request came too slowly; send it over a faster connection, or make the photo smaller."


class SafeHeaders:
    """Adds `SAFE_HEADERS` to every answer, and a Content-Security-Policy.

    Args:
        app: what answers.
        frames: whose pages may show this one in a frame, such as "https://example.org"; "*" for all.
    """

    def __init__(self, app: ASGIApp, frames: Iterable[str] = ()) -> None:
        self.app = app
        allowed = " ".join(("'self'", *frames))
        self.of_page = _POLICY.format(scripts=PAGE_SCRIPTS, frames=allowed)
        self.of_others = _POLICY.format(scripts=OTHER_SCRIPTS, frames=allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers[name] = value
                headers["Content-Security-Policy"] = self.of_page if scope["path"] == "/" else self.of_others
            await send(message)

        await self.app(scope, receive, send_safely)


class Stopping:
    """Answers 503 where the server stops before an answer has begun.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        except asyncio.CancelledError:
            if scope["type"] != "http" or begun:
                raise
            await error_answer(503, STOPPING, {"Retry-After": "60", "Connection": "close"})(scope, receive, send)


class Prefix:
    """Takes away the path at which a proxy shows the page, where the proxy leaves it in what it asks for.

    Args:
        app: what answers.
        path: such as "/parsing".
    """

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and f"{scope['path']}/".startswith(f"{self.path}/"):
            path = scope["path"].removeprefix(self.path) or "/"
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self.app(scope, receive, send)


class BodyLimit:
    """Ends requests that are too large with 413 while they come in, those that come too slowly with 408, and with 503 where too
    much comes in at once.

    Args:
        app: what answers.
        largest: bytes of one request.
        together: bytes of all requests that are being read or answered.
    """

    def __init__(self, app: ASGIApp, largest: int = MAX_BODY, together: int = MAX_BODIES) -> None:
        self.app = app
        self.largest = largest
        self.together = together
        self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        receive = _in_time(receive)
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self.largest:
            if int(declared) <= 2 * self.largest and "expect" not in Headers(scope=scope):
                await _discard(receive, self.largest)
            await error_answer(413, self._too_large())(scope, receive, send)
            return
        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            size = len(message.get("body", b""))
            seen += size
            self.held += size
            refused = seen > self.largest or self.held > self.together
            if refused and message.get("more_body"):
                await _discard(receive, self.largest)
            if seen > self.largest:
                raise HTTPException(413, self._too_large())
            if refused:
                raise HTTPException(503, "Too many photos are being sent at once; try again soon.", _retry())
            return message

        try:
            await self.app(scope, receive_counted, send)
        finally:
            self.held -= seen

    def _too_large(self) -> str:
        return f"The request is larger than {self.largest // MEGABYTE} MB, the limit; send a smaller photo, or fewer at a time."


class BasicAuth:
    """Asks for a name and a password (RFC 7617), for everything but `/health`.

    Args:
        app: what answers.
        credentials: "user:password".
    """

    def __init__(self, app: ASGIApp, credentials: str) -> None:
        self.app = app
        self.credentials = credentials.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != "/health" and not self._knows(Headers(scope=scope)):
            refusal = error_answer(401, "A user name and a password are needed.")
            refusal.headers["WWW-Authenticate"] = 'Basic realm="Human Parsing", charset="UTF-8"'
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _knows(self, headers: Headers) -> bool:
        scheme, _, encoded = headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and secrets.compare_digest(given, self.credentials)


def error_answer(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that says in one sentence why not."""
    return JSONResponse({"error": sentence}, status, headers)


def _retry() -> dict[str, str]:
    return {"Retry-After": str(RETRY_SECONDS)}


def _in_time(receive: Receive) -> Receive:
    """The same, but it raises HTTPException 408 where the body comes too slowly; only the time spent waiting for it counts."""
    seen, waited, complete = 0, 0.0, False

    async def receive_in_time() -> Message:
        nonlocal seen, waited, complete
        if complete:  # what still comes is that the client has gone away
            return await receive()
        start = time.monotonic()
        try:
            message = await asyncio.wait_for(receive(), PATIENCE_SECONDS + seen / SLOWEST - waited)
        except asyncio.TimeoutError:
            raise HTTPException(408, _TOO_SLOW, {"Connection": "close"}) from None
        waited += time.monotonic() - start
        seen += len(message.get("body", b""))
        complete = not message.get("more_body")
        return message

    return receive_in_time


async def _discard(receive: Receive, most: int) -> None:
    """Reads on without keeping anything: a client that is still sending may never hear an answer."""
    with contextlib.suppress(HTTPException):  # one that is too slow as well
        while most > 0:
            message = await receive()
            most -= len(message.get("body", b""))
            if not message.get("more_body"):
                return
