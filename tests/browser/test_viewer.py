"""The viewer draws what `composite` draws, at once and without the server, restores it by a link and gives it away as files."""

from __future__ import annotations

import io
import json
import zipfile

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, CDPSession, Download, Page, Request, expect
from support.browsing import file_of, page_address, rgba, shown, upload, visit, wait_for_address
from support.crowd_model import PARSED, PHOTO

import parsing
from parsing.labels import PARTS
from parsing.web.page.handlers import EXAMPLES

NAMES = [part.name for part in PARTS[1:]]


def choose(page: Page, parts: list[str], opacity: float, palette: str, view: str, person: int | None) -> None:
    """Sets everything as a visitor would."""
    page.get_by_role("button", name="None", exact=True).click()
    for part in parts:
        page.locator(f"#parts input[name={part}]").check()
    page.locator("#opacity input").fill(str(opacity))
    page.locator("#palette select").select_option(palette)
    page.locator(f"#views [value={view}]").check()
    page.locator(f"#people [value='{person or 0}']").check()


@pytest.mark.parametrize("seed", range(28))
def test_the_canvas_equals_composite(page: Page, seed: int) -> None:
    random = np.random.default_rng(seed)
    setting = {
        "parts": [str(name) for name in random.choice(NAMES, random.integers(0, 20), replace=False)],
        "opacity": float(random.integers(0, 101)) / 100,
        "palette": str(random.choice(list(parsing.render.PALETTES))),
        "view": parsing.render.VIEWS[seed % len(parsing.render.VIEWS)],
        "person": int(random.integers(1, 4)) if random.random() < 0.5 else None,
    }
    choose(page, **setting)
    expected = parsing.composite(PHOTO, PARSED, **setting)
    drawn = rgba(page)[:, :, : expected.shape[2]]
    tolerance = 1 if setting["view"] in ("blur", "recolor") else 0
    assert np.abs(drawn.astype(int) - expected).max() <= tolerance


@pytest.mark.parametrize("view", parsing.render.VIEWS)
@pytest.mark.parametrize(("grow", "feather"), [(3, 0), (-1, 4), (2, 3)])
def test_edges_are_those_of_composite(page: Page, view: str, grow: int, feather: int) -> None:
    setting = {"parts": ["Hair", "Coat", "Pants", "Face"], "opacity": 0.7, "palette": "safe", "person": 2 if grow > 2 else None}
    choose(page, **setting, view=view)
    expect(page.locator("#grow-range")).to_be_hidden()
    page.locator("#edges summary").click()
    page.locator("#grow-range").fill(str(grow))
    page.locator("#feather-range").fill(str(feather))
    expected = parsing.composite(PHOTO, PARSED, view=view, grow=grow, feather=feather, **setting).astype(int)
    drawn = rgba(page).astype(int)
    if view == "cutout":  # a canvas keeps colours multiplied by their share
        np.testing.assert_array_equal(drawn[..., 3], expected[..., 3])
        drawn, expected = (picture[..., :3] * picture[..., 3:] / 255 for picture in (drawn, expected))
    assert np.abs(drawn[..., :3] - expected).max() <= 1
    wait_for_address(page, f"grow={grow}")


def test_a_garment_gets_the_colour_that_is_chosen(page: Page) -> None:
    page.locator("#views [value=recolor]").check()
    page.get_by_role("button", name="Coat", exact=True).click()
    page.locator("#color-choice").fill("#1e90ff")
    expected = parsing.composite(PHOTO, PARSED, parts=["Coat"], view="recolor", color="#1e90ff")
    assert np.abs(shown(page).astype(int) - expected).max() <= 1
    wait_for_address(page, "color=1e90ff")


def test_a_part_is_cut_out_and_cropped(page: Page) -> None:
    choose(page, ["Face"], 0.6, "lip", "cutout", 2)
    page.get_by_label("Cropped").check()
    with Image.open(save(page, "Picture").path()) as saved:
        expected = parsing.composite(PHOTO, PARSED, parts=["Face"], view="cutout", person=2, crop=True)
        np.testing.assert_array_equal(np.asarray(saved), expected)


def test_grown_edges_are_in_every_file(page: Page) -> None:
    choose(page, ["Hair"], 0.6, "lip", "map", 2)
    page.locator("#edges summary").click()
    page.locator("#grow-range").fill("2")
    on_screen = (shown(page) > 0).any(axis=2)
    with Image.open(save(page, "Label map").path()) as labels:
        np.testing.assert_array_equal(np.asarray(labels) == 2, on_screen)
    found = json.loads(save(page, "JSON").path().read_bytes())
    areas = [segment["area"] for segment in found["parts"] + found["people"]]
    assert areas == [int(on_screen.sum())] * 2


