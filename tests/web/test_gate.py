"""The list of what may be asked of Gradio: complete, and kept to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from support.served import photo_file, serve
from support.striped_model import Stripes

import parsing
from parsing.web.page.blocks import build_page
from parsing.web.page.handlers import Handlers
from parsing.web.photos import Photos
from parsing.web.server.allowed import CLOSED, OPEN
from parsing.web.server.gate import find_route, read_parameters


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(parsing.Parser(Stripes())) as address:
        yield address


def gradio_routes() -> set[str]:
    """The paths that the installed Gradio serves."""
    page = build_page(Handlers(Photos(parsing.Parser(Stripes()))))
    app = gr.mount_gradio_app(FastAPI(), page, path="/").routes[-1].app
    routers = [app, *(route.original_router for route in app.routes if hasattr(route, "original_router"))]
    return {route.path for router in routers for route in router.routes if hasattr(route, "path")}


def test_every_route_of_the_installed_gradio_is_open_or_closed_on_purpose() -> None:
    served, known = gradio_routes(), {route.path for route in OPEN} | set(CLOSED)
    assert served - known == set(), "Gradio has new routes, which stay closed: add each to CLOSED, or to OPEN with its checks."
    assert known - served == set(), "Gradio does not have these routes any more: take them out of the list."


def test_every_open_route_has_patterns_for_its_parts_and_a_reason() -> None:
    for route in OPEN:
        assert set(route.pattern().groupindex) == set(route.parts)
        assert route.why


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", re.sub(r"{[^}]*}", "0", path)) for path in CLOSED if path != "/openapi.json"),
        *(("POST", re.sub(r"{[^}]*}", "0", path)) for path in CLOSED if path != "/openapi.json"),
        ("GET", "/gradio_api/proxy=http://127.0.0.1:1/"),
        ("GET", "/gradio_api/file=http://127.0.0.1:1/"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/deep_link?session_hash=s"),
        ("GET", "/config?deep_link=s"),
        ("POST", "/gradio_api/run/parse"),
        ("POST", "/gradio_api/api/parse"),
        ("POST", "/gradio_api/run/predict"),
        ("POST", "/gradio_api/call/v2/parse"),
        ("GET", "/monitoring/summary"),
        ("PUT", "/"),
        ("DELETE", "/gradio_api/queue/join"),
        ("GET", "/static/" + "x" * 5000),
        ("GET", "/assets/%00"),
        ("GET", "/gradio_api/proxy=%00"),
        ("GET", "/nothing"),
    ],
)
def test_what_is_not_on_the_list_is_not_there(address: str, method: str, path: str) -> None:
    answer = httpx.request(method, address + path)
    assert answer.status_code == 404
    assert answer.json() == {"error": "There is nothing at this address."}


@pytest.mark.parametrize(
    ("path", "query", "passed"),
    [
        ("/", "utm_source=x&deep_link=y", {}),
        ("/", "__sign=a.b-c&__theme=dark", {"__sign": "a.b-c"}),
        ("/", "%ff", {}),
        ("/config", "", {}),
        ("/config", "__sign=abc", {"__sign": "abc"}),
        ("/config", "deep_link=x", None),
        ("/config", "__sign=a%20b", None),
        ("/gradio_api/queue/data", "session_hash=abc", {"session_hash": "abc"}),
        ("/gradio_api/queue/data", "session_hash=abc&session_hash=d", None),
        ("/gradio_api/queue/data", "session_hash=..%2f", None),
    ],
)
def test_gradio_sees_only_parameters_that_are_on_the_list(path: str, query: str, passed: dict[str, str] | None) -> None:
    route, _ = find_route("GET", path)
    assert read_parameters(query.encode(), route) == passed


SESSION = "abc123"
FILE = {"path": "0" * 32, "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("queue/join", {"session_hash": SESSION, "fn_index": 99, "data": []}, 404),
        ("queue/join", {"session_hash": SESSION, "fn_index": "a", "data": []}, 422),
        ("queue/join", {"session_hash": SESSION, "fn_index": True, "data": []}, 422),
        ("queue/join", {"session_hash": "../x", "fn_index": 0, "data": [None, None, ""]}, 422),
        ("queue/join", {"session_hash": SESSION, "fn_index": 0, "data": []}, 422),
        ("queue/join", {"session_hash": SESSION, "fn_index": 0, "data": [FILE, "menu", ""]}, 422),
        ("queue/join", {"session_hash": SESSION, "fn_index": 0, "data": [FILE, None, "x" * 1000]}, 422),
        ("queue/join", [], 422),
        ("queue/join", "text", 422),
        ("call/nothing", {"data": []}, 404),
        ("call/upload", {"data": [1]}, 404),
        ("call/parse", {}, 422),
        ("call/recolor", {"data": [FILE]}, 422),
        ("call/recolor", {"data": [FILE, None, 1e300, "overlay", "lip", None, 0, 0, False, None]}, 422),
        ("call/recolor", {"data": [FILE, None, 0.5, "overlay", "lip", 1.5, 0, 0, False, None]}, 422),
        ("call/recolor", {"data": [FILE, None, 0.5, "overlay", "lip", 1, 0, 0, "yes", None]}, 422),
        ("component_server/", {"component_id": 1, "fn_name": "label", "session_hash": SESSION, "data": 1}, 404),
        ("component_server/", {"component_id": 10**6, "fn_name": "begin_photo", "session_hash": SESSION, "data": "x"}, 404),
        ("component_server/", {"component_id": 1, "fn_name": "begin_photo", "session_hash": SESSION, "data": {}}, 422),
        ("component_server/", {"fn_name": "begin_photo"}, 422),
        ("cancel", {"session_hash": SESSION}, 422),
    ],
)
def test_a_call_that_the_page_would_not_make_is_refused_in_a_sentence(address: str, path: str, body: Any, status: int) -> None:
    answer = httpx.post(f"{address}/gradio_api/{path}", json=body)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b'{"data": NaN}',
        b'{"fn_index": 1e999}',
        b"[" * 100_000,
        b'{"session_hash": "\\ud800"}',
        b"\xff",
        b"1" * 5000,
    ],
)
def test_what_is_no_json_is_refused_in_a_sentence(address: str, body: bytes) -> None:
    answer = httpx.post(f"{address}/gradio_api/queue/join", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert list(answer.json()) == ["error"]


def test_a_form_of_thousands_of_parts_is_refused_and_leaves_nothing(address: str) -> None:
    files = [("files", (f"{number}.png", b"x")) for number in range(500)]
    answer = httpx.post(f"{address}/gradio_api/upload", files=files)
    assert (answer.status_code, list(answer.json())) == (413, ["error"])


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"", {}),
        (b"x", {"content-type": "multipart/form-data"}),
        (b"x", {"content-type": "multipart/form-data; boundary=b"}),
        (b"--b\r\n\r\n", {"content-type": "multipart/form-data; boundary=b"}),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nx", {"content-type": "multipart/form-data; boundary=b"}),
    ],
)
def test_what_is_no_form_is_refused_in_a_sentence(address: str, content: bytes, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{address}/gradio_api/upload", content=content, headers=headers)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_an_upload_gets_a_name_that_nobody_can_guess_and_is_shown_as_a_picture_only(address: str) -> None:
    files = [
        ("files", ("../../evil.html", b"<script>")),
        ("files", ("photo.png", photo_file())),
        ("files", ("photo.png", photo_file())),
    ]
    page, first, second = httpx.post(f"{address}/gradio_api/upload", files=files).json()
    assert len({page, first, second}) == 3
    assert all(len(name) == 32 for name in (page, first, second))
    shown = httpx.get(f"{address}/gradio_api/file={first}")
    assert (shown.content, shown.headers["content-type"]) == (photo_file(), "image/png")
    assert httpx.get(f"{address}/gradio_api/file={page}").status_code == 404


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info"])
def test_no_folder_of_the_server_is_named(address: str, path: str) -> None:
    text = httpx.get(address + path).text
    for folder in ("/examples/astronaut", "/tmp/", "site-packages", "/home/", "/root/"):
        assert folder not in text.replace("file=examples/", "")
