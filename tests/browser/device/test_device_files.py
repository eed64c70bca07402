"""The files of Lite in the browser: what is done without some of them, and when they are damaged; how they are served."""

from __future__ import annotations

import gzip
import hashlib
import json

import numpy as np
import pytest
from playwright.sync_api import Page, Request, Route, expect
from support.browsing import upload, wait_for
from support.device import ASTRONAUT, DEVICE, choose, choose_device, read, sent

from parsing.web.device import RUNTIME
from parsing.web.device.network import WEIGHTS, network_files
from parsing.web.device.settings import device_settings
from tools.fetch_onnxruntime_web import CHECKSUMS


def test_in_a_page_that_is_not_isolated_one_thread_does(page: Page, address: str) -> None:
    def answer(route: Route) -> None:
        response = route.fetch()
        headers = {name: value for name, value in response.headers.items() if not name.startswith("cross-origin")}
        route.fulfill(response=response, headers=headers)

    page.route(f"{address}/", answer)
    page.reload()
    page.wait_for_selector("#parts input[name=Hair]")
    assert not page.evaluate("crossOriginIsolated")
    choose_device(page)
    upload(page, read(ASTRONAUT))
    wait_for(page, "1 person")


@pytest.mark.parametrize("file", ["page.js", "worker.js", "lite.weights"])
def test_what_cannot_be_fetched_is_said_and_even_then_nothing_is_sent(page: Page, requests: list[Request], file: str) -> None:
    page.route(f"**/{file}", lambda route: route.abort())
    choose(page, "device")
    status = page.locator("#models [role=status]")
    expect(status).to_contain_text("could not start in this browser, and nothing was sent")
    upload(page, read(ASTRONAUT))
    expect(page.locator(".said")).to_contain_text("could not start in this browser")
    expect(page.locator(".busy")).to_be_hidden()
    page.locator(".said").evaluate("said => said.replaceChildren()")  # what follows is about the camera
    page.get_by_role("button", name="Start camera").click()
    expect(page.locator(".said")).to_contain_text("could not start in this browser")
    assert sent(requests) == []


SPOILT = np.float16(np.nan).tobytes() + network_files()[WEIGHTS][2:]
KNOWN = {"files": {**device_settings()["files"], WEIGHTS: {"bytes": len(SPOILT), "sha256": hashlib.sha256(SPOILT).hexdigest()}}}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"settings.json": b"{}"}, "Lite could not start in this browser"),
        ({WEIGHTS: SPOILT}, "Lite’s file is not the one that belongs to this page, and was not used"),
        (
            {WEIGHTS: SPOILT, "settings.json": json.dumps({**device_settings(), **KNOWN}).encode()},
            "Lite could not start in this browser",
        ),
    ],
    ids=["settings", "model", "model-as-announced"],
)
def test_a_damaged_file_is_said_to_stand_in_the_way(page: Page, files: dict[str, bytes], said: str) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body=files[route.request.url.rpartition("/")[2]])

    for file in files:
        page.route(f"**/{file}", answer)
    choose(page, "device")
    expect(page.locator("#models [role=status]")).to_contain_text(said)
    upload(page, read(ASTRONAUT))
    expect(page.locator(".said")).to_contain_text(said)
    expect(page.locator(".busy")).to_be_hidden()


def test_the_runtime_is_the_one_that_was_checked() -> None:
    for name, checksum in CHECKSUMS.items():
        packed = RUNTIME / f"{name}.gz"
        content = gzip.decompress(packed.read_bytes()) if packed.is_file() else (RUNTIME / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == checksum


def test_the_files_are_for_keeping(page: Page, address: str) -> None:
    folder = f"{address}/{DEVICE}"
    for name, kind in (("lite.js", "text/javascript"), ("ort.js", "text/javascript"), ("settings.json", "application/json")):
        answer = page.request.get(folder + name)
        assert answer.headers["content-type"].startswith(kind)
        assert "immutable" in answer.headers["cache-control"]
    for name in ("settings.py", "__init__.py", "..%2Fguard.py"):
        assert page.request.get(folder + name).status == 404
