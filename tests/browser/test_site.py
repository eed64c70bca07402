"""The page as static files in a browser: everything works, in both languages, and no request leaves the folder's own server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, Route, expect
from support.accessibility import AXE, findings
from support.browsing import DESKTOP, PHONE, file_of, open_browser, shown, upload, wait_for
from support.site import serve_site

import parsing
from benchmarks.browser import FAKE_CAMERA
from parsing.files import find_examples
from parsing.labels import part_index
from parsing.render import LIP

LITE = parsing.load("lite")
ASTRONAUT, GROUP = (next(path for path in find_examples() if path.stem == name) for name in ("astronaut", "group-collage"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from open_browser(*FAKE_CAMERA)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_site(tmp_path_factory.mktemp("root")) as site:
        yield site.address


@pytest.fixture
def requests() -> list[Request]:
    """What the page asks for."""
    return []


@pytest.fixture
def page(browser: Browser, address: str, requests: list[Request]) -> Iterator[Page]:
    """The site, open, with its first example parsed; nothing may have gone wrong on the way."""
    context = browser.new_context(viewport=DESKTOP, locale="en-US", accept_downloads=True)
    context.set_default_timeout(60_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("request", lambda request: requests.append(request))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    wait_for(page, "1 person", "Lite, on this device")
    yield page
    context.close()
    assert wrong == []


def download(page: Page, name: str) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(waiting.value.path())


def test_an_example_is_parsed_and_every_request_is_to_the_same_server(
    page: Page, address: str, requests: list[Request]
) -> None:
    expect(page.get_by_text("An example. Drop your own photo anywhere")).to_be_visible()
    page.locator("#examples button").filter(has=page.locator("img[alt='group collage']")).click()
    found = LITE(GROUP)
    wait_for(page, f"{len(found.people)} people")
    page.locator("#views [value=map]").check()
    picture = shown(page, found.size)
    assert (picture == LIP.colors[found.labels]).all(axis=2).mean() >= 0.995
    own = urlsplit(address)
    asked = {urlsplit(request.url)[:2] for request in requests if not request.url.startswith(("blob:", "data:"))}
    assert asked == {own[:2]}
    assert all(urlsplit(request.url).path.startswith(own.path) for request in requests if request.url.startswith("http"))
    assert [request.method for request in requests if request.method != "GET" or request.post_data_buffer] == []


def test_the_first_example_is_on_show_before_the_model_which_then_parses_it_too(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="en-US", service_workers="block")
    model = re.compile("lite.weights")
    page.route(model, lambda route: None)  # it does not come
    page.goto(address)
    wait_for(page, "1 person", "Lite, parsed beforehand")
    page.get_by_role("button", name="中文").click()
    wait_for(page, "Lite（预先解析）")
    page.get_by_role("button", name="English").click()
    invitation = page.get_by_text("An example. Drop your own photo anywhere")
    expect(invitation).to_be_visible()
    page.locator("#views [value=map]").check()
    brought, found = shown(page), LITE(ASTRONAUT)
    assert (brought == LIP.colors[found.labels]).all(axis=2).mean() >= 0.995
    (person,) = json.loads(download(page, "JSON").read_text())["people"]
    assert (person["area"], person["box"]) == (found.people[0].area, list(found.people[0].box))
    page.unroute(model)
    page.reload()
    wait_for(page, "1 person", "Lite, on this device")
    expect(invitation).to_be_visible()
    assert (shown(page) == brought).all(axis=2).mean() >= 0.995
    page.close()


def test_a_photo_that_is_chosen_long_before_the_weights_come_is_parsed_by_them(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="en-US", service_workers="block")
    held: list[Route] = []
    page.route(re.compile("lite.weights"), lambda route: held.append(route))
    page.goto(f"{address}#example=nobody")  # the usual one is shown then
    wait_for(page, "Lite, parsed beforehand")
    upload(page, {"name": "group.jpg", "mimeType": "image/jpeg", "buffer": GROUP.read_bytes()})
    page.wait_for_timeout(3000)  # for a rehearsal without them
    held[0].continue_()
    found = LITE(GROUP)
    wait_for(page, "Lite, on this device", f"{len(found.people)} people")
    page.locator("#views [value=map]").check()
    assert (shown(page, found.size) == LIP.colors[found.labels]).all(axis=2).mean() >= 0.995
    page.close()


def test_parts_opacity_palette_and_files(page: Page) -> None:
    flat = shown(page)
    page.locator("#opacity-range").fill("0")
    photo = parsing.open_image(ASTRONAUT)
    assert np.abs(shown(page).astype(int) - photo).max() <= 2  # the photo itself
    page.locator("#opacity-range").fill("0.6")
    assert (shown(page) == flat).all()
    page.locator("#parts input[name=Face]").uncheck()
    changed = (shown(page) != flat).any(axis=2)
    face = LITE(ASTRONAUT).labels == part_index("Face")
    assert (changed == face).mean() >= 0.995
    page.get_by_role("button", name="All", exact=True).click()
    answer = json.loads(download(page, "JSON").read_text())
    assert answer["model"] == "lite"
    assert [person["name"] for person in answer["people"]] == ["Human"]
    with Image.open(download(page, "Label map")) as labels:
        assert (np.asarray(labels) == LITE(ASTRONAUT).labels).mean() >= 0.995
    with Image.open(download(page, "Picture")) as saved:
        assert saved.size == (512, 512)
    saves = page.locator("[data-save]")
    assert [saves.nth(place).get_attribute("data-save") for place in range(saves.count())] == [
        "picture",
        "labels",
        "masks",
        "json",
    ]


def test_a_photo_comes_in_by_button_drop_and_paste(page: Page) -> None:
    upload(page, file_of(parsing.open_image(ASTRONAUT)[:400]))
    shown(page, (400, 512))
    hand_over = """([width, kind]) => {
        const canvas = Object.assign(document.createElement("canvas"), { width, height: 64 });
        canvas.toBlob((blob) => {
            const data = new DataTransfer();
            data.items.add(new File([blob], "photo.png", { type: "image/png" }));
            const event = kind === "drop"
                ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
                : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
            document.body.dispatchEvent(event);
        });
    }"""
    for width, kind in ((96, "drop"), (128, "paste")):
        page.evaluate(hand_over, [width, kind])
        wait_for(page, f"{width} × 64")


def test_the_camera_is_parsed_too(page: Page) -> None:
    page.get_by_role("button", name="Start camera").click()
    expect(page.locator(".rate")).to_have_text(re.compile(r"[1-9]"))
    wait_for(page, "640 × 480")
    page.get_by_role("button", name="Stop camera").click()


def test_a_link_restores_what_is_on_the_screen(page: Page, browser: Browser) -> None:
    page.locator("#examples button").filter(has=page.locator("img[alt=admiral]")).click()
    wait_for(page, "× 600")
    page.locator("#views [value=outlines]").check()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    other = browser.new_page()
    other.goto(link)
    wait_for(other, "× 600")
    assert other.locator("#views [value=outlines]").is_checked()
    other.close()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_languages_fit_on_every_screen_and_are_within_reach(
    browser: Browser, address: str, scheme: str, viewport: dict[str, int]
) -> None:
    context = browser.new_context(viewport=viewport, locale="zh-TW", color_scheme=scheme)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(address)
    wait_for(page, "1 人")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for language, label, other in (("zh-CN", "不透明度", "English"), ("en", "Opacity", "中文")):
        assert page.locator("html").get_attribute("lang") == language
        expect(page.locator("#opacity label")).to_have_text(label)
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
        assert not re.search("server|服务器", page.locator("body").inner_text())
        assert findings(page) == []
        page.get_by_role("button", name=other, exact=True).click()
    page.reload()
    expect(page.locator("#opacity label")).to_have_text("不透明度")  # as was chosen last
    context.close()


@pytest.mark.parametrize(
    ("file", "said"),
    [("lite.onnx", "could not start in this browser; reload"), ("worker.js", "could not start in this browser")],
)
def test_what_cannot_be_fetched_is_said(browser: Browser, address: str, file: str, said: str) -> None:
    page = browser.new_page()
    page.route(f"**/{file}", lambda route: route.abort())
    page.goto(address)
    expect(page.locator("#state")).to_contain_text(said)
    wait_for(page, "1 person", "Lite, parsed beforehand")  # the first example needs no model
    upload(page, file_of(parsing.open_image(ASTRONAUT)))
    expect(page.locator(".said")).to_contain_text("could not start in this browser")
    page.close()


def test_an_example_that_comes_late_or_never_does_not_hide_the_photo_on_show(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="en-US", service_workers="block")
    page.goto(address)
    wait_for(page, "1 person", "Lite, on this device")
    held: list[Route] = []
    page.route("**/examples/group-collage.jpg", lambda route: held.append(route))
    page.locator("#examples button").filter(has=page.locator("img[alt='group collage']")).click()
    expect(page.locator(".busy")).to_contain_text("Opening the photo")
    small = np.full((40, 60, 3), 128, np.uint8)
    upload(page, file_of(small))
    shown(page, (40, 60))
    for route in held:
        route.continue_()
    page.wait_for_timeout(1000)
    shown(page, (40, 60))
    page.unroute("**/examples/group-collage.jpg")
    page.route("**/examples/musicians.jpg", lambda route: route.abort())
    page.locator("#examples button").filter(has=page.locator("img[alt='musicians']")).click()
    expect(page.locator(".said")).to_contain_text("The photo could not be fetched")
    expect(page.locator(".preview")).to_be_hidden()
    shown(page, (40, 60))
    page.close()


def test_a_file_that_is_no_picture_is_refused_in_a_sentence(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    wait_for(page, "1 person")
    upload(page, {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"})
    expect(page.locator(".said")).to_contain_text("cannot read that file as a picture")
    page.close()
