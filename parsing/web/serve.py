"""`python app.py`: loads the models and serves the page, with REST beside it."""

from __future__ import annotations

import os
import signal
from threading import Thread

import parsing
from parsing.models.m2fp.weights import local_folder
from parsing.program import end_program
from parsing.web.agents.tools import build_agents
from parsing.web.page.blocks import build_page, launch_options
from parsing.web.page.handlers import NAMED_EXAMPLES, Handlers
from parsing.web.photos import Photos
from parsing.web.rest.routes import build_rest
from parsing.web.server.background import BackgroundLoader
from parsing.web.server.decoder import Decoder
from parsing.web.server.options import check_address, read_options
from parsing.web.server.server import Public, join, serve


def load_models(name: str, weights: str | None, size: str = "official") -> tuple[parsing.Parser, BackgroundLoader]:
    """The embedded model, and the loader of the larger one: at work for "auto", waiting for "lite", else ready.

    Raises:
        ValueError: there is no such model.
        OSError: M2FP was asked for and is out of reach, or the folder given holds no model.
    """
    if name in ("auto", "lite"):
        local_folder("m2fp", weights)  # a wrong folder is no reason to go on without it
        loader = BackgroundLoader(lambda progress: parsing.load("m2fp", weights=weights, progress=progress, size=size))
        if name == "auto":
            loader.start()
    else:
        larger = parsing.load(name, weights=weights, size=size)
        loader = BackgroundLoader(lambda _: larger, name)
        loader.start()
        loader.wait()
    return parsing.load("lite"), loader


def address_of(host: str, port: int) -> str:
    """Where a browser on this machine finds what listens there."""
    if host in ("127.0.0.1", "0.0.0.0", "::"):  # noqa: S104, only named
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def main(arguments: list[str] | None = None) -> None:
    """Loads the models and serves the page until interrupted; `arguments` are the words after the program's name, those of the
    process for None.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while a model is loaded, Ctrl-C ends the program without further words
    options = read_options(arguments)
    check_address(options.host, options.port)
    try:
        lite, loader = load_models(options.model, options.weights, options.size)
    except (ValueError, OSError, ImportError) as error:
        end_program(str(error))
    choice = options.model if options.model in ("auto", "lite") else "m2fp"
    decoder = Decoder()
    photos = Photos(lite, loader, choice, decode=decoder)
    handlers = Handlers(photos)
    try:
        agents = build_agents(photos) if options.mcp else None
    except ImportError as error:
        end_program(str(error))
    server = join(
        build_page(handlers),
        build_rest(photos),
        launch_options(),
        photos.reception,
        NAMED_EXAMPLES,
        Public(options.origins, options.auth, options.hosts, options.frames, options.address),
        agents,
    )
    title = (loader.parser or lite).title

    def listening() -> None:
        print(f"{title} at {address_of(options.host, options.port)}", flush=True)
        decoder.start()
        Thread(target=handlers.prepare_first, name="first photo", daemon=True).start()

    serve(server, options.host, options.port, listening, photos.reception.turns.stop)
    decoder.close()
    if loader.state.phase == "loading":
        os._exit(0)  # otherwise Python waits for the download, whose threads are not ours; the next start goes on where it is
