"""From a small phone to a projector, in both languages: nothing overlaps, nothing is cut off, nothing sticks out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page
from support.browsing import file_of, shown, upload, visit
from support.crowd_model import PHOTO

FLAWS = """() => {
    const atoms = "h1, h2, p, button, output, select, strong, legend, kbd, code, input[type=range], .chips label, "
        + "#parts :is(input, .name, .share, .wearers), #models label > span, #models input, #facts span, #header p";
    const there = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true })
        && !one.matches(".split") && !one.closest(".unseen, dialog, .preview, .toast-wrap, [aria-hidden=true]");
    const all = [...document.querySelectorAll(atoms)].filter(there)
        .map((one) => ({ one, box: one.getBoundingClientRect() })).filter(({ box }) => box.width && box.height);
    const name = ({ one }) => `${one.tagName}.${one.className} "${one.textContent.trim().slice(0, 20)}"`;
    const related = (a, b) => a.one.contains(b.one) || b.one.contains(a.one);
    const flaws = [];
    for (const [index, a] of all.entries()) {
        if (a.box.left < -1 || a.box.right > innerWidth + 1) flaws.push(`${name(a)} sticks out`);
        const scrolls = !a.one.matches("input, legend") && a.one.clientWidth && getComputedStyle(a.one).display !== "inline";
        if (scrolls && a.one.scrollWidth > a.one.clientWidth + 1) flaws.push(`${name(a)} is cut off`);
        for (const b of all.slice(index + 1)) {
            const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
            const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
            if (across > 1 && down > 1 && !related(a, b)) flaws.push(`${name(a)} lies over ${name(b)}`);
        }
    }
    if (document.documentElement.scrollWidth > innerWidth) flaws.push("the page scrolls sideways");
    const rows = Map.groupBy(document.querySelectorAll("#views label"), (label) => label.getBoundingClientRect().top);
    if (new Set([...rows.values()].map((row) => row.length)).size > 1) flaws.push("a row of views is shorter than another");
    const [views, camera] = ["#views", ".camera"].map((part) => document.querySelector(part).getBoundingClientRect());
    if (camera.top > views.bottom) flaws.push("the camera has a row for itself");
    return flaws;
}"""


def flaws_at(page: Page, width: int, height: int = 900) -> list[str]:
    """What is wrong at a size, scrolled to the top, where the picture does not lie over the list."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(50)  # until everything has its size
    return [f"{width}: {flaw}" for flaw in page.evaluate(FLAWS)]


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_nothing_overlaps_and_nothing_is_cut_off(browser: Browser, address: str, locale: str) -> None:
    for page in visit(browser, address, locale=locale):
        upload(page, file_of(PHOTO))
        shown(page)
        page.locator("#views [value=compare]").check()
        assert [flaw for width in range(320, 1921, 40) for flaw in flaws_at(page, width)] == []


NOBODY = """() => {
    document.querySelector(".nobody").hidden = false;
    const [said, buttons] = [".nobody", ".zooming"].map((part) => document.querySelector(part).getBoundingClientRect());
    return said.right > buttons.left && said.bottom > buttons.top;
}"""


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_phones_upright_and_sideways(browser: Browser, address: str, locale: str) -> None:
    for page in visit(browser, address, locale=locale):
        upload(page, file_of(PHOTO))
        shown(page)
        for width, height in ((320, 568), (360, 740), (390, 844), (640, 360), (740, 360), (844, 390), (915, 412)):
            assert flaws_at(page, width, height) == []
            assert not page.evaluate(NOBODY)  # what is said lies over no button
            picture = page.locator("#picture").bounding_box()
            assert picture["y"] + 150 < height  # enough of it is seen at once
