"""What a stranger may send to the app, one function each: photos, and much that is none. Each gives the answer in a word."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import httpx

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # what tests share
from support.hostile import HOSTILE, SEEDS, mutate  # noqa: E402

PHOTOS: Final = sorted((ROOT / "assets" / "examples").glob("*.jpg"))
ANSWER_SECONDS: Final = 120
PATHS: Final = ("/etc/passwd", "/dev/zero", "/proc/self/environ", "../../app.py", str(ROOT / "app.py"), "examples/../secret")
ROUTES: Final = ("queue/join", "call/parse", "call/recolor", "component_server/", "cancel", "reset", "run/parse")
FORM: Final = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'


def parse(address: str, dice: random.Random) -> str:
    """An example, by REST."""
    return _post(address, dice.choice(("predict", "parse")), dice.choice(PHOTOS).read_bytes())


def damaged_photo(address: str, dice: random.Random) -> str:
    """A picture file with some bytes changed, or made to do harm."""
    content = mutate(dice.choice(list(SEEDS.values())), dice) if dice.random() < 0.8 else dice.choice(list(HOSTILE.values()))[0]
    return _post(address, "predict", content)


def upload(address: str, dice: random.Random) -> str:
    """A file that is sent to the page and never asked for."""
    answer = httpx.post(
        f"{address}/gradio_api/upload", files={"files": ("a.png", dice.randbytes(200_000))}, timeout=ANSWER_SECONDS
    )
    return str(answer.status_code)


def broken_upload(address: str, dice: random.Random) -> str:
    """A client that leaves in the middle of a file."""
    with _connect(address) as client:
        client.sendall(_head("gradio_api/upload", 9_000_000) + FORM + bytes(dice.randrange(1, 2_000_000)))
    return "left"


def slow_client(address: str, dice: random.Random) -> str:
    """A client that sends a few bytes of a request, a second apart."""
    with _connect(address) as client, contextlib.suppress(ConnectionError):
        for piece in (_head("predict", 5000)[: dice.randrange(1, 90)], b"a", b"b", b"c"):
            client.sendall(piece)
            time.sleep(1)
    return "left"


def made_up_call(address: str, dice: random.Random) -> str:
    """A call of the page's functions that names files of the server."""
    file = {"path": dice.choice(PATHS), "meta": {"_type": "gradio.FileData"}}
    body = {
        "data": [file, dice.choice((None, "", 1e9, [file], {"a": file}))],
        "fn_index": dice.randrange(-2, 14),
        "session_hash": dice.choice(("abuse", "", "a" * 5000, None)),
    }
    answer = httpx.post(f"{address}/gradio_api/{dice.choice(ROUTES)}", content=json.dumps(body), timeout=ANSWER_SECONDS)
    return str(answer.status_code)


def made_up_address(address: str, dice: random.Random) -> str:
    """The address of a file of the server."""
    route = dice.choice(
        ("gradio_api/file=", "static/", "assets/", "modules/", "", "gradio_api/deep_link?session_hash=", "svelte/")
    )
    name = dice.choice(PATHS)
    name = quote(name, safe="") if dice.random() < 0.5 else name
    return str(httpx.get(f"{address}/{route}{name}", timeout=ANSWER_SECONDS).status_code)


ABUSES: Final[dict[str, Callable[[str, random.Random], str]]] = {
    function.__name__: function
    for function in (parse, damaged_photo, upload, broken_upload, slow_client, made_up_call, made_up_address)
}
"""By name."""


def _post(address: str, route: str, content: bytes) -> str:
    return str(httpx.post(f"{address}/{route}", files={"image": ("a", content)}, timeout=ANSWER_SECONDS).status_code)


def _connect(address: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(address).port), timeout=10)


def _head(route: str, length: int) -> bytes:
    kind = "multipart/form-data; boundary=b"
    return f"POST /{route} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode()
