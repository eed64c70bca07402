"""A proxy in front of the app, as `docker run -p`, a Space or a school's web server puts one there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

HOP: frozenset[str] = frozenset({"connection", "transfer-encoding", "keep-alive"})


@contextmanager
def proxy(behind: str, prefix: str = "", strips: bool = True, headers: dict[str, str] | None = None) -> Iterator[str]:
    """The address at which a proxy shows what is behind it, without a slash at its end.

    Args:
        behind: the address of the app.
        prefix: the path at which it is shown, such as "/parsing"; elsewhere there is nothing.
        strips: whether the app is asked without that path.
        headers: what the proxy adds to every request; a value may name "{host}", by which it was asked.
    """

    class Handler(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            if not self.path.startswith(prefix + "/"):
                self.send_error(404)
                return
            path = self.path.removeprefix(prefix) if strips else self.path
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            sent = dict(self.headers.items())
            sent |= {name: value.format(host=self.headers["host"]) for name, value in (headers or {}).items()}
            with httpx.stream(self.command, behind + path, content=body, headers=sent, timeout=60) as answer:
                self.send_response_only(answer.status_code)
                for name, value in answer.headers.items():
                    if name not in HOP:
                        self.send_header(name, value)
                self.end_headers()
                for piece in answer.iter_raw():
                    self.wfile.write(piece)
                    self.wfile.flush()

        do_GET = do_POST = do_HEAD = pass_on  # noqa: N815, the names are http.server's

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A browser that has heard enough hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{prefix}"
    server.shutdown()
    server.server_close()
