"""By which names the server answers, who may frame it, and where a proxy may stand in front."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest
from support.served import serve
from support.striped_model import Stripes

import parsing
from parsing.web.serve import address_of


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    options = {"hosts": ["example.org", ".school.example"], "frames": ["https://school.example"]}
    with serve(parsing.Parser(Stripes()), **options) as address:
        yield address


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "localhost:5000"}, 200),
        ({"host": "127.0.0.1"}, 200),
        ({"host": "192.168.1.20:7860"}, 200),
        ({"host": "[::1]:7860"}, 200),
        ({"host": "teacher-laptop"}, 200),
        ({"host": socket.gethostname()}, 200),
        ({"host": "EXAMPLE.org:443"}, 200),
        ({"host": "a.b.school.example"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "school.example"}, 421),
        ({"host": "example.org.evil.example"}, 421),
        ({"host": "localhost@evil.example"}, 421),
        ({"host": "localhost, evil.example"}, 421),
        ({"x-forwarded-host": "example.org"}, 200),
        ({"x-forwarded-host": "evil.example"}, 421),
        ({"x-forwarded-host": "example.org, evil.example"}, 421),
        ({"x-gradio-server": "https://evil.example"}, 200),
        ({"x-forwarded-proto": "javascript"}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/", "/config", "/labels"])
def test_the_server_answers_to_its_own_names_only(address: str, path: str, headers: dict[str, str], status: int) -> None:
    answer = httpx.get(address + path, headers=headers)
    assert answer.status_code == status
    assert "evil" not in answer.text
    assert "javascript:" not in answer.text.split("<script", 1)[0]
    if status == 421:
        assert answer.json()["error"].startswith("This server does not answer to that name")


def test_any_name_where_that_was_asked_for() -> None:
    with serve(parsing.Parser(Stripes()), hosts=["*"]) as address:
        assert httpx.get(address, headers={"host": "anything.example"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/labels", "/nothing"])
def test_frames_are_for_whom_they_were_allowed(address: str, path: str) -> None:
    policy = httpx.get(address + path).headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://school.example")
    assert ("unsafe-eval" in policy.replace("wasm-unsafe-eval", "")) == (path == "/")


@pytest.mark.parametrize(
    ("public", "path", "root"),
    [
        ("/parsing", "/config", "http://localhost/parsing"),
        ("/parsing", "/parsing/config", "http://localhost/parsing"),
        ("https://example.org/parsing", "/config", "https://example.org/parsing"),
        ("https://example.org", "/config", "https://example.org"),
    ],
)
def test_the_page_names_the_address_at_which_a_proxy_shows_it(public: str, path: str, root: str) -> None:
    with serve(parsing.Parser(Stripes()), address=public) as address:
        assert httpx.get(address + path, headers={"host": "localhost"}).json()["root"] == root


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://localhost:7860"),
        ("0.0.0.0", "http://localhost:7860"),
        ("::", "http://localhost:7860"),
        ("::1", "http://[::1]:7860"),
        ("lab.example", "http://lab.example:7860"),
    ],
)
def test_the_address_that_is_printed_can_be_opened(host: str, address: str) -> None:
    assert address_of(host, 7860) == address
