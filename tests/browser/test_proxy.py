"""The page behind what stands in front of it in the field: another port, a path of a web server, a private Space's pass."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from support.browsing import file_of, shown, upload
from support.program import run_app
from support.proxy import proxy
from support.striped_model import PHOTO

FORWARDED = {"x-forwarded-host": "{host}", "x-forwarded-proto": "http", "x-forwarded-for": "203.0.113.7"}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(60_000)
    yield page
    page.close()


@pytest.mark.parametrize(
    ("options", "shown_at", "query"),
    [
        ([], {}, ""),
        ([], {"headers": FORWARDED}, "?__sign=abc.DEF-123&__theme=light"),
        (["--address", "/parsing"], {"prefix": "/parsing"}, ""),
        (["--address", "/parsing"], {"prefix": "/parsing", "strips": False, "headers": FORWARDED}, "?utm_source=x"),
    ],
    ids=["another port", "a pass", "a path that is taken away", "a path that is left"],
)
def test_photos_and_examples_are_parsed_behind_it(
    page: Page, options: list[str], shown_at: dict[str, object], query: str
) -> None:
    refused: list[str] = []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    with run_app(*options) as app, proxy(app.address, **shown_at) as address:
        page.goto(f"{address}/{query}")
        page.wait_for_selector("#parts input[name=Hair]")
        upload(page, file_of(PHOTO))
        assert shown(page, PHOTO.shape[:2]).shape == PHOTO.shape
        page.locator("#examples button").first.click()
        page.wait_for_selector(".drawing[width='512']")
    assert refused == []
