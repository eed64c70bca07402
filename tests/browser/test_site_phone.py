"""The page as static files on a phone: within reach of one thumb, upright and sideways; the camera rests while nobody looks."""

from __future__ import annotations

import re
from collections.abc import Iterator

import cv2
import pytest
from playwright.sync_api import Browser, Page, expect
from support.browsing import PHONE, file_of, open_browser, upload, wait_for
from support.site import Served, serve_site

import parsing
from benchmarks.browser import FAKE_CAMERA
from parsing.files import find_examples

ASTRONAUT = next(path for path in find_examples() if path.stem == "astronaut")

SIDEWAYS = {"width": PHONE["height"], "height": PHONE["width"]}
SMALL = """() => {
    const targets = "button, select, summary, .part label, #parts .group, .chips label, .crop, #photo label, input[type=range]";
    const all = [...document.querySelectorAll(targets)];
    const seen = all.filter((target) => target.checkVisibility({ visibilityProperty: true }));
    const isSmall = ({ width, height }) => width > 0 && Math.min(width, height) < 44;
    return [seen.length, seen.filter((target) => isSmall(target.getBoundingClientRect())).map((target) => target.outerHTML)];
}"""
CAMERA = """() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    window.streams = [];
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        window.streams.push(stream);
        return stream;
    };
}"""
LOOK_AWAY = """(away) => {
    Object.defineProperty(document, "hidden", { value: away, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
LIVE = "() => window.streams.map((stream) => stream.getTracks().some((track) => track.readyState === 'live'))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from open_browser(*FAKE_CAMERA)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve_site(tmp_path_factory.mktemp("root")) as site:
        yield site


def open_on_phone(browser: Browser, site: Served, viewport: dict[str, int]) -> Page:
    context = browser.new_context(viewport=viewport, locale="en-US", has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(site.address)
    wait_for(page, "1 person")
    return page


@pytest.mark.parametrize("viewport", [PHONE, SIDEWAYS], ids=["upright", "sideways"])
def test_every_target_is_as_large_as_a_fingertip(browser: Browser, site: Served, viewport: dict[str, int]) -> None:
    page = open_on_phone(browser, site, viewport)
    page.locator("#edges summary").click()
    page.locator("#views label", has_text="Recolour").click()
    count, small = page.evaluate(SMALL)
    assert count > 60
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    page.context.close()


def test_another_photo_is_in_reach_of_the_thumb_wherever_the_page_is(browser: Browser, site: Served) -> None:
    page = open_on_phone(browser, site, PHONE)
    for name in ("Hair", "Right-shoe"):
        page.locator(f"#parts input[name={name}]").scroll_into_view_if_needed()
        box = page.locator("#photo label").bounding_box()
        assert box is not None
        assert PHONE["height"] - 80 < box["y"] + box["height"] <= PHONE["height"]
        assert page.locator("#picture").bounding_box()["y"] >= 0  # and the picture stays in view
    page.context.close()


def test_sideways_the_picture_is_beside_the_list(browser: Browser, site: Served) -> None:
    page = open_on_phone(browser, site, SIDEWAYS)
    for name in ("Hair", "Pants"):
        row = page.locator(f"#parts input[name={name}]")
        row.scroll_into_view_if_needed()
        picture, there = page.locator("#picture").bounding_box(), row.bounding_box()
        assert picture["x"] + picture["width"] < there["x"]
        assert picture["y"] >= 0
        assert picture["y"] + picture["height"] <= SIDEWAYS["height"]
    page.context.close()


def test_a_photo_of_twelve_megapixels_is_parsed_and_fits(browser: Browser, site: Served) -> None:
    photo = cv2.resize(parsing.open_image(ASTRONAUT), (3464, 3464), interpolation=cv2.INTER_CUBIC)
    page = open_on_phone(browser, site, PHONE)
    upload(page, file_of(photo, "jpeg"))
    wait_for(page, "2048 × 2048, made smaller from 3464 × 3464")
    wait_for(page, "1 person")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    picture = page.locator("#picture").bounding_box()
    assert 0 <= picture["x"] < picture["x"] + picture["width"] <= PHONE["width"]
    page.context.close()


def test_the_camera_is_off_while_nobody_sees_the_page(browser: Browser, site: Served) -> None:
    page = open_on_phone(browser, site, PHONE)
    page.evaluate(CAMERA)
    camera, rate = page.locator(".camera"), page.locator(".rate")
    camera.click()
    expect(rate).to_have_text(re.compile("[1-9]"))
    page.evaluate(LOOK_AWAY, True)
    assert page.evaluate(LIVE) == [False]
    expect(camera).to_have_text("Stop camera")
    page.evaluate("document.querySelector('.rate').textContent = ''")
    page.evaluate(LOOK_AWAY, False)
    expect(rate).to_have_text(re.compile("[1-9]"))
    assert page.evaluate(LIVE) == [False, True]
    camera.click()
    assert page.evaluate(LIVE) == [False, False]
    expect(page.locator(".said")).to_be_empty()
    page.context.close()
