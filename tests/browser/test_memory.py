"""What outlasts a visit, the language and the device, and the link by which a teacher shows what is on the screen."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Request, expect
from support.browsing import file_of, shown, upload, visit, wait_for_address
from support.crowd_model import PHOTO, Crowd
from support.served import serve

import parsing
from parsing.web.page.handlers import EXAMPLES
from parsing.web.server.background import BackgroundLoader

CROWD = parsing.Parser(Crowd())
ASTRONAUT = next(path for path in EXAMPLES if path.stem == "astronaut")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(CROWD, loader=BackgroundLoader(lambda _: CROWD), choice="lite") as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    yield from visit(browser, address)


def sends_nothing(page: Page) -> None:
    """A photo that is chosen now stays here; it need not be parsed."""
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    upload(page, file_of(PHOTO))
    expect(page.locator("#picture .preview")).to_be_visible()
    page.wait_for_timeout(1000)
    assert [request.url for request in requests if "upload" in request.url or "queue/join" in request.url] == []


def test_on_this_device_is_remembered_until_another_model_is_chosen(page: Page) -> None:
    page.locator("#models [value=device]").check()
    page.reload()
    expect(page.locator("#models [value=device]")).to_be_checked()
    sends_nothing(page)
    page.locator("#models [value=lite]").check()
    page.reload()
    page.wait_for_selector("#parts input[name=Hair]")
    expect(page.locator("#models [value=lite]")).to_be_checked()
    upload(page, file_of(PHOTO))
    shown(page, PHOTO.shape[:2])


def test_the_link_carries_the_device_and_goes_before_what_is_remembered(browser: Browser, address: str) -> None:
    for page in visit(browser, f"{address}/#model=device&language=zh-CN"):
        expect(page.locator("#models [value=device]")).to_be_checked()
        expect(page.locator("h1")).to_have_text("人体解析")
        page.locator("#views [value=map]").check()
        wait_for_address(page, "model=device")  # still there after something was set, for a reload
        sends_nothing(page)


def test_a_photo_that_waits_for_the_device_is_given_up_with_it(page: Page) -> None:
    page.route("**/device/page.js", lambda route: None)  # it does not come
    page.locator("#models [value=device]").check()
    upload(page, file_of(PHOTO))
    expect(page.locator(".busy")).to_contain_text("Fetching the model")
    page.locator("#models [value=lite]").check()
    expect(page.locator(".busy")).to_be_hidden()
    expect(page.locator("#picture .preview")).to_be_hidden()


def test_after_the_device_its_photo_is_offered_in_no_format_that_only_the_server_makes(page: Page) -> None:
    coco = page.get_by_role("button", name="COCO")
    expect(coco).to_be_visible()
    page.evaluate(
        """async () => {
            const connection = await window.parsingViewer;
            const [pixels, maps] = [new Uint8ClampedArray(8), new Uint8Array(4)];
            connection.showFound({ width: 2, height: 1, people: [], timings: {}, pixels, maps }, false);
        }"""
    )
    expect(page.get_by_role("button", name="JSON")).to_be_enabled()
    expect(coco).to_be_hidden()
    upload(page, file_of(PHOTO))
    shown(page, PHOTO.shape[:2])
    expect(coco).to_be_visible()


def test_the_language_is_remembered_and_names_the_page(page: Page) -> None:
    expect(page).to_have_title("Human Parsing")
    page.get_by_role("button", name="中文").click()
    expect(page).to_have_title("人体解析")
    expect(page.locator("#photo")).to_contain_text("拖放、粘贴到页面任意位置")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("button", name="English").click()
    expect(page.locator("#photo")).to_contain_text("drop or paste them anywhere")


def test_a_teaching_link_shows_what_the_teacher_saw(browser: Browser, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#examples button").filter(has=page.locator("img[src$='astronaut.jpg']")).click()
    photo = parsing.open_image(ASTRONAUT)
    shown(page, photo.shape[:2])
    page.get_by_role("button", name="Hair", exact=True).click()
    page.locator("#people [value='2']").check()
    page.locator("#views [value=map]").check()
    page.locator("#palette select").select_option("safe")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#picture .said")).to_contain_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    for other in visit(browser, link, locale="zh-CN"):
        picture = shown(other, photo.shape[:2])
        expected = parsing.composite(photo, Crowd()(photo), parts=["Hair"], view="map", palette="safe", person=2)
        np.testing.assert_array_equal(picture, expected)
        expect(other.locator("#people [value='2']")).to_be_checked()
        expect(other.locator("html")).to_have_attribute("lang", "en")


TWICE = """async () => {
    const viewer = await window.parsingViewer;
    await viewer.receive(await viewer.server.earlier_photo({ ticket: viewer.ticket, earlier: viewer.serial }));
}"""


def test_a_photo_that_comes_twice_is_shown_once(page: Page) -> None:
    upload(page, file_of(PHOTO))
    shown(page, PHOTO.shape[:2])
    page.locator("#people [value='2']").check()
    page.evaluate(TWICE)
    expect(page.locator("#people [value='2']")).to_be_checked()


AHEAD = """async () => {
    const viewer = await window.parsingViewer;
    viewer.begin();
    await viewer.server.earlier_photo({ ticket: viewer.ticket, earlier: viewer.shown - 1 });
}"""
"""The server has another photo ready, which is still on its way to the page."""


def test_a_file_is_of_the_photo_on_the_screen(page: Page) -> None:
    for pixels in (PHOTO, PHOTO[:40]):
        upload(page, file_of(pixels))
        shown(page, pixels.shape[:2])
    page.evaluate(AHEAD)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSON", exact=True).click()
    assert json.loads(waiting.value.path().read_bytes())["size"]["height"] == 40


def test_a_link_to_an_example_works_where_the_page_is_open_already(page: Page) -> None:
    upload(page, file_of(PHOTO))
    shown(page, PHOTO.shape[:2])
    page.evaluate("location.hash = '#example=astronaut&person=2&view=map'")
    picture = shown(page, parsing.open_image(ASTRONAUT).shape[:2])
    expected = parsing.composite(parsing.open_image(ASTRONAUT), Crowd()(picture), view="map", person=2)
    np.testing.assert_array_equal(picture, expected)


def test_a_link_to_a_photo_of_ones_own_names_no_example_and_no_person(browser: Browser, address: str) -> None:
    for page in visit(browser, f"{address}/#example=astronaut&person=2"):
        shown(page, parsing.open_image(ASTRONAUT).shape[:2])
        page.evaluate("() => { navigator.clipboard.writeText = async (text) => { window.copied = text; } }")
        page.get_by_role("button", name="Copy link").click()
        page.wait_for_function("window.copied.includes('example=astronaut&person=2')")
        upload(page, file_of(PHOTO))
        shown(page, PHOTO.shape[:2])
        page.get_by_role("button", name="Copy link").click()
        page.wait_for_function("!/example|person/.test(window.copied)")
