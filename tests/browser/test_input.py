"""Photos come in anywhere: dropped, pasted, chosen by a click on the empty stage, several at once."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from support.browsing import file_of, page_address, shown, upload, visit
from support.crowd_model import PHOTO, Crowd

import parsing
from parsing.result import Parsing
from parsing.stages import OnStage, Stage, Stages

SECOND = PHOTO[:, :100].copy()


def hand_over(page: Page, event: str, selector: str, *files: dict[str, object], text: str = "") -> None:
    """Drops or pastes files, or a text, as a browser reports it."""
    content = [[file["name"], file["mimeType"], base64.b64encode(file["buffer"]).decode()] for file in files]
    page.locator(selector).evaluate(
        """(target, [event, files, text]) => {
            const carried = new DataTransfer();
            for (const [name, type, content] of files) {
                const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
                carried.items.add(new File([bytes], name, { type }));
            }
            if (text) carried.setData("text/plain", text);
            const options = { bubbles: true, cancelable: true };
            const make = { paste: () => new ClipboardEvent("paste", { ...options, clipboardData: carried }) }[event];
            target.dispatchEvent(make ? make() : new DragEvent(event, { ...options, dataTransfer: carried }));
        }""",
        [event, content, text],
    )


@pytest.fixture
def empty_page(browser: Browser, address: str) -> Iterator[Page]:
    yield from visit(browser, address)


@pytest.mark.parametrize("place", ["#picture", "h1", "#parts", "#notes"])
def test_a_photo_may_be_dropped_anywhere(empty_page: Page, place: str) -> None:
    hand_over(empty_page, "dragover", place, file_of(PHOTO))
    expect(empty_page.locator("html")).to_have_attribute("data-dragging", "")
    hand_over(empty_page, "drop", place, file_of(PHOTO))
    np.testing.assert_array_equal(shown(empty_page, PHOTO.shape[:2]), parsing.composite(PHOTO, Crowd()(PHOTO)))
    expect(empty_page.locator("[data-dragging]")).to_have_count(0)


def test_a_folder_is_answered_and_photos_beside_it_are_taken(empty_page: Page) -> None:
    empty_page.evaluate(
        """() => {
            DataTransferItem.prototype.webkitGetAsEntry = function () {
                return { isDirectory: this.getAsFile().name === "folder" };
            };
        }"""
    )
    folder = {"name": "folder", "mimeType": "", "buffer": b""}
    hand_over(empty_page, "drop", "body", folder)
    expect(empty_page.locator(".said")).to_have_text("A folder cannot be dropped; drop the photos that are in it.")
    hand_over(empty_page, "drop", "body", folder, file_of(PHOTO))
    shown(empty_page, PHOTO.shape[:2])
    expect(empty_page.locator(".strip")).to_be_hidden()


def test_a_picture_may_be_pasted_and_a_text_is_answered_beside_the_picture(empty_page: Page) -> None:
    hand_over(empty_page, "paste", "body", text="some words")
    expect(empty_page.locator("#picture .said")).to_have_text("The clipboard holds no picture; copy a photo first.")
    hand_over(empty_page, "paste", "body", file_of(PHOTO))
    shown(empty_page, PHOTO.shape[:2])


def test_a_click_on_the_empty_stage_opens_the_files(empty_page: Page) -> None:
    with empty_page.expect_file_chooser() as waiting:
        empty_page.locator("#picture").click()
    waiting.value.set_files(file_of(PHOTO))
    shown(empty_page, PHOTO.shape[:2])


def test_several_photos_become_a_strip_and_are_parsed_one_by_one(empty_page: Page) -> None:
    broken = {**file_of(PHOTO), "name": "broken.png", "buffer": b"no picture"}
    hand_over(empty_page, "drop", "#picture", file_of(PHOTO), broken, {**file_of(SECOND), "name": "second.png"})
    thumbnails = empty_page.locator(".strip li")
    expect(thumbnails).to_have_count(3)
    shown(empty_page, SECOND.shape[:2])
    assert [one.get_attribute("data-state") for one in thumbnails.all()] == ["shown", "failed", "shown"]
    expect(empty_page.get_by_role("button", name="second.png")).to_have_attribute("aria-current", "true")
    empty_page.get_by_role("button", name="photo.png").click()
    np.testing.assert_array_equal(shown(empty_page, PHOTO.shape[:2]), parsing.composite(PHOTO, Crowd()(PHOTO)))
    upload(empty_page, file_of(SECOND))
    shown(empty_page, SECOND.shape[:2])
    expect(empty_page.locator(".strip")).to_be_hidden()


def test_a_thumbnail_brings_its_photo_back_without_parsing_it_again(browser: Browser) -> None:
    model = Counted()
    for address in page_address(parsing.Parser(model)):
        for page in visit(browser, address):
            hand_over(page, "drop", "#picture", file_of(PHOTO), {**file_of(SECOND), "name": "second.png"})
            expect(page.locator(".strip [data-state=shown]")).to_have_count(2)
            parsed = model.calls
            for name, photo in (("photo.png", PHOTO), ("second.png", SECOND), ("photo.png", PHOTO)):
                page.get_by_role("button", name=name).click()
                np.testing.assert_array_equal(shown(page, photo.shape[:2]), parsing.composite(photo, Crowd()(photo)))
            assert model.calls == parsed
            with page.expect_download() as waiting:
                page.get_by_role("button", name="Label map").click()
            with Image.open(waiting.value.path()) as saved:
                np.testing.assert_array_equal(np.asarray(saved), Crowd()(PHOTO).labels)


def test_a_photo_that_is_left_for_another_has_not_failed(browser: Browser) -> None:
    model = Held()
    for address in page_address(parsing.Parser(model)):
        for page in visit(browser, address):
            names = ("first", "second", "third")
            files = [{**file_of(PHOTO[: 60 + place]), "name": f"{name}.png"} for place, name in enumerate(names)]
            hand_over(page, "drop", "#picture", *files)
            expect(page.locator("#picture .busy")).to_contain_text("Parsing with Crowd")
            page.get_by_role("button", name="second.png").click()
            model.may_end.set()
            shown(page, (61, PHOTO.shape[1]))
            states = [one.get_attribute("data-state") for one in page.locator(".strip li").all()]
            assert states == ["waiting", "shown", "waiting"]


@pytest.mark.parametrize("form", ["png", "tiff"])
def test_a_photo_that_is_made_smaller_says_so_whatever_the_browser_can_read(empty_page: Page, form: str) -> None:
    wide = np.random.default_rng(1).integers(0, 256, (41, 4096, 3), dtype=np.uint8)
    upload(empty_page, file_of(wide, form))
    shown(empty_page, (20, 2048))
    expect(empty_page.locator("#facts")).to_contain_text("2048 × 20, made smaller from 4096 × 41")
    upload(empty_page, file_of(PHOTO, form))
    shown(empty_page, PHOTO.shape[:2])
    expect(empty_page.locator("#facts")).not_to_contain_text("made smaller")


class Counted(Crowd):
    """Counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        self.calls += 1
        return super().__call__(image, on_stage)


