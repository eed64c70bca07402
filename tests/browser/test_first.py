"""The first visit shows an example that has been parsed at the start; no visit asks the model for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect
from support.browsing import file_of, shown, upload, visit
from support.crowd_model import PHOTO, Crowd
from support.served import serve_handlers

import parsing
from parsing.web.page.handlers import FIRST, Handlers
from parsing.web.photos import Photos


class Counted(Crowd):
    """Counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *arguments: object) -> parsing.Parsing:
        self.calls += 1
        return super().__call__(*arguments)


@pytest.fixture
def model() -> Counted:
    return Counted()


@pytest.fixture
def address(model: Counted) -> Iterator[str]:
    handlers = Handlers(Photos(parsing.Parser(model)))
    handlers.prepare_first()
    with serve_handlers(handlers) as address:
        yield address


def test_the_first_visit_shows_a_parsed_example_and_an_invitation(browser: Browser, address: str, model: Counted) -> None:
    example = parsing.open_image(FIRST)
    for page in visit(browser, address):
        np.testing.assert_array_equal(shown(page, example.shape[:2]), parsing.composite(example, Crowd()(example)))
        invitation = page.locator("#picture .invitation")
        expect(invitation).to_have_text("An example. Drop your own photo anywhere, paste or choose one.")
        with page.expect_download() as waiting:
            page.get_by_role("button", name="JSON", exact=True).click()
        assert Path(waiting.value.suggested_filename) == Path("astronaut.parsing.json")
        assert model.calls == 1
        upload(page, file_of(PHOTO))
        shown(page, PHOTO.shape[:2])
        expect(invitation).to_be_hidden()
        assert model.calls == 2


def test_a_link_to_an_example_that_is_not_there_shows_the_usual_one(browser: Browser, address: str) -> None:
    example = parsing.open_image(FIRST)
    for page in visit(browser, f"{address}/#example=nobody"):
        np.testing.assert_array_equal(shown(page, example.shape[:2]), parsing.composite(example, Crowd()(example)))
