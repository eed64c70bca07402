"""The viewer draws what `composite` draws, at once and without the server, and its parts answer to pointer and keyboard."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from browsing import DESKTOP, file_of, rgba, serve, shown, upload, visit
from crowd_model import PHOTO, Crowd
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, CDPSession, Download, Page, Request, expect

import parsing
from parsing.labels import PARTS
from parsing.result import Parsing
from parsing.stages import OnStage, Stage, Stages
from parsing.web.handlers import EXAMPLES

NAMES = [part.name for part in PARTS[1:]]


PARSED = Crowd()(PHOTO)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    yield from serve(parsing.Parser(Crowd()))


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    for page in visit(browser, address):
        upload(page, file_of(PHOTO))
        shown(page)
        yield page


def choose(page: Page, parts: list[str], opacity: float, palette: str, view: str, person: int | None) -> None:
    """Sets everything as a visitor would."""
    page.get_by_role("button", name="None", exact=True).click()
    for part in parts:
        page.get_by_role("checkbox", name=part, exact=True).check()
    page.locator("#opacity input").fill(str(opacity))
    page.locator("#palette select").select_option(palette)
    page.locator(f"#views [value={view}]").check()
    page.locator(f"#people [value='{person or 0}']").check()


@pytest.mark.parametrize("seed", range(20))
def test_the_canvas_equals_composite(page: Page, seed: int) -> None:
    random = np.random.default_rng(seed)
    setting = {
        "parts": [str(name) for name in random.choice(NAMES, random.integers(0, 20), replace=False)],
        "opacity": float(random.integers(0, 101)) / 100,
        "palette": str(random.choice(list(parsing.render.PALETTES))),
        "view": parsing.render.VIEWS[seed % 4],
        "person": int(random.integers(1, 4)) if random.random() < 0.5 else None,
    }
    choose(page, **setting)
    expected = parsing.composite(PHOTO, PARSED, **setting)
    np.testing.assert_array_equal(rgba(page)[:, :, : expected.shape[2]], expected)


def test_a_click_on_a_part_takes_less_than_a_frame_and_asks_nobody(browser: Browser) -> None:
    photo = cv2.resize(parsing.open_image(EXAMPLES[0]), (1920, 1080), interpolation=cv2.INTER_LINEAR)
    lite = parsing.load("lite")
    for address in serve(lite):
        for page in visit(browser, address):
            upload(page, file_of(photo))
            shown(page, (1080, 1920))
            requests: list[Request] = []
            page.on("request", lambda request, seen=requests: seen.append(request))
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})  # others may share the cores
            before = busy_milliseconds(session)
            page.evaluate(
                """async () => {
                    for (let round = 0; round < 9; round++) {
                        document.querySelector('#parts input[name=Coat]').click();
                        await new Promise(requestAnimationFrame);
                    }
                }"""
            )
            assert (busy_milliseconds(session) - before) / 9 < 50
            without = [name for name in NAMES if name != "Coat"]
            np.testing.assert_array_equal(shown(page), parsing.composite(photo, lite(photo), parts=without))
            assert requests == []


def busy_milliseconds(session: CDPSession) -> float:
    """How long the page has been at work since it was opened."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def test_a_name_isolates_its_part_and_once_more_brings_the_rest_back(page: Page) -> None:
    page.get_by_role("checkbox", name="Hat", exact=True).uncheck()
    face = page.get_by_role("button", name="Face", exact=True)
    face.click()
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSED, parts=["Face"]))
    expect(face).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Coat", exact=True).click()
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSED, parts=["Coat"]))
    page.get_by_role("button", name="Coat", exact=True).press("Enter")
    rest = [name for name in NAMES if name != "Hat"]
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSED, parts=rest))


@pytest.mark.parametrize("person", [None, 1, 3])
def test_shares_and_wearers_follow_the_person(page: Page, person: int | None) -> None:
    page.locator(f"#people [value='{person or 0}']").check()
    shown(page)
    for name, share in PARSED.area(person).items():
        row = page.locator(f"[data-row={name}]")
        expect(row.locator(".share")).to_have_text(f"{share * 100:.1f}%")
        if name != "Background":
            expect(row.locator(".wearers")).to_have_text("3")
            expect(row.get_by_role("checkbox")).to_have_attribute("aria-description", f"{share * 100:.1f}%, 3 people")


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


def test_the_photo_names_what_is_under_the_pointer_and_marks_its_row(page: Page) -> None:
    box = page.locator(".drawing").bounding_box()
    y, x = np.argwhere((PARSED.labels == 9) & (PARSED.person_of == 2))[20]
    page.mouse.move(box["x"] + (x + 0.5) * box["width"] / PHOTO.shape[1], box["y"] + (y + 0.5) * box["height"] / PHOTO.shape[0])
    expect(page.locator(".tip")).to_have_text("Pants · Person 2")
    expect(page.locator("[data-row=Pants]")).to_have_class("part lit")
    page.mouse.move(2, 2)
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


