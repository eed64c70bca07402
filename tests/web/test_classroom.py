"""A class opens photos all at once: none is lost, the order is kept, and whoever waits knows how long."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from numpy.typing import NDArray
from support.served import PHOTO, photo_file, serve, until
from support.striped_model import Stripes

import parsing
from parsing.stages import OnStage
from parsing.web.server import uploads

pytestmark = pytest.mark.alone

PAGES = 18


class Slow(Stripes):
    """Takes a fifth of a second, once it may begin; remembers how wide the photos were, in the order in which it got them."""

    def __init__(self) -> None:
        super().__init__()
        self.widths: list[int] = []
        self.may_begin = threading.Event()
        self.may_begin.set()

    def __call__(self, image: NDArray, on_stage: OnStage | None = None) -> parsing.Parsing:
        self.widths.append(image.shape[1])
        assert self.may_begin.wait(60)
        time.sleep(0.2)
        return super().__call__(image, on_stage)


def ask(address: str, page: int, name: str) -> str:
    """A page's call for an upload of this name; gives its session."""
    ticket = f"{page:032x} 1 en"
    body = {"session_hash": f"page{page}", "fn_index": 0, "data": [{"path": name}, None, ticket]}
    httpx.post(f"{address}/gradio_api/queue/join", json=body, timeout=20).raise_for_status()
    return f"page{page}"


def hear(address: str, session: str) -> list[Any]:
    """What the viewer of a page is told."""
    told: list[Any] = []
    with httpx.stream("GET", f"{address}/gradio_api/queue/data", params={"session_hash": session}, timeout=60) as answer:
        for line in answer.iter_lines():
            message = json.loads(line[5:]) if line.startswith("data:") else {}
            if message.get("msg") == "process_generating":
                told.append(message["output"])
            if message.get("msg") == "process_completed":
                assert message["success"], message
                break
    return told


@pytest.mark.parametrize("same", [True, False], ids=["one photo", "a photo each"])
def test_a_class_of_eighteen_loses_nothing_and_is_served_in_order(monkeypatch: pytest.MonkeyPatch, same: bool) -> None:
    monkeypatch.setattr(uploads, "READ_SECONDS", 0.0)
    model = Slow()
    model.may_begin.clear()
    widths = [20 if same else 20 + number for number in range(PAGES)]
    with serve(parsing.Parser(model)) as address, ThreadPoolExecutor(PAGES) as pages:
        names = []
        for width in widths:
            content = photo_file(PHOTO[:, :width])
            names += httpx.post(f"{address}/gradio_api/upload", files={"files": ("photo.png", content)}).json()
        assert len(set(names)) == PAGES
        sessions = [ask(address, number, name) for number, name in enumerate(names)]
        model.may_begin.set()
        heard = list(pages.map(lambda session: hear(address, session), sessions))
    assert [told for told in heard if '"maps"' not in json.dumps(told)] == []
    assert model.widths == widths
    assert any('"wait"' in json.dumps(told) for told in heard[5:])


def test_page_rest_and_programs_stand_in_one_line() -> None:
    with serve(parsing.Parser(Slow())) as address, ThreadPoolExecutor(8) as clients:
        ends: list[str] = []

        def predict() -> None:
            httpx.post(f"{address}/predict", files={"image": ("a.png", photo_file())}, timeout=60).raise_for_status()
            ends.append("rest")

        def page(number: int) -> None:
            (name,) = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.png", photo_file())}).json()
            hear(address, ask(address, number, name))
            ends.append("page")

        def program() -> None:
            (name,) = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.png", photo_file())}).json()
            call = httpx.post(f"{address}/gradio_api/call/parse", json={"data": [{"path": name}]}).json()
            answer = httpx.get(f"{address}/gradio_api/call/parse/{call['event_id']}", timeout=60)
            assert "event: complete" in answer.text
            ends.append("program")

        asked = []
        for number, (what, arguments) in enumerate([(predict, ()), (page, (1,)), (program, ()), (predict, ()), (page, (2,))]):
            asked.append(clients.submit(what, *arguments))
            until(lambda number=number: httpx.get(f"{address}/health").json()["waiting"] >= min(number, 1) or asked[0].done())
            time.sleep(0.05)
        for one in asked:
            one.result()
    assert sorted(ends) == ["page", "page", "program", "rest", "rest"]


def test_a_page_that_is_closed_frees_its_place() -> None:
    with serve(parsing.Parser(Slow())) as address:
        for number in range(6):
            (name,) = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.png", photo_file())}).json()
            with httpx.stream(
                "GET",
                f"{address}/gradio_api/queue/data",
                params={"session_hash": ask(address, number, name)},
                timeout=20,
            ) as answer:
                next(answer.iter_lines())
        until(lambda: httpx.get(f"{address}/health").json()["waiting"] == 0)
