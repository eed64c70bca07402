"""The page and REST as one application on one port, behind what guards both, and the server that runs it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from parsing.web.modules import add_modules
from parsing.web.server.guard import BasicAuth, BodyLimit, SafeHeaders
from parsing.web.server.prompt import PromptProtocol


def join(
    page: gr.Blocks,
    rest: FastAPI,
    launch_options: dict[str, Any],
    origins: Sequence[str] = (),
    credentials: str | None = None,
) -> FastAPI:
    """The page at "/" beside the routes of REST.

    Args:
        page: what `build_page` gave.
        rest: what `build_rest` gave.
        launch_options: what the page's `launch` would be given.
        origins: whose pages may read answers (CORS), such as "https://example.org"; "*" for all.
        credentials: "user:password", asked for everywhere but at `/health`; None to ask nobody.
    """
    mounted = dict(launch_options)
    page.state_session_capacity = mounted.pop("state_session_capacity")
    for name in ("share", "quiet"):  # `launch` alone knows them, and both are off
        mounted.pop(name)
    # Only `launch` says so itself. Without it, Gradio takes any file that a request names for one of the app's own.
    page.has_launched = True
    page.api_open = False  # no call passes by the queue
    add_modules(rest)
    # From the inside out. With a CORSMiddleware around it, Gradio leaves these headers to it.
    rest.add_middleware(CORSMiddleware, allow_origins=list(origins), allow_methods=["GET", "POST"], allow_headers=["*"])
    rest.add_middleware(BodyLimit)
    if credentials is not None:
        rest.add_middleware(BasicAuth, credentials=credentials)
    rest.add_middleware(SafeHeaders, framed="SPACE_ID" in os.environ)
    return gr.mount_gradio_app(rest, page, path="/", **mounted)


class Server(uvicorn.Server):
    """Uvicorn that says when it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self.listening = listening

    async def startup(self, *arguments: Any, **options: Any) -> None:
        await super().startup(*arguments, **options)
        if self.started:
            self.listening()


def serve(app: FastAPI, host: str, port: int, listening: Callable[[], None]) -> None:
    """Serves until the process is interrupted or asked to end; calls `listening` when the port answers."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a container is stopped as by Ctrl-C: the cache is emptied
        signal.signal(number, signal.default_int_handler)
    config = uvicorn.Config(
        app,
        host,
        port,
        http=PromptProtocol,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=2,
    )
    with contextlib.suppress(KeyboardInterrupt):
        Server(config, listening).run()
