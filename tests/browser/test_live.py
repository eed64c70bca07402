"""The camera, live: Chromium's pretended one, whose frames the server parses one at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, expect
from support.browsing import file_of, open_browser, rgba, serve, shown, upload, visit
from support.crowd_model import PHOTO, Crowd

import parsing
from parsing.result import Parsing
from parsing.stages import OnStage

CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


class Counted(Crowd):
    """Counts the frames that it has parsed, and those that were at work together."""

    def __init__(self) -> None:
        self.frames = 0
        self.at_once = 0
        self._lock = threading.Lock()

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        self.at_once = max(self.at_once, 1 + self._lock.locked())
        with self._lock:
            self.frames += 1
            time.sleep(0.05)
            return super().__call__(image, on_stage)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from open_browser(*CAMERA)


def test_the_camera_is_parsed_frame_by_frame_until_it_is_stopped(browser: Browser) -> None:
    model = Counted()
    for address in serve(parsing.Parser(model)):
        for page in visit(browser, address):
            in_flight, most = 0, 0

            def count(step: int) -> None:
                nonlocal in_flight, most
                in_flight += step
                most = max(most, in_flight)

            page.on("request", lambda request: count("component_server" in request.url))
            page.on("requestfinished", lambda request: count(-("component_server" in request.url)))
            camera = page.get_by_role("button", name="Live camera")
            camera.click()
            expect(page.locator(".rate")).to_contain_text("fps")
            page.wait_for_function("document.querySelector('.rate').textContent > '0'")
            for _ in range(100):
                if model.frames >= 5:
                    break
                page.wait_for_timeout(100)
            assert model.frames >= 5
            assert most == 1
            camera.click()
            expect(page.locator(".rate")).to_be_hidden()
            page.wait_for_timeout(500)
            frames, picture = model.frames, rgba(page)
            page.wait_for_timeout(500)
            assert model.frames == frames
            assert picture.shape[:2] == (480, 640)
            labels = Crowd()(picture[:, :, :3]).labels
            page.locator("#views [value=map]").check()
            np.testing.assert_array_equal(shown(page), parsing.render.LIP.colors[labels])

            camera.click()
            expect(page.locator(".rate")).to_be_visible()
            upload(page, file_of(PHOTO))  # a photo ends it
            assert shown(page, PHOTO.shape[:2]).shape == PHOTO.shape
            expect(camera).to_have_attribute("aria-pressed", "false")


def test_a_forbidden_camera_is_said_in_a_sentence(browser: Browser) -> None:
    for address in serve(parsing.Parser(Crowd())):
        for page in visit(browser, address):
            page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('no')) }")
            page.get_by_role("button", name="Live camera").click()
            expect(page.locator(".said")).to_have_text("The camera is not available to this page")
            expect(page.get_by_role("button", name="Live camera")).to_have_attribute("aria-pressed", "false")
