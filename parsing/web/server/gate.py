"""The gate in front of Gradio: what is not in `allowed.OPEN` is answered with 404 in one shape, and what a call carries is
checked.

Photos are taken in by the gate itself, and files are given out by it: Gradio never opens anything by a name that came from
outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import gradio as gr
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from parsing.web.server import payloads
from parsing.web.server.allowed import EVERYWHERE, OPEN, SESSION, Route
from parsing.web.server.forms import take_photos
from parsing.web.server.guard import error_answer
from parsing.web.server.listeners import Listeners
from parsing.web.server.payloads import UnknownError, WrongError
from parsing.web.server.uploads import Uploads

NOTHING: Final = "There is nothing at this address."
PATTERNS: Final = tuple((route, route.pattern()) for route in OPEN)
KINDS: Final = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG": "image/png",
    b"RIFF": "image/webp",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}
"""Media types by a file's first bytes: an upload is shown as a picture or not at all."""


class Gate:
    """Lets through what the page and gradio_client need.

    Args:
        app: Gradio's.
        page: whose functions may be called.
        uploads: where photos go, and what may be seen again.
        listeners: who hears answers.
        examples: the files that anybody may see, by the names that the page gives them.
    """

    def __init__(
        self, app: ASGIApp, page: gr.Blocks, uploads: Uploads, listeners: Listeners, examples: Mapping[str, Path]
    ) -> None:
        self.app = app
        self.page = page
        self.uploads = uploads
        self.listeners = listeners
        self.examples = examples
        self.names = {index: str(function.api_name) for index, function in page.fns.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        try:
            answer = await self._pass(scope, receive, send)
        except UnknownError as error:
            answer = error_answer(404, str(error))
        except WrongError as error:
            answer = error_answer(422, str(error))
        except HTTPException as error:
            answer = error_answer(error.status_code, error.detail, error.headers)
        except ClientDisconnect:  # nobody is there to be answered
            return
        if answer is not None:
            await answer(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> Response | None:
        """The gate's own answer, or None where Gradio has answered."""
        found = find_route(scope["method"], scope["path"])
        if found is None:
            return error_answer(404, NOTHING)
        route, parts = found
        parameters = read_parameters(scope["query_string"], route)
        if parameters is None:
            return error_answer(404, NOTHING)
        scope = {**scope, "query_string": urlencode(parameters).encode()}
        match route.body:
            case "photo":
                return JSONResponse(await take_photos(Request(scope, receive), self.uploads))
            case "none":
                return await self._look(route, parts, parameters, scope, receive, send)
        body = payloads.read_json(await read_body(receive))
        checked = self._check(route, parts, body)
        if isinstance(checked, Response):
            return checked
        await self._hand_on(payloads.write_json(checked), scope, receive, send)
        return None

    async def _look(
        self, route: Route, parts: dict[str, str], parameters: dict[str, str], scope: Scope, receive: Receive, send: Send
    ) -> Response | None:
        if "path_or_url" in parts:
            return self._show(parts["path_or_url"])
        if route.path.endswith("/upload_progress"):
            return Response('data: {"msg": "done"}\n\n', media_type="text/event-stream")
        session = parameters.get("session_hash") or parts.get("event_id")
        if session is None:
            await self.app(scope, receive, send)
            return None
        if session not in self.page._queue.pending_messages_per_session:
            return error_answer(404, "There is no such call; it may have been answered already.")
        with self.listeners.listening(session):
            await self.app(scope, receive, send)
        return None

    def _show(self, name: str) -> Response:
        """A file that the server has named itself."""
        path = self.examples.get(name) or self.uploads.find(name)
        kind = None if path is None else picture_kind(path)
        if path is None or kind is None:
            return error_answer(404, NOTHING)
        return FileResponse(path, media_type=kind, headers={"Cache-Control": "private, max-age=3600"})

    def _check(self, route: Route, parts: dict[str, str], body: dict[str, Any]) -> dict[str, Any] | Response:
        """A call, made anew from what was sent."""
        match route.body:
            case "call":
                return {"data": payloads.check_call(body, parts["api_name"])}
            case "join":
                index = payloads.whole(body.get("fn_index"))
                trigger = payloads.optional(payloads.whole)(body.get("trigger_id"))
                return {
                    "data": payloads.check_call(body, self.names.get(index, "")),
                    "fn_index": index,
                    "trigger_id": trigger if trigger in self.page.blocks else None,
                    "session_hash": payloads.pattern(SESSION)(body.get("session_hash")),
                }
            case "server":
                checked = payloads.check_server_call(body)
                if checked["component_id"] not in self.page.blocks:
                    raise UnknownError("There is no such component.")
                return checked
            case "cancel":
                return payloads.check_cancel(body)
        return JSONResponse({"success": True})  # a reset; Gradio itself does nothing on it

    async def _hand_on(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets Gradio answer a call, and stops it where whoever has called goes away meanwhile."""
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"content-length", b"content-type")]
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        sent = False

        async def receive_once() -> Message:
            nonlocal sent
            if sent:
                return await asyncio.Event().wait()  # type: ignore[return-value]
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        answering = asyncio.ensure_future(self.app({**scope, "headers": headers}, receive_once, send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not answering.done():
                answering.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await answering


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The row of the list, and what stands in its braces; None where there is none."""
    for route, pattern in PATTERNS:
        if method in route.methods.split() and (match := pattern.fullmatch(path)):
            return route, match.groupdict()
    return None


def read_parameters(query: bytes, route: Route) -> dict[str, str] | None:
    """What Gradio may see of an address's parameters; None where there is one too many, or one is not as it should be."""
    allowed = {**EVERYWHERE, **route.parameters}
    try:
        given = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        return {} if route.drops else None
    right = [(name, value) for name, value in given if name in allowed and re.fullmatch(allowed[name], value)]
    whole = len(right) == len(given) == len(dict(given))
    return dict(right) if whole or route.drops else None


async def read_body(receive: Receive) -> bytes:
    """The body of a request, read to its end.

    Raises:
        HTTPException: 413 where it is larger than a call can be.
    """
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > payloads.MOST_JSON:
            raise HTTPException(413, f"The call is larger than {payloads.MOST_JSON // 1_000_000} MB; upload the photo first.")
        if not message.get("more_body"):
            return body


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def picture_kind(path: Path) -> str | None:
    """The media type of a file; None where a browser would not show it as a picture, or it is gone."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError:
        return None
    return next((kind for signature, kind in KINDS.items() if start.startswith(signature)), None)
