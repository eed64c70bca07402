"""What the tests of "On this device" share: a browser with a camera, and the page that offers Lite here and there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from support.browsing import open_browser, visit
from support.device import LITE
from support.served import serve

from benchmarks.browser import FAKE_CAMERA
from parsing.web.server.background import BackgroundLoader


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from open_browser(*FAKE_CAMERA)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(LITE, loader=BackgroundLoader(lambda _: LITE), choice="lite") as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """That page, new, with no photo."""
    yield from visit(browser, address)
