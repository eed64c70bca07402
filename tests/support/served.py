"""A server for tests: the page and REST on a port of this machine, in a thread, with any model behind them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import uvicorn
from numpy.typing import NDArray
from support.pictures import encode

import parsing
from parsing.web.agents.tools import build_agents
from parsing.web.page.blocks import build_page, launch_options
from parsing.web.page.handlers import NAMED_EXAMPLES, Handlers
from parsing.web.photos import Photos
from parsing.web.rest.routes import build_rest
from parsing.web.server.background import BackgroundLoader
from parsing.web.server.prompt import PromptProtocol
from parsing.web.server.reception import Reception
from parsing.web.server.server import Public, join
from parsing.web.server.turns import PLACES, Turns

PHOTO = np.random.default_rng(11).integers(1, 256, (60, 48, 3), dtype=np.uint8)


def photo_file(pixels: NDArray[np.uint8] = PHOTO, form: str = "PNG", **options: Any) -> bytes:
    """The bytes of an image file."""
    return encode(pixels, form, **options)


def until(condition: Callable[[], bool]) -> None:
    """Waits for something to be so, ten seconds at most."""
    for _ in range(400):
        if condition():
            return
        time.sleep(0.025)
    raise AssertionError("It never came to that.")


@contextmanager
def serve(
    parser: parsing.Parser,
    places: int = PLACES,
    loader: BackgroundLoader | None = None,
    choice: str = "auto",
    **options: Any,
) -> Iterator[str]:
    """The address, without a slash at its end; `loader` and `choice` are those of `Photos`, `options` those of `Public`."""
    with serve_handlers(Handlers(Photos(parser, loader, choice, Reception(Turns(places)))), **options) as address:
        yield address


@contextmanager
def serve_handlers(handlers: Handlers, mcp: bool = False, **options: Any) -> Iterator[str]:
    """The same around handlers that are there already."""
    page, rest = build_page(handlers), build_rest(handlers.photos)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        agents = build_agents(handlers.photos) if mcp else None
        joined = join(page, rest, launch_options(), handlers.reception, NAMED_EXAMPLES, Public(**options), agents)
        config = uvicorn.Config(
            joined, http=PromptProtocol, log_level="critical", server_header=False, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)
