"""What many tests share: the browser, and the page of the crowd unless a file has its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from support.browsing import file_of, open_browser, page_address, visit_with_photo
from support.crowd_model import PHOTO, Crowd

import parsing

expect.set_options(timeout=60_000)  # a busy machine is slow, and what is as expected is so at once


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from open_browser()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the page is served, with a model that finds three people and all parts."""
    yield from page_address(parsing.Parser(Crowd()))


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """That page, new, with a photo that has been parsed."""
    yield from visit_with_photo(browser, address, file_of(PHOTO))


@pytest.fixture
def requests(page: Page) -> list[Request]:
    """What the page asks for while the test runs."""
    seen: list[Request] = []
    page.on("request", lambda request: seen.append(request))
    return seen
