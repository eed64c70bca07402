"""The list of parts shows the classes of the model that parsed the photo on show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from support.browsing import file_of, shown, upload, visit, wait_for_address
from support.jumpsuit_model import Jumpsuit
from support.served import PHOTO, serve
from support.striped_model import Stripes

import parsing
from parsing.web.server.background import BackgroundLoader


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    loader = BackgroundLoader(lambda _: parsing.Parser(Jumpsuit()))
    with serve(parsing.Parser(Stripes()), loader=loader, choice="lite") as address:
        yield from visit(browser, address)


def test_names_change_with_the_model_and_ticks_stay(page: Page) -> None:
    upload(page, file_of(PHOTO))
    shown(page, PHOTO.shape[:2])
    box = page.get_by_role("checkbox", name="Neck and torso", exact=True)
    expect(box).to_be_checked()
    page.get_by_role("checkbox", name="Hair", exact=True).uncheck()
    page.locator("#models [value=m2fp]").check()
    expect(page.get_by_role("checkbox", name="Jumpsuits", exact=True)).to_be_checked()
    expect(page.get_by_role("checkbox", name="Hair", exact=True)).not_to_be_checked()
    expect(box).to_have_count(0)
    page.get_by_role("button", name="Jumpsuits", exact=True).click()
    wait_for_address(page, "parts=Jumpsuits")
    page.locator("[data-language='zh-CN']").click()
    expect(page.get_by_role("checkbox", name="连体衣", exact=True)).to_be_checked()
    page.locator("#models [value=lite]").check()
    expect(page.get_by_role("checkbox", name="躯干皮肤", exact=True)).to_be_checked()
