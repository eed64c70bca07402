"""The camera, live: Chromium's pretended one, whose frames the server parses one at a time."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect
from support.browsing import file_of, open_browser, page_address, rgba, shown, upload, visit
from support.crowd_model import PHOTO, Crowd

import parsing
from parsing.result import Parsing
from parsing.stages import OnStage

CAMERA = ["--use-fake-device-for-media-stream=device-count=2", "--use-fake-ui-for-media-stream"]


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
    for address in page_address(parsing.Parser(model)):
        for page in visit(browser, address):
            in_flight: set[Request] = set()
            together: list[int] = []

            def begun(request: Request, in_flight: set[Request] = in_flight, together: list[int] = together) -> None:
                if "component_server" in request.url:
                    in_flight.add(request)
                    together.append(len(in_flight))

            page.on("request", begun)
            # also of a request that had begun before the listener: its end must not count below nothing
            page.on("requestfinished", lambda request, in_flight=in_flight: in_flight.discard(request))
            camera = page.locator(".camera")
            expect(camera).to_have_text("Start camera")
            camera.click()
            expect(camera).to_have_text("Stop camera")
            expect(page.locator(".rate")).to_contain_text("fps")
            page.wait_for_function("document.querySelector('.rate').textContent > '0'")
            for _ in range(100):
                if model.frames >= 5:
                    break
                page.wait_for_timeout(100)
            assert model.frames >= 5
            assert max(together) == 1
            camera.click()
            expect(page.locator(".rate")).to_be_hidden()
            page.wait_for_timeout(500)
            frames, picture = model.frames, rgba(page)
            page.wait_for_timeout(500)
            assert model.frames == frames
            assert picture.shape[:2] == (480, 640)
            labels = Crowd()(picture[:, :, :3]).labels[:, ::-1]  # a pretended camera counts as one that looks at whoever looks
            page.locator("#views [value=map]").check()
            np.testing.assert_array_equal(shown(page), parsing.render.LIP.colors[labels])

            page.locator("#people [value='2']").check()  # whoever that was, another film shows everybody
            camera.click()
            expect(page.locator("#people [value='0']")).to_be_checked()
            expect(page.locator(".rate")).to_be_visible()
            upload(page, file_of(PHOTO))  # a photo ends it
            assert shown(page, PHOTO.shape[:2]).shape == PHOTO.shape
            expect(camera).to_have_text("Start camera")


def test_while_nobody_sees_the_page_no_rate_is_said(browser: Browser) -> None:
    for address in page_address(parsing.Parser(Crowd())):
        for page in visit(browser, address):
            page.get_by_role("button", name="Start camera").click()
            expect(page.locator(".rate")).to_be_visible()
            for hidden in (True, False):
                page.evaluate(
                    """(hidden) => {
                        Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
                        document.dispatchEvent(new Event("visibilitychange"));
                    }""",
                    hidden,
                )
                expect(page.locator(".rate")).to_be_visible(visible=not hidden)


def test_a_camera_that_is_unplugged_is_said_and_may_be_started_again(browser: Browser) -> None:
    for address in page_address(parsing.Parser(Crowd())):
        for page in visit(browser, address):
            page.evaluate(
                """() => {
                    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
                    navigator.mediaDevices.getUserMedia = async (wish) => (window.stream = await ask(wish));
                }"""
            )
            for _ in range(2):
                page.get_by_role("button", name="Start camera").click()
                expect(page.locator(".rate")).to_be_visible()
                page.evaluate("window.stream.getTracks().forEach((track) => track.dispatchEvent(new Event('ended')))")
                expect(page.locator(".said")).to_have_text("The camera was unplugged or switched off")
                expect(page.locator(".camera")).to_have_text("Start camera")
                expect(page.locator(".rate")).to_be_hidden()


def test_a_screen_reader_hears_what_was_found_once_and_not_with_every_frame(browser: Browser) -> None:
    model = Counted()
    for address in page_address(parsing.Parser(model)):
        for page in visit(browser, address):
            page.evaluate(
                """() => {
                    window.said = 0;
                    const observer = new MutationObserver(() => window.said++);
                    observer.observe(document.querySelector("#facts .who"), { childList: true });
                }"""
            )
            page.get_by_role("button", name="Start camera").click()
            page.wait_for_function("parseFloat(document.querySelector('.rate').textContent) > 0")
            page.get_by_role("button", name="Stop camera").click()
            assert model.frames > 1
            assert page.evaluate("window.said") == 1


def test_photos_that_still_wait_do_not_end_the_camera(browser: Browser) -> None:
    for address in page_address(parsing.Parser(Counted())):
        for page in visit(browser, address):
            page.locator("#photo input").set_input_files([{**file_of(PHOTO[: 60 + i]), "name": f"{i}.png"} for i in range(4)])
            page.get_by_role("button", name="Start camera").click()
            expect(page.locator(".rate")).to_be_visible()
            expect(page.locator(".camera")).to_have_text("Stop camera")
            expect(page.locator(".strip li").last).to_have_attribute("data-state", "waiting")


def test_a_forbidden_camera_is_said_in_a_sentence(browser: Browser) -> None:
    for address in page_address(parsing.Parser(Crowd())):
        for page in visit(browser, address):
            page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('no')) }")
            page.get_by_role("button", name="Start camera").click()
            expect(page.locator(".said")).to_have_text("The camera is not available to this page")
            expect(page.locator(".camera")).to_have_text("Start camera")


def film(page: Page) -> NDArray[np.uint8]:
    """The last frame of a short film."""
    page.get_by_role("button", name="Start camera").click()
    page.wait_for_function("parseFloat(document.querySelector('.rate').textContent) > 0")
    page.get_by_role("button", name="Stop camera").click()
    page.wait_for_timeout(500)  # until the frame at work is drawn
    return shown(page, (480, 640))


@pytest.mark.parametrize("facing", ["user", "environment"])
def test_a_front_camera_is_shown_as_a_mirror_and_files_are_as_shown(browser: Browser, facing: str) -> None:
    asked: list[dict[str, Any]] = []
    for address in page_address(parsing.Parser(Crowd())):
        for page in visit(browser, address):
            page.evaluate(
                """(facingMode) => {
                    const settings = MediaStreamTrack.prototype.getSettings;
                    MediaStreamTrack.prototype.getSettings = function () { return { ...settings.call(this), facingMode }; };
                }""",
                facing,
            )
            page.on("request", lambda request: asked.append(request) if "component_server" in request.url else None)
            page.locator("#opacity input").fill("0")
            picture = film(page)
            sent = asked[-1].post_data_json["data"]["jpeg"]
            with Image.open(io.BytesIO(base64.b64decode(sent.partition(",")[2]))) as frame:
                seen = np.asarray(frame.convert("RGB")).astype(int)
            seen = seen[:, ::-1] if facing == "user" else seen
            assert np.abs(picture - seen).mean() < 3  # but for JPEG
            labels = Crowd()(picture).labels
            labels = labels[:, ::-1] if facing == "user" else labels
            with page.expect_download() as waiting:
                page.get_by_role("button", name="Label map").click()
            with Image.open(waiting.value.path()) as saved:
                np.testing.assert_array_equal(np.asarray(saved), labels)
            with page.expect_download() as waiting:
                page.get_by_role("button", name="JSON").click()
            found = json.loads(waiting.value.path().read_bytes())
            arm = next(part for part in found["parts"] if part["name"] == "Left-arm" and part["person"] == 1)
            person_of = Crowd()(picture).person_of
            person_of = person_of[:, ::-1] if facing == "user" else person_of
            assert arm["area"] == int(((labels == 14) & (person_of == 1)).sum())
            assert (arm["box"][0] > 320) == (facing == "user")  # the first person stands at the left in the world


def test_where_there_are_several_cameras_another_may_be_chosen(browser: Browser) -> None:
    for address in page_address(parsing.Parser(Crowd())):
        for page in visit(browser, address):
            page.evaluate(
                """() => {
                    window.asked = [];
                    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
                    navigator.mediaDevices.getUserMedia = (wish) => {
                        window.asked.push(wish.video.deviceId?.exact ?? "");
                        return ask(wish);
                    };
                }"""
            )
            cameras = page.get_by_label("Camera", exact=True)
            expect(cameras).to_be_hidden()
            picture = page.locator("#picture").bounding_box()
            page.get_by_role("button", name="Start camera").click()
            expect(cameras.locator("option")).to_have_count(2)
            expect(cameras).to_be_visible()
            assert page.locator("#picture").bounding_box() == picture  # nothing has moved
            first = cameras.input_value()
            second = next(value for one in cameras.locator("option").all() if (value := one.get_attribute("value")) != first)
            cameras.select_option(second)
            page.wait_for_function("window.asked.length === 2 && parseFloat(document.querySelector('.rate').textContent) > 0")
            assert page.evaluate("window.asked") == ["", second]
            assert cameras.input_value() == second
            page.get_by_role("button", name="Stop camera").click()
            expect(cameras).to_be_hidden()


def test_a_phone_hands_the_picture_on(browser: Browser) -> None:
    for address in page_address(parsing.Parser(Crowd())):
        for page in visit(browser, address):
            expect(page.locator("button.share")).to_be_hidden()  # this machine has nothing to share with
            page.add_init_script(
                """
                navigator.canShare = ({ files }) => files.length === 1;
                navigator.share = async ({ files: [file] }) => {
                    const { width, height } = await createImageBitmap(file);
                    window.shared = [file.name, file.type, width, height];
                };
                """
            )
            page.reload()
            page.wait_for_selector("#parts input[name=Hair]")
            upload(page, file_of(PHOTO))
            shown(page, PHOTO.shape[:2])
            page.get_by_role("button", name="Share").click()
            page.wait_for_function("window.shared")
            assert page.evaluate("window.shared") == ["photo-overlay.png", "image/png", PHOTO.shape[1], PHOTO.shape[0]]
