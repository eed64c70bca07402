"""The viewer answers to pointer, fingers and keyboard: what is pointed at lights up and is named, and the picture zooms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect
from support.browsing import DESKTOP, PHONE, file_of, shown, upload
from support.crowd_model import PARSED, PHOTO

import parsing


def light(page: Page) -> NDArray[np.str_]:
    """What lies over each pixel: "dim", "clear", or a line, "white" or "dark"."""
    page.wait_for_function("!document.querySelector('.light').hidden")
    over = page.evaluate(
        """() => {
            const canvas = document.querySelector('.light');
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            const over = (red, alpha) => ({ 0: 'clear', 153: 'dim' })[alpha] ?? (red > 128 ? 'white' : 'dark');
            return Array.from({ length: data.length / 4 }, (_, i) => over(data[4 * i], data[4 * i + 3]));
        }"""
    )
    return np.array(over).reshape(PHOTO.shape[:2])


@pytest.mark.parametrize("how", ["pointer", "keyboard"])
def test_a_row_lights_its_part_in_the_photo(page: Page, how: str) -> None:
    if how == "pointer":
        page.locator("[data-row=Coat]").hover()
    else:
        page.get_by_role("checkbox", name="Dress", exact=True).focus()
        for _ in range(2):
            page.keyboard.press("Tab")
    over = light(page)
    assert set(over[PARSED.labels == 7]) == {"clear", "white"}
    assert set(over[PARSED.labels != 7]) == {"dim", "dark"}
    page.mouse.move(2, 2)
    page.locator("h1").click()
    page.wait_for_function("document.querySelector('.light').hidden")


@pytest.mark.parametrize("then", ["the pointer leaves", "another photo comes"])
def test_the_photo_names_what_is_under_the_pointer_and_marks_its_row(page: Page, then: str) -> None:
    box = page.locator(".drawing").bounding_box()
    y, x = np.argwhere((PARSED.labels == 9) & (PARSED.person_of == 2))[20]
    page.mouse.move(box["x"] + (x + 0.5) * box["width"] / PHOTO.shape[1], box["y"] + (y + 0.5) * box["height"] / PHOTO.shape[0])
    expect(page.locator(".tip")).to_have_text("Pants · Person 2")
    expect(page.locator("[data-row=Pants]")).to_have_class("part lit")
    if then == "the pointer leaves":
        page.mouse.move(2, 2)
    else:
        upload(page, file_of(PHOTO[:60]))
        shown(page, (60, PHOTO.shape[1]))
    expect(page.locator(".tip")).to_be_hidden()
    expect(page.locator(".lit")).to_have_count(0)


def test_the_chosen_person_gets_an_outline(page: Page) -> None:
    page.locator("#people [value='2']").check()
    page.mouse.move(2, 2)
    over = light(page)
    assert set(over[PARSED.person_of == 2]) == {"clear", "white"}
    assert set(over[PARSED.person_of != 2]) == {"clear", "dark"}


def zoom(page: Page) -> float:
    return page.locator(".drawing").bounding_box()["width"] / page.locator("#picture").bounding_box()["width"]


def test_wheel_buttons_and_keys_zoom_and_move(page: Page) -> None:
    frame, whole = page.locator("#picture"), zoom(page)
    frame.hover()
    page.mouse.wheel(0, -300)
    assert zoom(page) > 1.5 * whole
    before = page.locator(".drawing").bounding_box()["x"]
    box = frame.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 340, box["y"] + 200)
    page.mouse.up()
    assert page.locator(".drawing").bounding_box()["x"] == pytest.approx(before + 40, abs=1)
    page.get_by_role("button", name="Whole picture").click()
    assert zoom(page) == pytest.approx(whole)
    frame.press("+")
    assert zoom(page) == pytest.approx(1.5 * whole, rel=0.01)
    before = page.locator(".drawing").bounding_box()["x"]
    frame.press("ArrowRight")
    assert page.locator(".drawing").bounding_box()["x"] < before
    frame.press("0")
    assert zoom(page) == pytest.approx(whole)


def touched(browser: Browser, address: str, viewport: dict[str, int]) -> Iterator[Page]:
    """The page with a parsed photo, on a screen that is touched, until asked to go on."""
    context = browser.new_context(viewport=viewport, has_touch=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#parts input[name=Hair]")
    upload(page, file_of(PHOTO))
    shown(page)
    yield page
    context.close()


@pytest.fixture
def tablet(browser: Browser, address: str) -> Iterator[Page]:
    yield from touched(browser, address, DESKTOP)


@pytest.fixture
def phone(browser: Browser, address: str) -> Iterator[Page]:
    yield from touched(browser, address, PHONE)


def test_two_fingers_zoom(tablet: Page) -> None:
    page = tablet
    whole = zoom(page)
    box = page.locator("#picture").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80), ("touchEnd", None)):
        points = [] if apart is None else [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert zoom(page) == pytest.approx(2 * whole, rel=0.05)


def place_of(page: Page, part: int, person: int) -> tuple[float, float]:
    """Where a pixel of a part of a person is in the window."""
    box = page.locator(".drawing").bounding_box()
    y, x = np.argwhere((PARSED.labels == part) & (PARSED.person_of == person))[20]
    return box["x"] + (x + 0.5) * box["width"] / PHOTO.shape[1], box["y"] + (y + 0.5) * box["height"] / PHOTO.shape[0]


def test_a_click_in_the_photo_chooses_the_part_and_with_shift_the_person(page: Page) -> None:
    page.mouse.click(*place_of(page, 9, 2))
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSED, parts=["Pants"]))
    page.mouse.click(*place_of(page, 9, 2))
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSED))
    page.keyboard.down("Shift")
    page.mouse.click(*place_of(page, 9, 2))
    page.keyboard.up("Shift")
    expect(page.locator("#people [value='2']")).to_be_checked()
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSED, person=2))


def test_a_finger_names_a_part_first_and_then_chooses_it(phone: Page) -> None:
    page = phone
    page.touchscreen.tap(*place_of(page, 9, 2))
    expect(page.locator(".tip")).to_have_text("Pants · Person 2")
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSED))
    page.touchscreen.tap(*place_of(page, 9, 2))
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSED, parts=["Pants"]))


def test_the_keys_are_listed_and_f_fills_the_screen(page: Page) -> None:
    page.locator("#photo input").focus()  # where it is once a photo was chosen
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Full screen, and back")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement?.matches('.viewer')")
    expect(page.get_by_role("checkbox", name="Hair", exact=True)).to_be_visible()
    page.keyboard.press("f")
    page.wait_for_function("!document.fullscreenElement")
    page.evaluate("delete Element.prototype.requestFullscreen")  # as on some phones
    page.keyboard.press("f")
    expect(page.locator(".said")).to_have_text("This browser does not show the picture on the full screen.")


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("#parts input[name=Hair]", "Space"),
        ("#views input[value=map]", "ArrowRight"),
        ("#people input[value='1']", "ArrowRight"),
    ],
)
def test_the_focus_is_seen(page: Page, target: str, key: str) -> None:
    control = page.locator(target)
    control.focus()
    page.keyboard.press(key)
    seen = control.evaluate(
        """(control) => {
            const focused = control.closest("fieldset").querySelector(":focus-visible");
            const shown = control.closest("#parts") ? focused : focused.nextElementSibling;
            const style = getComputedStyle(shown);
            return [style.outlineStyle, parseFloat(style.outlineWidth)];
        }"""
    )
    assert seen == ["solid", 2]


def test_the_focus_stays_on_the_person_when_a_frame_has_another_number_of_people(page: Page) -> None:
    page.locator("#people [value='2']").check()
    page.evaluate(
        """async () => {
            const [pixels, maps] = [new Uint8ClampedArray(8), new Uint8Array(4)];
            const frame = { width: 2, height: 1, people: [{}, {}], timings: {}, pixels, maps };
            (await window.parsingViewer).showFound(frame, true);
        }"""
    )
    expect(page.locator("#people input")).to_have_count(3)  # everybody, and two
    expect(page.locator("#people [value='2']")).to_be_focused()


@pytest.mark.parametrize(("view", "choice"), [("overlay", "#legend-choice"), ("cutout", "#crop-choice")])
def test_the_focus_on_what_is_saved_is_seen(page: Page, view: str, choice: str) -> None:
    page.locator(f"#views [value={view}]").check()
    page.locator(choice).focus()
    page.keyboard.press("Space")
    expect(page.locator(choice)).to_have_css("outline-style", "solid")


def test_high_contrast_keeps_swatches_and_choices(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport=DESKTOP, forced_colors="active")
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#parts input[name=Hair]")
    color = "(control) => getComputedStyle(control).backgroundColor"
    assert page.locator("#parts input[name=Hair]").evaluate(color) == "rgb(255, 0, 0)"
    chosen, other = (page.locator(f"#views [value={view}] + span").evaluate(color) for view in ("overlay", "map"))
    assert chosen != other
    context.close()
