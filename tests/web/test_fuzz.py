"""Made-up calls of Gradio's routes: each is answered, by a sentence where it is refused, and nothing fails inside.

A short run by default; `make fuzz` sets FUZZ_EXAMPLES for a long one.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.served import serve
from support.striped_model import Stripes

import parsing
from parsing.web.server.allowed import CLOSED, OPEN
from parsing.web.server.payloads import CALLS, SERVER_CALLS

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "50"))
ANSWERS = {200, 404, 405, 413, 421, 422, 503}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(parsing.Parser(Stripes())) as address:
        yield address


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20) as client:
        yield client


calm = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
names = st.sampled_from([*CALLS, *SERVER_CALLS, "", "path", "label", "__class__", "../x", "/etc/passwd"])
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | names
file = st.fixed_dictionaries(
    {"path": plain, "meta": st.just({"_type": "gradio.FileData"})}, optional={"url": plain, "is_stream": plain}
)
anything = st.recursive(
    plain | file,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(names | st.text(max_size=8), inner, max_size=5),
    max_leaves=12,
)
sessions = st.just("fuzz") | plain
calls = st.fixed_dictionaries(
    {},
    optional={
        "data": st.lists(anything, max_size=7) | anything,
        "fn_index": st.integers(-2, 12) | plain,
        "session_hash": sessions,
        "event_id": plain,
        "trigger_id": plain,
        "event_data": anything,
        "batched": plain,
        "simple_format": plain,
        "component_id": st.integers(0, 30) | plain,
        "fn_name": names | plain,
        "__proto__": anything,
    },
)
PARAMETERS = ("deep_link", "session_hash", "__sign", "page", "x")
ROUTES = ("queue/join", "call/parse", "call/recolor", "component_server/", "cancel", "reset")


def assert_answered(answer: httpx.Response, caplog: pytest.LogCaptureFixture) -> None:
    assert answer.status_code in ANSWERS, (answer.status_code, answer.text)
    if answer.status_code != 200:
        assert list(answer.json()) == ["error"]
    assert "Traceback" not in answer.text
    assert [record for record in caplog.records if record.exc_info] == []


@calm
@given(route=st.sampled_from(ROUTES), body=calls | anything)
def test_a_made_up_call_is_answered(
    address: str, client: httpx.Client, caplog: pytest.LogCaptureFixture, route: str, body: object
) -> None:
    caplog.set_level(logging.ERROR)
    content = json.dumps(body).encode()
    answer = client.post(f"{address}/gradio_api/{route}", content=content, headers={"content-type": "application/json"})
    assert_answered(answer, caplog)
    assert client.get(f"{address}/health").json()["status"] == "ok"


@calm
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]),
    path=st.sampled_from([route.path for route in OPEN] + list(CLOSED)) | st.text(max_size=60).map(lambda text: "/" + text),
    part=st.text(max_size=30) | st.sampled_from(["..", "%2e%2e", "/etc/passwd", "http://127.0.0.1:1", "\0"]),
    query=st.dictionaries(
        st.sampled_from(["deep_link", "session_hash", "__sign", "page", "x"]), st.text(max_size=20), max_size=3
    ),
)
def test_a_made_up_address_is_answered(
    address: str,
    client: httpx.Client,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    part: str,
    query: dict[str, str],
) -> None:
    caplog.set_level(logging.ERROR)
    if "heartbeat" in path:  # it never ends
        return
    asked = "".join(quote(part if braces else piece, safe="" if braces else "/=") for braces, piece in _pieces(path))
    answer = client.request(method, address + asked, params=query)
    assert answer.status_code in ANSWERS | {400, 401}
    assert "Traceback" not in answer.text
    assert "root:" not in answer.text
    assert [record for record in caplog.records if record.exc_info] == []


def _pieces(path: str) -> Iterator[tuple[bool, str]]:
    """What stands in braces in a path, and what does not."""
    for number, piece in enumerate(path.replace("}", "{").split("{")):
        yield number % 2 == 1, piece