class Held(Crowd):
    """Parses once it may."""

    def __init__(self) -> None:
        self.may_end = threading.Event()

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        Stages(on_stage).tell(Stage("parse"))
        assert self.may_end.wait(60)
        return super().__call__(image, on_stage)


def test_the_photo_is_on_show_at_once_dimmed_with_its_stage(browser: Browser) -> None:
    model = Held()
    for address in page_address(parsing.Parser(model)):
        for page in visit(browser, address):
            upload(page, file_of(PHOTO))
            preview = page.locator("#picture .preview")
            expect(preview).to_be_visible()
            assert preview.evaluate("(image) => [image.naturalWidth, image.naturalHeight]") == [131, 96]
            expect(preview).to_have_css("filter", "brightness(0.5)")
            expect(page.locator("#picture .hint")).to_be_hidden()
            expect(page.locator("#picture .busy")).to_contain_text("Parsing with Crowd")
            box, frame = page.locator("#picture .busy").bounding_box(), page.locator("#picture").bounding_box()
            assert box["x"] + box["width"] / 2 == pytest.approx(frame["x"] + frame["width"] / 2, abs=1)
            model.may_end.set()
            shown(page, PHOTO.shape[:2])
            expect(preview).to_be_hidden()


def test_photos_that_waited_for_the_device_have_not_failed(empty_page: Page) -> None:
    empty_page.evaluate("document.documentElement.toggleAttribute('data-device', true)")
    hand_over(empty_page, "drop", "#picture", file_of(PHOTO), {**file_of(SECOND), "name": "second.png"})
    expect(empty_page.locator("#picture .busy")).to_contain_text("Fetching the model")
    empty_page.evaluate(
        """async () => {
            const parse = async () => {
                const [pixels, maps] = [new Uint8ClampedArray(8), new Uint8Array(4)];
                return { width: 2, height: 1, people: [], timings: {}, pixels, maps };
            };
            (await window.parsingViewer).useDevice({ parse });
        }"""
    )
    expect(empty_page.locator(".strip [data-state=shown]")).to_have_count(2)


