"""The page in a real browser: how the tests open it, put photos in, and read what is on the screen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, JSHandle, Page, expect, sync_playwright
from support import served
from support.pictures import encode

import parsing
from benchmarks.browser import CHROMIUM
from benchmarks.use import read_screen
from parsing.files import find_examples

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
QUIET = ".viewer.filled .busy[hidden]"


def file_of(pixels: NDArray[np.uint8], form: str = "png", **options: object) -> dict[str, object]:
    """What the browser is given to upload."""
    return {"name": f"photo.{form}", "mimeType": f"image/{form}", "buffer": encode(pixels, form, **options)}


def page_address(parser: parsing.Parser) -> Iterator[str]:
    """The address of a page around one parser, until asked to go on."""
    with served.serve(parser) as address:
        yield address


def open_browser(*arguments: str) -> Iterator[Browser]:
    """Chromium, started with these arguments, until asked to go on."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
        yield browser
        browser.close()


def visit(browser: Browser, address: str, locale: str = "en-US", viewport: dict[str, int] = DESKTOP) -> Iterator[Page]:
    """The page, open in a browser of its own, until asked to go on."""
    context = browser.new_context(viewport=viewport, locale=locale)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#parts input[name=Hair]")
    yield page
    context.close()


def visit_with_photo(browser: Browser, address: str, file: dict[str, object]) -> Iterator[Page]:
    """The page with a photo that has been parsed."""
    for page in visit(browser, address):
        upload(page, file)
        shown(page)
        yield page


def upload(page: Page, file: dict[str, object]) -> None:
    page.locator("#photo input[type=file]").set_input_files(file)


def shown(page: Page, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """The picture on the screen, RGB (H, W, 3), once a photo, of this height and width, has been parsed."""
    return rgba(page, size)[:, :, :3]


def rgba(page: Page, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """As `shown`, with its transparency, (H, W, 4)."""
    page.wait_for_selector(QUIET, state="attached")
    if size is not None:
        page.wait_for_selector(f".drawing[height='{size[0]}'][width='{size[1]}']")
    return read_screen(page)


def wait_for(page: Page, *texts: str) -> None:
    """Until the facts below the picture hold the texts."""
    for text in texts:
        expect(page.locator("#facts")).to_contain_text(text)


def wait_for_address(page: Page, text: str) -> None:
    """Until the address of the page holds the text; it follows what is set a little later."""
    page.wait_for_function("(text) => location.href.includes(text)", arg=text)


def wait_for_examples(page: Page) -> None:
    """Until each example has its name."""
    named = "[...document.querySelectorAll('#examples img')].filter((image) => image.alt).length"
    page.wait_for_function(f"{named} === {len(find_examples())}")


def watch_widths(page: Page) -> JSHandle:
    """The widths of the pictures that are drawn from now on, a list that grows."""
    return page.evaluate_handle(
        """() => {
            const canvas = document.querySelector('.drawing');
            const widths = [];
            new MutationObserver(() => widths.push(canvas.width)).observe(canvas, { attributes: true });
            return widths;
        }"""
    )