def test_two_fingers_zoom(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport=DESKTOP, has_touch=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#parts input[name=Hair]")
    upload(page, file_of(PHOTO))
    shown(page)
    whole = zoom(page)
    box = page.locator("#picture").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = context.new_cdp_session(page)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80), ("touchEnd", None)):
        points = [] if apart is None else [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert zoom(page) == pytest.approx(2 * whole, rel=0.05)
    context.close()


def test_compare_shows_the_photo_before_the_divider(page: Page) -> None:
    page.locator("#views [value=compare]").check()
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSED))
    divider = page.get_by_role("slider", name="Before and after")
    divider.press("End")
    page.wait_for_timeout(200)
    shot = page.locator("#picture").screenshot()
    divider.press("Home")
    page.wait_for_timeout(200)
    assert page.locator("#picture").screenshot() != shot
    before = page.evaluate(
        """() => {
            const canvas = document.querySelector('.before canvas');
            return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data];
        }"""
    )
    np.testing.assert_array_equal(np.array(before, np.uint8).reshape(*PHOTO.shape[:2], 4)[:, :, :3], PHOTO)


def test_a_link_restores_what_is_set(browser: Browser, page: Page, address: str) -> None:
    setting = {"parts": ["Hair", "Coat"], "opacity": 0.35, "palette": "safe", "view": "outlines"}
    choose(page, **setting, person=2)
    shown(page)
    assert page.url.endswith("#parts=Hair,Coat&opacity=0.35&palette=safe&view=outlines")
    for other in visit(browser, page.url):
        upload(other, file_of(PHOTO))
        np.testing.assert_array_equal(shown(other), parsing.composite(PHOTO, PARSED, **setting))
        assert other.locator("#opacity input").input_value() == "0.35"


def test_a_link_to_the_comparison_shows_the_divider(browser: Browser, address: str) -> None:
    for page in visit(browser, address + "#view=compare"):
        divider = page.get_by_role("slider", name="Before and after")
        expect(divider).to_be_hidden()
        upload(page, file_of(PHOTO))
        expect(divider).to_be_visible()


@pytest.mark.parametrize("hash", ["#parts=Tail&opacity=2&palette=x&view=y", "#opacity=&parts", "#constructor", "#%"])
def test_a_wrong_link_does_no_harm(browser: Browser, address: str, hash: str) -> None:
    for page in visit(browser, address + hash):
        upload(page, file_of(PHOTO))
        parts = [] if "parts" in hash else None
        np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSED, parts=parts))


def save(page: Page, name: str) -> Download:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return waiting.value


def test_what_is_on_the_screen_can_be_taken_away(page: Page) -> None:
    choose(page, ["Hair", "Coat"], 0.5, "safe", "cutout", 2)
    screen = rgba(page)
    on_screen = np.where((PARSED.person_of == 2) & np.isin(PARSED.labels, (2, 7)), PARSED.labels, 0)

    np.testing.assert_array_equal(np.asarray(Image.open(save(page, "Picture").path())), screen)
    with Image.open(save(page, "Label map").path()) as labels:
        np.testing.assert_array_equal(np.asarray(labels), on_screen)
        assert labels.getpalette()[6:9] == parsing.render.SAFE.colors[2].tolist()
    with zipfile.ZipFile(save(page, "Masks (ZIP)").path()) as archive:
        coat = np.asarray(Image.open(io.BytesIO(archive.read("Coat.png"))))
        assert "Face.png" not in archive.namelist()
        np.testing.assert_array_equal(coat > 0, on_screen == 7)
    found = json.loads(save(page, "JSON").path().read_bytes())
    assert [(part["name"], part["person"]) for part in found["parts"]] == [("Hair", 1), ("Coat", 1)]
    assert [part["area"] for part in found["parts"]] == [int((on_screen == part).sum()) for part in (2, 7)]
    assert len(found["people"]) == 1
    assert all(part["rle"]["size"] == [96, 131] for part in found["parts"])


class Slow(Crowd):
    """Takes its time over the second of three people where a photo is 100 pixels wide.

    Attributes:
        begun, ended: widths of the photos that it has begun, and of those that it was not stopped at.
    """

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        self.begun.append(image.shape[1])
        if image.shape[1] == 100:
            stages = Stages(on_stage)
            stages.tell(Stage("parse", 2, 3))
            time.sleep(3)
            stages.tell(Stage("parse", 3, 3))
        self.ended.append(image.shape[1])
        return replace(super().__call__(image, on_stage), model="slow")


def test_an_answer_to_an_older_photo_never_comes_and_the_earlier_result_stays_meanwhile(browser: Browser) -> None:
    model = Slow()
    for address in serve(parsing.Parser(model)):
        for page in visit(browser, address):
            upload(page, file_of(PHOTO))
            earlier = shown(page)
            upload(page, file_of(PHOTO[:, :100]))
            expect(page.locator(".busy")).to_contain_text("Parsing person 2 of 3")
            assert page.locator(".drawing").get_attribute("width") == "131"
            sizes = page.evaluate_handle(
                """() => {
                    const canvas = document.querySelector('.drawing');
                    const sizes = [];
                    new MutationObserver(() => sizes.push(canvas.width)).observe(canvas, { attributes: true });
                    return sizes;
                }"""
            )
            upload(page, file_of(PHOTO[:, :90]))  # waits behind the slow one, and is then of no use
            upload(page, file_of(PHOTO[:, :80]))
            picture = shown(page, (96, 80))
            np.testing.assert_array_equal(picture, parsing.composite(PHOTO[:, :80], Crowd()(PHOTO[:, :80])))
            page.wait_for_timeout(500)
            assert set(sizes.json_value()) == {80}
            assert (model.begun, model.ended) == ([131, 100, 80], [131, 80])
            assert earlier.shape == PHOTO.shape
