"""Two models behind one page: which of them parses, and what the menu says while M2FP comes, or does not come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from support.browsing import PHONE, file_of, shown, upload, visit, wait_for
from support.served import serve
from support.striped_model import PHOTO, Stripes

import parsing
from parsing.models.m2fp.weights import Progress, WeightsError
from parsing.web.page.handlers import Handlers
from parsing.web.photos import Photos
from parsing.web.serve import load_models
from parsing.web.server.background import BackgroundLoader

WEIGHTS = Path(__file__).parents[1] / "golden" / "m2fp"
SMALL = "M2FP ResNet-50 (official, CC BY-NC)"
"""What the model in that folder is called."""
LICENCE = "M2FP’s weights are CC BY-NC 4.0: no commercial use."


class Hold:
    """Loads the small M2FP, but only once it is told to, or fails as often as it is told to.

    Attributes:
        failures: how many more times it fails.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._may_end = threading.Event()

    def __call__(self, progress: Progress) -> parsing.Parser:
        progress(42, 100)
        assert self._may_end.wait(60)
        self._may_end.clear()
        if self.failures:
            self.failures -= 1
            raise WeightsError("ModelScope is <out> of reach; use --weights.")
        return parsing.load("m2fp", weights=WEIGHTS, progress=progress)

    def release(self) -> None:
        self._may_end.set()


@pytest.fixture
def hold() -> Hold:
    return Hold()


@pytest.fixture
def served(hold: Hold, request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a page that opens with the choice that the test names, with "auto" by default."""
    choice = getattr(request, "param", "auto")
    loader = BackgroundLoader(hold)
    if choice != "lite":
        loader.start()
    with serve(parsing.Parser(Stripes()), loader=loader, choice=choice) as address:
        yield address


@pytest.fixture
def page(browser: Browser, served: str) -> Iterator[Page]:
    yield from visit(browser, served)


def test_automatic_begins_with_lite_and_switches_for_the_photos_that_follow(page: Page, hold: Hold) -> None:
    menu = page.locator("#models")
    expect(menu.get_by_role("radio", checked=True)).to_have_value("auto")
    expect(menu).to_contain_text(LICENCE)
    expect(menu.get_by_role("status")).to_have_text("M2FP is being fetched, 42%; Lite parses meanwhile.")
    upload(page, file_of(PHOTO))
    wait_for(page, "Stripes")
    picture = shown(page)
    hold.release()
    expect(menu.get_by_role("status")).to_have_text("M2FP is ready and parses the photos that follow.")
    expect(menu.get_by_label(SMALL, exact=True)).to_be_visible()
    np.testing.assert_array_equal(shown(page), picture)  # the photo on show stays as it is
    upload(page, file_of(PHOTO[:100]))
    wait_for(page, "96 × 100", SMALL)


@pytest.mark.parametrize("served", ["lite"], indirect=True)
def test_a_choice_parses_the_photo_on_show_again_as_soon_as_its_model_is_there(page: Page, hold: Hold) -> None:
    menu = page.locator("#models")
    expect(menu.get_by_role("radio", checked=True)).to_have_value("lite")
    expect(menu.get_by_role("status")).to_have_text("")
    upload(page, file_of(PHOTO))
    wait_for(page, "Stripes")
    menu.get_by_label("M2FP ResNet-101 (official, CC BY-NC)", exact=True).check()
    expect(menu.get_by_role("status")).to_contain_text("42%")
    wait_for(page, "Stripes")
    hold.release()
    wait_for(page, SMALL)
    expected = parsing.load("m2fp", weights=WEIGHTS)(PHOTO)
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, expected))
    menu.get_by_label("Stripes").check()
    wait_for(page, "Stripes")


def test_out_of_reach_there_is_a_notice_and_lite_goes_on_until_another_try(page: Page, hold: Hold) -> None:
    hold.failures = 1
    status = page.locator("#models").get_by_role("status")
    hold.release()
    for said in ("M2FP is not available; Lite goes on.", "ModelScope is <out> of reach; use --weights."):
        expect(status).to_contain_text(said)
    operators = status.get_by_text("ModelScope is <out> of reach")
    expect(operators).to_be_hidden()  # a visitor need not read it
    status.get_by_text("For the operator").click()
    expect(operators).to_be_visible()
    upload(page, file_of(PHOTO))
    wait_for(page, "Stripes")
    page.get_by_role("button", name="Try again").click()
    expect(status).to_contain_text("42%")
    hold.release()
    expect(status).to_contain_text("M2FP is ready")


def test_the_server_is_asked_only_while_something_loads(page: Page, hold: Hold) -> None:
    questions: list[str] = []
    page.on("request", lambda request: questions.append(request.url))
    page.wait_for_timeout(2500)
    assert 1 <= sum("component_server" in url for url in questions) <= 3
    hold.release()
    expect(page.locator("#models").get_by_role("status")).to_contain_text("ready")
    questions.clear()
    page.wait_for_timeout(2500)
    assert questions == []


@pytest.mark.parametrize("locale", ["zh-CN", "zh", "zh-HK"])
def test_every_chinese_browser_gets_a_chinese_menu(browser: Browser, served: str, locale: str) -> None:
    for page in visit(browser, served, locale=locale):
        expect(page.get_by_label("自动")).to_be_checked()
        expect(page.locator("#models").get_by_role("status")).to_have_text("正在下载 M2FP（42%），期间由 Lite 解析。")
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_a_phone_has_the_menu_below_the_picture_and_nothing_moves_when_m2fp_is_ready(
    browser: Browser, served: str, hold: Hold
) -> None:
    for page in visit(browser, served, viewport=PHONE):
        status = page.locator("#models").get_by_role("status")
        expect(status).to_contain_text("42%")
        names = ("#picture", "#facts", "#models", "#opacity", "#parts")
        before = [page.locator(name).bounding_box() for name in names]
        assert all(upper["y"] + upper["height"] <= lower["y"] for upper, lower in zip(before, before[1:], strict=False))
        assert all(label.bounding_box()["height"] >= 44 for label in page.locator("#models label").all())
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        hold.release()
        expect(status).to_contain_text("ready")
        assert [page.locator(name).bounding_box() for name in names] == before


def test_examples_have_names_for_screen_readers(page: Page) -> None:
    for name in ("astronaut", "group collage"):
        expect(page.locator("#examples").get_by_role("button", name=name)).to_be_visible()


@pytest.mark.parametrize(
    ("choice", "phase", "answers"),
    [("lite", "idle", "lite"), ("auto", "ready", "m2fp"), ("m2fp", "ready", "m2fp")],
)
def test_what_the_option_loads_and_who_answers_programs(choice: str, phase: str, answers: str) -> None:
    lite, loader = load_models(choice, str(WEIGHTS))
    if choice == "auto":
        loader.wait(60)
    assert loader.state.phase == phase
    handlers = Handlers(Photos(lite, loader, choice))
    assert handlers.pick(None).name == answers
    assert handlers.pick({"choice": "lite"}).name == "lite"
    for menu in ({"choice": "auto"}, {"choice": 7}, ["m2fp"], "m2fp"):
        assert handlers.pick(menu).name == ("lite" if choice == "lite" else "m2fp")
    faster = handlers.pick({"choice": "m2fp", "faster": True})
    assert ("bfloat16" in faster.title) == (choice != "lite")
    assert handlers.pick({"choice": "auto", "faster": True}) is faster
    assert "bfloat16" not in handlers.pick({"choice": "auto", "faster": "yes"}).title
