"""The page in a real browser: what a visitor does, and what must then be on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from support.browsing import DESKTOP, PHONE, file_of, page_address, shown, upload, visit
from support.striped_model import PHOTO, Stripes

import parsing
from parsing.web.page.handlers import EXAMPLES, TEXTS

PARSING = Stripes()(PHOTO)
TITLES = TEXTS["en"]


@pytest.fixture(scope="module")
def model() -> Stripes:
    return Stripes()


@pytest.fixture(scope="module")
def address(model: Stripes) -> Iterator[str]:
    yield from page_address(parsing.Parser(model))


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    yield from visit(browser, address)


def test_an_uploaded_photo_appears_coloured_with_its_facts(page: Page) -> None:
    upload(page, file_of(PHOTO))
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSING))
    facts = page.locator("#facts")
    expect(facts).to_contain_text("1 person")
    expect(facts).to_contain_text("Stripes")
    expect(facts).to_contain_text("96 × 120")
    for stage in ("open", "prepare", "network", "combine", "draw"):
        expect(facts).to_contain_text(stage)


def test_the_list_names_every_class_with_its_share_and_dims_the_absent(page: Page) -> None:
    upload(page, file_of(PHOTO))
    shown(page)
    rows = page.locator("#parts .part")
    expect(rows).to_have_count(20)
    for name, share in PARSING.area().items():
        row = rows.filter(has=page.get_by_text(TITLES[f"part.{name}"], exact=True))
        expect(row.locator(".share")).to_have_text(f"{share * 100:.1f}%" if share else "–")
        assert ("missing" in row.get_attribute("class").split()) == (share == 0)


def test_unticking_a_part_changes_exactly_its_pixels_and_does_not_parse_again(page: Page, model: Stripes) -> None:
    upload(page, file_of(PHOTO))
    before, calls = shown(page), model.calls
    page.get_by_role("checkbox", name="Hair").uncheck()
    after = shown(page)
    hair = PARSING.labels == 2
    np.testing.assert_array_equal((before != after).any(axis=2), hair)
    np.testing.assert_array_equal(after[hair], PHOTO[hair])
    assert model.calls == calls


@pytest.mark.parametrize(
    ("clicks", "left"),
    [
        (["None"], []),
        (["None", "Shoes"], ["Left-shoe", "Right-shoe"]),
        (["None", "Face", "All"], None),
        (["None", "All", "Head", "Limbs", "Shoes"], ["UpperClothes", "Pants"]),
    ],
)
def test_all_none_and_groups(page: Page, clicks: list[str], left: list[str] | None) -> None:
    upload(page, file_of(PHOTO))
    shown(page)
    for click in clicks:
        role = "button" if click in ("All", "None") else "checkbox"
        page.get_by_role(role, name=click, exact=True).click()
    expected = parsing.composite(PHOTO, PARSING, parts=left)
    np.testing.assert_array_equal(shown(page), expected)


@pytest.mark.parametrize(("key", "opacity"), [("Home", 0.0), ("End", 1.0)])
def test_opacity_goes_from_the_photo_to_flat_colours(page: Page, key: str, opacity: float) -> None:
    upload(page, file_of(PHOTO))
    shown(page)
    page.locator("#opacity input[type=range]").press(key)
    picture = shown(page)
    colors = np.array([part.color for part in parsing.PARTS], np.uint8)
    flat = np.where(PARSING.labels[..., None] > 0, colors[PARSING.labels], PHOTO)
    np.testing.assert_array_equal(picture, flat if opacity else PHOTO)


def test_the_last_of_many_settings_wins(page: Page) -> None:
    upload(page, file_of(PHOTO))
    shown(page)
    slider = page.locator("#opacity input[type=range]")
    slider.focus()
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    expected = parsing.composite(PHOTO, PARSING, opacity=float(slider.input_value()))
    np.testing.assert_array_equal(shown(page), expected)


def test_a_second_photo_replaces_the_first_and_keeps_the_settings(page: Page) -> None:
    upload(page, file_of(PHOTO))
    shown(page)
    page.get_by_role("checkbox", name="Face").uncheck()
    second = PHOTO[:, :64]
    upload(page, file_of(second))
    expect(page.locator("#facts")).to_contain_text("64 × 120")
    ticked = [part.name for part in parsing.PARTS[1:] if part.name != "Face"]
    np.testing.assert_array_equal(shown(page), parsing.composite(second, Stripes()(second), parts=ticked))


def test_a_broken_file_gets_a_sentence_and_the_earlier_result_stays(page: Page) -> None:
    upload(page, file_of(PHOTO))
    before = shown(page)
    good = file_of(PHOTO)
    upload(page, {**good, "buffer": good["buffer"][:200]})
    expect(page.locator("#picture .said")).to_contain_text("damaged or cut short")
    np.testing.assert_array_equal(shown(page), before)
    expect(page.locator("#facts")).to_contain_text("96 × 120")
    upload(page, file_of(PHOTO[:100]))
    expect(page.locator("#facts")).to_contain_text("96 × 100")


def test_a_photo_taken_sideways_comes_out_upright(page: Page) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is on the right of the stored picture
    upload(page, file_of(np.rot90(PHOTO).copy(), "tiff", exif=exif))
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSING))


def test_a_photo_without_people_says_so(page: Page) -> None:
    empty = np.zeros((40, 30, 3), np.uint8)
    upload(page, file_of(empty))
    np.testing.assert_array_equal(shown(page), empty)
    expect(page.locator("#facts")).to_contain_text("No person found")
    expect(page.locator("#picture .nobody")).to_be_visible()


def test_a_chinese_browser_gets_a_chinese_page(browser: Browser, address: str) -> None:
    for page in visit(browser, address, locale="zh-CN"):
        expect(page.locator("h1")).to_have_text("人体解析")
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        for part in parsing.PARTS[1:]:
            expect(page.get_by_role("checkbox", name=part.name_zh, exact=True)).to_be_checked()
        expect(page.get_by_text("不透明度", exact=True)).to_be_visible()
        upload(page, {"name": "photo.png", "mimeType": "image/png", "buffer": b"no picture"})
        expect(page.locator("#picture .said")).to_contain_text("这不是图片")
        upload(page, file_of(PHOTO))
        expect(page.locator("#facts")).to_contain_text("1 人")


def test_a_phone_gets_one_column_and_targets_for_fingers(browser: Browser, address: str) -> None:
    for page in visit(browser, address, viewport=PHONE):
        upload(page, file_of(PHOTO))
        shown(page)
        boxes = [
            page.locator(name).bounding_box() for name in ("#photo", "#examples", "#picture", "#facts", "#opacity", "#parts")
        ]
        assert {round(box["x"]) for box in boxes} == {16}
        assert all(box["width"] == pytest.approx(358, abs=1) for box in boxes)
        assert all(upper["y"] + upper["height"] <= lower["y"] for upper, lower in zip(boxes, boxes[1:], strict=False))
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        targets = page.locator("#parts label, #parts button, #views label, #photo label, #examples button").all()
        assert len(targets) >= 19 + 19 + 4 + 2 + 5 + 3
        assert min(target.bounding_box()["height"] for target in targets) >= 44
        page.get_by_role("checkbox", name="Right shoe").scroll_into_view_if_needed()
        expect(page.locator("#picture")).to_be_in_viewport(ratio=0.99)


def test_nothing_moves_when_the_picture_arrives(page: Page) -> None:
    names = ("#picture", "#facts", "#opacity", "#parts", "#examples")
    before = [page.locator(name).bounding_box() for name in names]
    upload(page, file_of(PHOTO))
    shown(page)
    assert [page.locator(name).bounding_box() for name in names] == before


def test_no_request_leaves_this_machine(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport=DESKTOP)
    requests: list[str] = []
    context.on("request", lambda request: requests.append(request.url))
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#parts input[name=Hair]")
    upload(page, file_of(PHOTO))
    shown(page)
    page.wait_for_timeout(1000)  # for what is fetched late
    context.close()
    assert len(requests) > 20
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []


def test_examples_survive_an_upload_of_the_same_file(browser: Browser, address: str) -> None:
    for page in visit(browser, address):
        page.locator("#photo input[type=file]").set_input_files(EXAMPLES[0])
        shown(page)
        page.wait_for_timeout(500)
        for thumbnail in page.locator("#examples img").all():
            assert page.request.get(thumbnail.evaluate("(image) => image.src")).ok


def test_an_example_is_parsed_by_the_embedded_model(browser: Browser) -> None:
    for address in page_address(parsing.load("lite")):
        for page in visit(browser, address):
            page.locator("#examples button").filter(has=page.locator("img[src$='astronaut.jpg']")).click()
            picture = shown(page)
            photo = parsing.open_image(Path(__file__).parents[2] / "assets" / "examples" / "astronaut.jpg")
            assert picture.shape == photo.shape
            assert 0.1 < (picture != photo).any(axis=2).mean() < 0.9
            expect(page.locator("#facts")).to_contain_text("Lite (embedded)")