def test_a_photo_that_came_to_nothing_leaves_its_size_to_no_other(empty_page: Page) -> None:
    upload(empty_page, file_of(PHOTO))
    shown(empty_page, PHOTO.shape[:2])
    empty_page.route("**/upload*", lambda route: route.abort())
    upload(empty_page, file_of(np.full((400, 300, 3), 9, np.uint8)))
    expect(empty_page.locator("#picture .said")).to_contain_text("could not be sent")
    empty_page.evaluate(
        """async () => {
            const parse = async ({ pixels, ...size }) => {
                const maps = new Uint8Array(2 * pixels.length);
                return { ...size, people: [], timings: {}, pixels: new Uint8ClampedArray(pixels.buffer), maps };
            };
            (await window.parsingViewer).useDevice({ parse });
        }"""
    )
    expect(empty_page.locator("#facts")).to_contain_text("Lite, on this device")
    expect(empty_page.locator("#facts")).not_to_contain_text("made smaller")


def test_a_photo_that_is_with_the_server_is_shown_before_the_device_takes_over(browser: Browser) -> None:
    model = Held()
    model.may_end.set()
    for address in page_address(parsing.Parser(model)):
        for page in visit(browser, address):
            upload(page, file_of(SECOND))
            shown(page, SECOND.shape[:2])
            model.may_end.clear()
            upload(page, file_of(PHOTO))
            expect(page.locator("#picture .busy")).to_contain_text("Parsing with Crowd")
            page.evaluate(
                """async () => {
                    const parse = (source) => new Promise(() => (window.given = source.width));
                    (await window.parsingViewer).useDevice({ parse });
                }"""
            )
            model.may_end.set()
            page.wait_for_function("window.given")
            assert page.evaluate("window.given") == PHOTO.shape[1]
            assert page.locator(".drawing").get_attribute("width") == str(PHOTO.shape[1])


def test_what_cannot_be_sent_is_said_beside_the_picture(empty_page: Page) -> None:
    empty_page.route("**/upload*", lambda route: route.abort())
    upload(empty_page, file_of(PHOTO))
    expect(empty_page.locator("#picture .said")).to_contain_text("could not be sent")
    expect(empty_page.locator(".busy")).to_be_hidden()


def test_what_the_browser_cannot_unpack_is_said_beside_the_picture(empty_page: Page) -> None:
    empty_page.evaluate("() => { window.createImageBitmap = () => Promise.reject(new Error('There is no memory.')); }")
    upload(empty_page, file_of(PHOTO))
    expect(empty_page.locator("#picture .said")).to_contain_text("could not be parsed in this browser")
    expect(empty_page.locator(".busy")).to_be_hidden()
    expect(empty_page.locator("#picture .preview")).to_be_hidden()


@pytest.mark.parametrize(("button", "name"), [("Picture", "photo-overlay.png"), ("JSON", "photo.parsing.json")])
def test_files_are_named_after_the_photo(page: Page, button: str, name: str) -> None:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    assert waiting.value.suggested_filename == name


NOTES = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"words"}


def test_what_came_to_nothing_takes_neither_name_nor_place_from_the_photo_on_show(empty_page: Page) -> None:
    hand_over(empty_page, "drop", "body", file_of(PHOTO), NOTES)
    thumbnails = empty_page.locator(".strip button")
    for _ in range(2):
        expect(empty_page.locator(".said")).to_contain_text("This is not an image")
        expect(thumbnails.first).to_have_attribute("aria-current", "true")
        expect(thumbnails.last).to_have_attribute("aria-current", "false")
        with empty_page.expect_download() as waiting:
            empty_page.get_by_role("button", name="JSON", exact=True).click()
        assert waiting.value.suggested_filename == "photo.parsing.json"
        thumbnails.last.click()
