"""Nothing in the page is out of reach: axe-core finds nothing serious in light or dark, English or Chinese, wide or narrow."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from support.accessibility import AXE, findings
from support.browsing import DESKTOP, PHONE, file_of, shown, upload, visit, wait_for_examples
from support.crowd_model import PHOTO


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["wide", "narrow"])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found(browser: Browser, address: str, scheme: str, locale: str, viewport: dict[str, int]) -> None:
    context = browser.new_context(viewport=viewport, locale=locale, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#parts input[name=Hair]")
    wait_for_examples(page)
    page.add_script_tag(path=AXE)
    assert findings(page) == []
    upload(page, file_of(PHOTO))
    shown(page)
    page.locator("#people [value='2']").check()
    page.locator("#views [value=compare]").check()
    page.get_by_role("button", name="Pants" if locale == "en-US" else "裤子", exact=True).click()
    assert findings(page) == []
    page.locator("#people [value='0']").check()
    upload(page, file_of(PHOTO[:12, :18]))  # too small for all parts
    shown(page, (12, 18))
    assert page.locator("#parts .missing").count() > 5
    assert findings(page) == []
    context.close()


def test_tab_goes_through_the_page_in_reading_order(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(address)
    page.wait_for_selector("#parts input[name=Hair]")
    upload(page, file_of(PHOTO))
    shown(page)
    page.locator("[data-language]").focus()
    seen: list[str] = []
    for _ in range(70):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.closest('[id]:not([id^=html-]):not(input)')?.id ?? ''")
        if name not in seen:
            seen.append(name)
    order = [name for name in seen if name in ("photo", "examples", "views", "picture", "people", "stage", "opacity", "parts")]
    assert order == ["photo", "examples", "views", "stage", "picture", "people", "opacity", "parts"]
    page.close()


@pytest.mark.parametrize("viewport", [PHONE, {"width": 844, "height": 390}], ids=["upright", "sideways"])
def test_on_a_phone_what_has_the_focus_is_not_behind_the_picture(
    browser: Browser, address: str, viewport: dict[str, int]
) -> None:
    for page in visit(browser, address, viewport=viewport):
        upload(page, file_of(PHOTO))
        shown(page)
        page.locator("#parts input[name=Right-shoe]").focus()
        hidden = []
        for _ in range(60):
            page.keyboard.press("Shift+Tab")
            hidden += page.evaluate(
                """() => {
                    const { activeElement } = document;
                    const { x, y, width, height } = activeElement.getBoundingClientRect();
                    const above = document.elementFromPoint(x + width / 2, y + height / 2)?.closest("#picture");
                    return above && !above.contains(activeElement) ? [activeElement.outerHTML] : [];
                }"""
            )
        assert hidden == []