def test_a_click_on_a_part_takes_less_than_a_frame_and_asks_nobody(browser: Browser) -> None:
    photo = cv2.resize(parsing.open_image(EXAMPLES[0]), (1920, 1080), interpolation=cv2.INTER_LINEAR)
    lite = parsing.load("lite")
    for address in page_address(lite):
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
            expect(row.locator(".wearers")).to_have_text("" if person else "3")
            description = f"{share * 100:.1f}%" if person else f"{share * 100:.1f}%, 3 people"
            expect(row.get_by_role("checkbox")).to_have_attribute("aria-description", description)


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
    half_thumb = 10  # columns of the photo that the divider cannot reach at either end
    for key, expected in (("End", PHOTO), ("Home", parsing.composite(PHOTO, PARSED))):
        divider.press(key)
        with Image.open(save(page, "Picture").path()) as saved:
            picture = np.asarray(saved.convert("RGB"))
            np.testing.assert_array_equal(picture[:, half_thumb:-half_thumb], expected[:, half_thumb:-half_thumb])
    divider.fill("50")
    with Image.open(save(page, "Picture").path()) as saved:  # half and half, as on the screen
        picture, middle = np.asarray(saved.convert("RGB")), PHOTO.shape[1] // 2
        np.testing.assert_array_equal(picture[:, : middle - 1], PHOTO[:, : middle - 1])
        np.testing.assert_array_equal(picture[:, middle + 1 :], parsing.composite(PHOTO, PARSED)[:, middle + 1 :])
    before = page.evaluate(
        """() => {
            const canvas = document.querySelector('.before canvas');
            return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data];
        }"""
    )
    np.testing.assert_array_equal(np.array(before, np.uint8).reshape(*PHOTO.shape[:2], 4)[:, :, :3], PHOTO)


@pytest.mark.parametrize("size", [(40, 131), (96, 40)], ids=["wide", "tall"])
def test_photo_and_drawing_lie_in_the_middle_of_the_frame_one_on_the_other(page: Page, size: tuple[int, int]) -> None:
    upload(page, file_of(PHOTO[: size[0], : size[1]]))
    shown(page, size)
    page.locator("#views [value=compare]").check()
    for named in (False, True):
        if named:
            page.keyboard.press("n")
        frame, drawing, before = page.evaluate(
            """() => ["#picture", ".drawing", ".before canvas"].map((part) => {
                const { x, y, width, height } = document.querySelector(part).getBoundingClientRect();
                return [x + width / 2, y + height / 2, width, height];
            })"""
        )
        assert drawing == pytest.approx(before, abs=0.5)
        assert drawing[:2] == pytest.approx(frame[:2], abs=0.5)


def test_a_link_restores_what_is_set(browser: Browser, page: Page, address: str) -> None:
    setting = {"parts": ["Hair", "Coat"], "opacity": 0.35, "palette": "safe", "view": "outlines"}
    choose(page, **setting, person=2)
    shown(page)
    wait_for_address(page, "#parts=Hair,Coat&opacity=0.35&palette=safe&view=outlines")
    for other in visit(browser, page.url):
        upload(other, file_of(PHOTO))
        np.testing.assert_array_equal(shown(other), parsing.composite(PHOTO, PARSED, **setting))
        assert other.locator("#opacity input").input_value() == "0.35"


REFUSE = """() => {
    const replace = history.replaceState.bind(history);
    let left = 100;
    history.replaceState = (...address) => {
        if (left-- <= 0) throw new DOMException("More than 100 times in 30 seconds.", "SecurityError");
        replace(...address);
    };
}"""
"""What Safari does; Firefox does so after 200 times in ten seconds."""
SLIDE = """(slider) => {
    for (let step = 0; step <= 150; step++) {
        slider.value = String((step % 100) / 100);
        slider.dispatchEvent(new InputEvent("input", { bubbles: true }));
    }
}"""


def test_a_slider_that_moves_for_long_is_followed_to_its_end(page: Page) -> None:
    page.evaluate(REFUSE)
    page.locator("#opacity-range").evaluate(SLIDE)
    expect(page.locator("#opacity output")).to_have_text("50%")
    np.testing.assert_array_equal(shown(page), parsing.composite(PHOTO, PARSED, opacity=0.5))
    wait_for_address(page, "opacity=0.5")


def test_a_link_to_the_comparison_shows_the_divider(browser: Browser, address: str) -> None:
    for page in visit(browser, address + "#view=compare"):
        divider = page.get_by_role("slider", name="Before and after")
        expect(divider).to_be_hidden()
        upload(page, file_of(PHOTO))
        expect(divider).to_be_visible()


@pytest.mark.parametrize("hash", ["#parts=Tail&opacity=2&palette=x&view=y", "#parts", "#opacity=", "#constructor", "#%"])
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


def test_the_picture_can_be_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy picture").click()
    expect(page.locator("#picture .said")).to_have_text("The picture is on the clipboard")
    size = page.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            const { width, height } = await createImageBitmap(await item.getType("image/png"));
            return [height, width];
        }"""
    )
    assert tuple(size) == PHOTO.shape[:2]
