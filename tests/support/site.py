"""The page as static files, written and served by what `python -m http.server` is, from a folder below its root."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

from benchmarks.browser import SiteServer
from parsing.web.site.build import site_files, write_site

PLACE = "some/where"
"""The folder that the site lies in, seen from the server."""


@dataclass
class Served:
    """A site that is served.

    Attributes:
        folder: where its files lie.
        address: of its page.
        asked: the files that were asked for, whose content went over the network.
        stop: the server answers no more.
    """

    folder: Path
    address: str
    asked: list[str] = field(default_factory=list)
    server: SiteServer | None = None

    def stop(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None


@contextmanager
def serve_site(root: Path, files: dict[str, bytes] | None = None) -> Iterator[Served]:
    """The site, written into `PLACE` below this folder, and served."""
    write_site(files or site_files(), root / PLACE)

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            if code == 200:
                site.asked.append(self.path.removeprefix(f"/{PLACE}/").partition("?")[0])

        def log_message(self, format: str, *arguments: Any) -> None:
            """What a browser breaks off is of no interest."""

    server = SiteServer(("127.0.0.1", 0), partial(Handler, directory=str(root)))
    site = Served(root / PLACE, f"http://127.0.0.1:{server.server_port}/{PLACE}/", server=server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield site
    site.stop()
