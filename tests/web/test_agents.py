"""The tools for language models, called by the client of the package mcp on a running server."""

from __future__ import annotations

import asyncio
import base64
import inspect
import io
import json
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from mcp import Client
from PIL import Image
from support.program import run_app
from support.served import PHOTO, photo_file, serve, until
from support.striped_model import Stripes

import parsing
from parsing.labels import PARTS
from parsing.render import VIEWS
from parsing.stages import OnStage
from parsing.web.agents.tools import build_agents
from parsing.web.photos import Photos

TEXT = base64.b64encode(photo_file()).decode()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(parsing.Parser(Stripes()), mcp=True) as served:
        yield served


def with_client(address: str, ask: Callable[[Client], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        async with Client(f"{address}/mcp") as client:
            return await ask(client)

    return asyncio.run(run())


def call(address: str, name: str, **arguments: Any) -> Any:
    return with_client(address, lambda client: client.call_tool(name, arguments))


def test_the_tools_say_what_they_are_for(address: str) -> None:
    tools = {tool.name: tool for tool in with_client(address, lambda client: client.list_tools()).tools}
    assert set(tools) == {"parse_photo", "draw_photo", "list_labels"}
    for tool in tools.values():
        assert len(tool.description) > 50
        fields = tool.input_schema["properties"]
        assert all(field.get("description") for field in fields.values())
    assert set(tools["draw_photo"].input_schema["properties"]) == {"photo"} | set(
        inspect.signature(parsing.composite).parameters
    ) - {"image", "parsing"}


@pytest.mark.parametrize("photo", [TEXT, f"data:image/png;base64,{TEXT}"])
def test_a_photo_is_parsed(address: str, photo: str) -> None:
    answer = call(address, "parse_photo", photo=photo)
    assert not answer.is_error
    found = json.loads(answer.content[0].text)
    expected = Stripes()(PHOTO)
    assert found["people"] == json.loads(json.dumps(expected.to_dict()["people"]))
    assert found["size"] == {"width": 48, "height": 60}
    assert found["shares"]["Hair"] == pytest.approx(expected.area()["Hair"])


EDGES = {"view": "recolor", "color": "#C2185B", "grow": -1, "feather": 2, "crop": True, "parts": ["Hair"]}


@pytest.mark.parametrize(
    "options", [{}, {"view": "map", "parts": ["Hair"], "person": 1}, {"opacity": 0.2}, {"palette": "safe"}, EDGES]
)
def test_a_picture_comes_back_as_a_picture(address: str, options: dict[str, Any]) -> None:
    (content,) = call(address, "draw_photo", photo=TEXT, **options).content
    assert (content.type, content.mime_type) == ("image", "image/png")
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(content.data))))
    np.testing.assert_array_equal(picture, parsing.composite(PHOTO, Stripes()(PHOTO), **options))


def test_labels_are_listed(address: str) -> None:
    found = json.loads(call(address, "list_labels").content[0].text)
    assert [label["name"] for label in found["labels"]] == [part.name for part in PARTS]
    assert found["views"] == list(VIEWS)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("parse_photo", {"photo": "no base 64!"}, "The photo is no base 64"),
        ("parse_photo", {"photo": base64.b64encode(b"words").decode()}, "This is not an image"),
        ("parse_photo", {"photo": "/etc/passwd"}, "is no"),
        ("parse_photo", {"photo": "http://localhost/photo.jpg"}, "The photo is no base 64"),
        ("draw_photo", {"photo": TEXT, "parts": ["Tail"]}, "There is no part 'Tail'"),
        ("draw_photo", {"photo": TEXT, "person": 7}, "There is no person 7"),
        ("draw_photo", {"photo": TEXT, "view": "x"}, "The argument 'view' is wrong: input should be 'overlay', "),
        (
            "draw_photo",
            {"photo": TEXT, "opacity": 7},
            "The argument 'opacity' is wrong: input should be less than or equal to 1.",
        ),
        ("draw_photo", {"photo": TEXT, "parts": "Hair"}, "The argument 'parts' is wrong: input should be a valid list."),
        ("draw_photo", {}, "The argument 'photo' is wrong: field required."),
        ("draw_photo", {"photo": TEXT, "palette": "x"}, "There is no palette 'x'"),
        ("draw_photo", {"photo": TEXT, "color": "pink"}, "A colour is written as #rrggbb"),
        ("draw_photo", {"photo": TEXT, "grow": 65}, "The argument 'grow' is wrong"),
        ("draw_photo", {"photo": TEXT, "feather": -1}, "The argument 'feather' is wrong"),
    ],
)
def test_what_cannot_be_done_is_said(address: str, name: str, arguments: dict[str, Any], said: str) -> None:
    answer = call(address, name, **arguments)
    assert answer.is_error
    assert said in answer.content[0].text
    assert "\n" not in answer.content[0].text


CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
HEADERS = {"Accept": "application/json, text/event-stream"}


def test_the_password_and_the_limits_hold() -> None:
    with serve(parsing.Parser(Stripes()), mcp=True, credentials="me:secret") as address:
        assert httpx.post(f"{address}/mcp", json=CALL, headers=HEADERS).status_code == 401
        assert httpx.post(f"{address}/mcp", json=CALL, headers=HEADERS, auth=("me", "secret")).status_code == 200
        large = httpx.post(f"{address}/mcp", content=b"x" * 64_000_001, headers=HEADERS, auth=("me", "secret"), timeout=60)
        assert large.status_code == 413


def test_it_is_off_unless_it_is_asked_for() -> None:
    with serve(parsing.Parser(Stripes())) as address:
        assert httpx.post(f"{address}/mcp", json=CALL, headers=HEADERS).status_code in (404, 405)


SENT = {"files": {"image": photo_file()}, "timeout": 60}


class Held(Stripes):
    """A model that begins when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def __call__(self, image: Any, on_stage: OnStage | None = None) -> parsing.Parsing:
        result = super().__call__(image, on_stage)
        self.go.wait(20)
        return result


def test_agents_wait_in_the_one_line() -> None:
    model = Held()
    with serve(parsing.Parser(model), places=1, mcp=True) as address:
        threads = [
            threading.Thread(
                target=httpx.post, args=(f"{address}/predict",), kwargs={"files": {"image": photo_file()}, "timeout": 60}
            )
            for _ in range(2)
        ]
        for number, thread in enumerate(threads):
            thread.start()
            until(lambda number=number: httpx.get(f"{address}/health").json()["waiting"] == number and model.calls == 1)
        answer = call(address, "parse_photo", photo=TEXT)
        model.go.set()
        for thread in threads:
            thread.join(20)
        assert answer.is_error
        assert "busy" in answer.content[0].text
        assert not call(address, "parse_photo", photo=TEXT).is_error


def test_as_users_start_it() -> None:
    with run_app("--mcp") as program:
        found = json.loads(call(program.address, "parse_photo", photo=TEXT).content[0].text)
        assert found["model"] == "lite"


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    with pytest.raises(ImportError, match=r"the extra mcp brings it"):
        build_agents(Photos(parsing.Parser(Stripes())))
