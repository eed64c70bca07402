"""A stand-in for ModelScope on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from parsing.models.m2fp.weights import CHECKPOINT

OFFICIAL = ("iic/cv_resnet101_image-multiple-human-parsing", "v1.0.1")


class Hub:
    """ModelScope's two routes for one model: the list of files, and a file, in ranges.

    Attributes:
        broken: how many times the checkpoint breaks off half-way.
        ranges: the Range header of each request for the checkpoint.
        known: which models it has, under which tags, "master" being the newest state.
        asked: what was asked for.
        answer: status, kind and content that it gives instead of the list of files, or, where `spoils` says so, of each file.
    """

    def __init__(self, folder: Path) -> None:
        self.broken = 0
        self.ranges: list[str | None] = []
        self.known = {OFFICIAL}
        self.asked: list[tuple[str, str]] = []
        self.answer: tuple[int, str, bytes] | None = None
        self.spoils = "files"
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                query = parse_qs(address.query)
                *_, owner, model, _ = address.path.removesuffix("/files").split("/")
                wanted = (f"{owner}/{model}", query.get("Revision", ["master"])[0])
                listing = address.path.endswith("/files")
                if listing:
                    hub.asked.append(wanted)
                if hub.answer and listing == (hub.spoils == "files"):
                    status, kind, body = hub.answer
                    self._send(status, body, {"Content-Type": kind})
                    return
                if wanted not in hub.known:
                    self._send(404, json.dumps({"Code": 10010205001, "Message": "no such tag", "Success": False}).encode())
                    return
                if address.path.endswith("/files"):
                    self._send(200, json.dumps({"Code": 200, "Success": True, "Data": {"Files": hub.listing(folder)}}).encode())
                    return
                data = (folder / query["FilePath"][0]).read_bytes()
                wanted = self.headers.get("Range")
                start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
                cut = None
                if query["FilePath"] == [CHECKPOINT]:
                    hub.ranges.append(wanted)
                    if hub.broken:
                        hub.broken -= 1
                        cut = len(data) // 2
                headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if wanted else {}
                self._send(206 if wanted else 200, data[start:], headers, cut)

            def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int | None = None) -> None:
                self.send_response(status)
                for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body[:cut])
                self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def listing(folder: Path) -> list[dict[str, Any]]:
        return [
            {
                "Name": file.name,
                "Path": file.name,
                "Type": "blob",
                "Size": file.stat().st_size,
                "Sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "Revision": "v1.0.1",
            }
            for file in folder.iterdir()
        ]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
