"""A clip on the page: the browser plays it, frame after frame is parsed, and whatever is set is set live."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from support.browsing import file_of, open_browser, page_address, shown, upload, visit
from support.clips import picture, write_clip
from support.crowd_model import PHOTO
from support.striped_model import Stripes

import parsing

COUNT = 40
"""Frames of each clip, 25 a second."""
KINDS = {"clip.webm": "libvpx", "clip.mp4": "libx264", "clip.gif": "gif"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from open_browser()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for name, codec in KINDS.items():
        write_clip(folder / name, COUNT, codec=codec)
    return folder


@pytest.fixture
def model() -> Stripes:
    return Stripes()


@pytest.fixture
def page(browser: Browser, model: Stripes) -> Iterator[Page]:
    for address in page_address(parsing.Parser(model)):
        yield from visit(browser, address)


def choose(page: Page, file: Path) -> None:
    page.locator("#photo input[type=file]").set_input_files(file)
    expect(page.locator(".viewer .clip")).to_be_visible()
    page.wait_for_selector(".drawing[width='96'][height='64']")


@pytest.mark.parametrize("name", KINDS)
def test_a_clip_plays_and_its_frames_are_parsed(name: str, page: Page, model: Stripes, clips: Path) -> None:
    before = model.calls
    choose(page, clips / name)
    expect(page.locator(".rate")).to_contain_text("fps")
    if name.endswith("gif"):
        page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.locator(".rate")).to_be_hidden()
    calls = model.calls
    assert calls > before + 2
    page.wait_for_timeout(500)
    assert model.calls == calls  # it rests
    expect(page.locator(".clip output")).to_contain_text("/ 0:01")

    page.locator("#views [value=map]").check()
    still = picture(0)
    np.testing.assert_array_equal(shown(page), parsing.render.LIP.colors[Stripes()(still).labels])
    page.locator("#parts input[name=Hair]").uncheck()
    labels = Stripes()(still).labels
    np.testing.assert_array_equal(shown(page), parsing.render.LIP.colors[np.where(labels == 2, 0, labels)])
    assert model.calls == calls  # all that is the browser's

    upload(page, file_of(PHOTO))
    shown(page, PHOTO.shape[:2])
    expect(page.locator(".viewer .clip")).to_be_hidden()


def test_a_place_in_the_clip_can_be_chosen(page: Page, clips: Path) -> None:
    choose(page, clips / "clip.mp4")
    expect(page.get_by_role("button", name="Play")).to_be_visible()  # it has come to its end
    page.locator("#views [value=overlay]").check()
    page.locator("#opacity-range").fill("0")
    place = page.get_by_role("slider", name="Place in the clip")
    for number in (25, 5):
        place.fill(str((number + 0.5) / 25))
        page.wait_for_function(
            """([x, y]) => {
                const pixel = document.querySelector('.drawing').getContext('2d').getImageData(x, y, 1, 1).data;
                const before = document.querySelector('.drawing').getContext('2d').getImageData(x - 8, y, 1, 1).data;
                return pixel[2] < 90 && before[2] > 110;
            }""",
            arg=[4 + 2 * number + 4, 30],
        )


def test_after_a_gif_that_was_left_while_it_was_decoded_files_can_be_saved(page: Page, clips: Path) -> None:
    choose(page, clips / "clip.gif")
    page.evaluate(
        """() => {
            const { close } = ImageDecoder.prototype;
            ImageDecoder.prototype.decode = function () {
                return new Promise((_, fail) => (window.failDecoding = fail));
            };
            ImageDecoder.prototype.close = function () {
                window.failDecoding(new Error("It is closed."));
                close.call(this);
            };
        }"""
    )
    page.wait_for_function("Boolean(window.failDecoding)")
    upload(page, file_of(PHOTO))
    shown(page, PHOTO.shape[:2])
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSON", exact=True).click()
    assert waiting.value.suggested_filename == "photo.parsing.json"


def test_a_gif_among_photos_makes_room_for_the_next_after_its_end(page: Page, clips: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(file_of(PHOTO)["buffer"])
    page.locator("#photo input[type=file]").set_input_files([clips / "clip.gif", tmp_path / "photo.png"])
    shown(page, PHOTO.shape[:2])
    expect(page.locator(".strip [data-state=shown]")).to_have_count(2)


def test_a_still_gif_is_a_photo(page: Page, model: Stripes, clips: Path) -> None:
    before = model.calls
    write_clip(clips / "still.gif", 1, codec="gif")
    page.locator("#photo input[type=file]").set_input_files(clips / "still.gif")
    shown(page, (64, 96))
    assert model.calls == before + 1
    expect(page.locator(".viewer .clip")).to_be_hidden()


def test_what_the_browser_cannot_play_is_said(page: Page) -> None:
    broken = {"name": "clip.mp4", "mimeType": "video/mp4", "buffer": b"words"}
    page.locator("#photo input[type=file]").set_input_files(broken)
    expect(page.locator(".said")).to_have_text("This browser cannot play that clip; use MP4, WebM or GIF.")
    expect(page.locator(".viewer .clip")).to_be_hidden()
