"""A short round of `benchmarks.use`: photos from the camera, files of what the live camera left, and nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from support.browsing import page_address
from support.crowd_model import Crowd

import parsing
from benchmarks.held import Held
from benchmarks.use import (
    EXAMPLES,
    open_browser,
    open_page,
    run_camera,
    save_all,
    send_file,
    show_example,
)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    for address in page_address(parsing.Parser(Crowd())):
        with open_browser() as browser:
            yield open_page(browser, address)


def test_files_of_photos_from_the_camera_are_what_the_screen_shows(page: Page) -> None:
    send_file(page, EXAMPLES / "admiral.jpg")
    save_all(page)
    show_example(page, "astronaut.jpg")
    run_camera(page)
    save_all(page)


def test_an_upload_leaves_nothing_behind_in_the_page(page: Page) -> None:
    def upload() -> Held:
        send_file(page, EXAMPLES / "admiral.jpg")
        show_example(page, "astronaut.jpg")
        return Held.measure(page, os.getpid())

    page.evaluate(
        """() => {
            const { createObjectURL, revokeObjectURL } = URL;
            window.addresses = new Set();
            URL.createObjectURL = (file) => { const made = createObjectURL(file); window.addresses.add(made); return made; };
            URL.revokeObjectURL = (address) => { window.addresses.delete(address); revokeObjectURL(address); };
        }"""
    )
    first = upload()
    for _ in range(4):
        last = upload()
    assert last.nodes < first.nodes + 30
    assert last.buffers < 1.1 * first.buffers
    assert last.listeners <= first.listeners
    assert page.evaluate("window.addresses.size") <= 1  # of photos, which the browser holds as long
