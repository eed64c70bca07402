"""The page and REST as one application on one port, behind what guards both, and the server that runs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from parsing.web.modules import add_modules
from parsing.web.server.gate import Gate
from parsing.web.server.gradio_queue import Sessions, open_queue
from parsing.web.server.guard import SPACES, BasicAuth, BodyLimit, Prefix, SafeHeaders, Stopping
from parsing.web.server.hosts import KnownHosts
from parsing.web.server.prompt import PromptProtocol
from parsing.web.server.reception import Reception

TIDY_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Public:
    """Who may reach the app, and how.

    Attributes:
        origins: whose pages may read answers (CORS), such as "https://example.org"; "*" for all.
        credentials: "user:password", asked for everywhere but at `/health`; None to ask nobody.
        hosts: names under which it answers, beside this machine's own; "*" for all.
        frames: whose pages may show it in a frame; "*" for all.
        address: where visitors find it, where a proxy stands in front: "https://example.org/parsing", or only the path.
    """

    origins: Sequence[str] = ()
    credentials: str | None = None
    hosts: Sequence[str] = ()
    frames: Sequence[str] = ()
    address: str = ""


def join(
    page: gr.Blocks,
    rest: FastAPI,
    launch_options: dict[str, Any],
    reception: Reception,
    examples: Mapping[str, Path],
    public: Public | None = None,
    agents: Starlette | None = None,
) -> FastAPI:
    """The page at "/" beside the routes of REST.

    Args:
        page: what `build_page` gave.
        rest: what `build_rest` gave.
        launch_options: what the page's `launch` would be given.
        reception: what both share.
        examples: files that anybody may see, by the names that the page gives them.
        public: who may reach it; whoever can, by this machine's own names, where it is None.
        agents: what `build_agents` gave; None where there are to be no tools for language models.
    """
    public = public or Public()
    address = urlsplit(public.address)
    mounted = dict(launch_options)
    page.state_session_capacity = mounted.pop("state_session_capacity")
    for name in ("share", "quiet"):  # `launch` alone knows them, and both are off
        mounted.pop(name)
    open_queue(page, reception.turns.places)
    add_modules(rest)
    # From the inside out. With a CORSMiddleware around it, Gradio leaves these headers to it. A browser asks without a password
    # whether a script may send one, and lets the script read refusals, too, only with these headers.
    rest.add_middleware(BodyLimit)
    if public.credentials is not None:
        rest.add_middleware(BasicAuth, credentials=public.credentials)
    rest.add_middleware(CORSMiddleware, allow_origins=list(public.origins), allow_methods=["GET", "POST"], allow_headers=["*"])
    rest.add_middleware(KnownHosts, hosts=[*public.hosts, *filter(None, [address.hostname])])
    rest.add_middleware(Stopping)
    rest.add_middleware(SafeHeaders, frames=[*public.frames, *(SPACES if "SPACE_ID" in os.environ else ())])
    if address.path.strip("/"):
        rest.add_middleware(Prefix, path=address.path.rstrip("/"))
    if agents is not None:
        rest.router.routes.extend(agents.routes)
    rest.router.lifespan_context = lambda _: _tidy(page, reception, agents)
    app: FastAPI = gr.mount_gradio_app(rest, page, path="/", root_path=public.address.rstrip("/") or None, **mounted)
    mount = cast(Mount, app.routes[-1])
    mount.app = Gate(mount.app, page, reception.uploads, reception.listeners, examples)
    return app


@contextlib.asynccontextmanager
async def _tidy(page: gr.Blocks, reception: Reception, agents: Starlette | None) -> AsyncIterator[None]:
    """While it serves, what nobody needs any more is removed; at the end, everything. The agents' tools run meanwhile."""
    sessions = Sessions(page, reception.listeners)

    async def tidy() -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            for forget in (reception.uploads.sweep, *reception.forgets):
                await run_in_threadpool(forget)
            sessions.forget()

    task = asyncio.create_task(tidy())
    try:
        async with agents.router.lifespan_context(agents) if agents else contextlib.nullcontext():
            yield
    finally:
        task.cancel()
        reception.uploads.close()


class Server(uvicorn.Server):
    """Uvicorn that says when it listens, and when it begins to stop."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self.listening = listening
        self.stopping = stopping

    async def startup(self, *arguments: Any, **options: Any) -> None:
        await super().startup(*arguments, **options)
        if self.started:
            self.listening()

    async def shutdown(self, *arguments: Any, **options: Any) -> None:
        self.stopping()
        await super().shutdown(*arguments, **options)


def serve(app: FastAPI, host: str, port: int, listening: Callable[[], None], stopping: Callable[[], None]) -> None:
    """Serves until the process is interrupted or asked to end; calls `listening` when the port answers, and `stopping` before
    the first client is left without an answer.
    """
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
        Server(config, listening, stopping).run()
