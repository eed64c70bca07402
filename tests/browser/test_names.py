"""Names written on the picture, a legend beside it, and the printed page."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from support.browsing import file_of, shown, upload, visit, wait_for_address
from support.crowd_model import PARSED, PHOTO

from parsing.labels import PARTS
from parsing.web.page.handlers import TEXTS

WRITTEN = """() => {
    const { prototype } = CanvasRenderingContext2D;
    const write = prototype.fillText;
    window.written = [];
    prototype.fillText = function (text, x, y) {
        const { width, actualBoundingBoxAscent: up, actualBoundingBoxDescent: down } = this.measureText(text);
        window.written.push({ text, x, y, width, up, down, room: [this.canvas.width, this.canvas.height] });
        return write.call(this, text, x, y);
    };
}"""


def written(page: Page) -> list[dict[str, Any]]:
    """What has been written on canvases since this was asked before: texts with their boxes."""
    return page.evaluate("() => window.written.splice(0)")


def saved(page: Page) -> Image.Image:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Picture", exact=True).click()
    return Image.open(waiting.value.path())


def choose_face_of(page: Page, person: int) -> None:
    page.get_by_role("button", name="Face", exact=True).click()
    page.locator(f"#people [value='{person}']").check()


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_key_writes_each_name_once_for_each_person_and_none_over_another(browser: Browser, address: str, locale: str) -> None:
    words = TEXTS["en" if locale == "en-US" else locale]
    for page in visit(browser, address, locale=locale):
        upload(page, file_of(PHOTO))
        shown(page)
        page.locator("[data-tick=none]").click()
        for part in ("Hair", "Coat", "Left-arm", "Right-shoe"):
            page.locator(f"#parts input[name={part}]").check()
        expect(page.locator("#picture .names")).to_be_hidden()
        page.evaluate(WRITTEN)
        page.keyboard.press("n")
        expect(page.locator("#picture .names")).to_be_visible()
        names = written(page)
        expected = 3 * [words[f"part.{part}"] for part in ("Hair", "Coat", "Left-arm", "Right-shoe")]
        assert sorted(name["text"] for name in names) == sorted(expected)
        for one, other in combinations(names, 2):
            beside = one["x"] >= other["x"] + other["width"] or other["x"] >= one["x"] + one["width"]
            above = one["y"] + one["down"] <= other["y"] - other["up"] or other["y"] + other["down"] <= one["y"] - one["up"]
            assert beside or above, f"{one} lies over {other}"
        for name in names:
            assert 0 <= name["x"] <= name["room"][0] - name["width"]
            assert name["up"] <= name["y"] <= name["room"][1] - name["down"]
        page.keyboard.press("n")
        expect(page.locator("#picture .names")).to_be_hidden()


def test_names_follow_zoom_choice_and_language_and_are_in_the_link(page: Page) -> None:
    choose_face_of(page, 2)
    page.get_by_role("button", name="Names on the picture").click()
    expect(page.get_by_role("button", name="Names on the picture")).to_have_attribute("aria-pressed", "true")
    wait_for_address(page, "names=on")
    page.evaluate(WRITTEN)
    page.get_by_role("button", name="Zoom in").click()
    assert [name["text"] for name in written(page)][-1:] == ["Face"]
    page.get_by_role("button", name="Hair", exact=True).click()
    assert [name["text"] for name in written(page)] == ["Hair"]
    page.get_by_role("button", name="中文").click()
    page.wait_for_function("window.written.some(({ text }) => text === '头发')")


def test_the_saved_picture_has_the_names_beside_it(page: Page) -> None:
    choose_face_of(page, 2)
    expected = shown(page)
    page.keyboard.press("n")
    with saved(page) as picture:
        margin = (picture.width - PHOTO.shape[1]) // 2
        pixels = np.asarray(picture.convert("RGB"))
    assert margin > 30
    inside = pixels[:, margin:-margin]
    assert inside.shape == PHOTO.shape
    same = (inside == expected).all(axis=2)
    assert 0.9 < same.mean() < 1  # but for the line
    assert (pixels[:, :margin] < 100).any() != (pixels[:, -margin:] < 100).any()  # one name, on one side


def test_the_copied_picture_has_the_names_too(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("n")
    page.get_by_role("button", name="Copy picture").click()
    expect(page.locator("#picture .said")).to_have_text("The picture is on the clipboard")
    width = page.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            return (await createImageBitmap(await item.getType("image/png"))).width;
        }"""
    )
    assert width > PHOTO.shape[1] + 60


def test_the_saved_picture_has_a_legend_where_it_is_asked_for(page: Page) -> None:
    page.locator("[data-tick=none]").click()
    for part in ("Hair", "Coat"):
        page.locator(f"#parts input[name={part}]").check()
    page.get_by_label("With legend").check()
    page.evaluate(WRITTEN)
    with saved(page) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert [name["text"] for name in written(page)] == ["Hair", "Coat"]
    below = pixels[PHOTO.shape[0] :]
    for name in ("Hair", "Coat"):
        color = next(part.color for part in PARTS if part.name == name)
        assert (below == color).all(axis=2).sum() >= 100
    page.locator("#views [value=blur]").check()
    expect(page.get_by_label("With legend")).to_be_hidden()
    with saved(page) as picture:
        assert picture.size == (131, 96)


def test_printing_gives_one_page_with_picture_names_and_shares(page: Page) -> None:
    page.keyboard.press("n")
    page.evaluate(WRITTEN)
    document = page.pdf(format="A4")
    assert re.findall(rb"/Count (\d+)", document)[0] == b"1"
    assert len(written(page)) == 10  # as many as its height allows: the picture was written for the page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator(".printed canvas")).to_be_visible()
    expect(page.locator("#picture")).to_be_hidden()
    expect(page.locator("[data-row=Hair] .share")).to_have_text(f"{PARSED.area()['Hair'] * 100:.1f}%")
    expect(page.locator("[data-row=Hair]")).to_be_visible()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".printed canvas")).to_have_count(0)
