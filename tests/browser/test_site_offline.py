"""The page as static files, kept by its service worker: without a connection, in a new version, where something is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from support.browsing import DESKTOP, PHONE, file_of, shown, upload, wait_for
from support.site import Served, serve_site

import parsing
from parsing.files import find_examples
from parsing.web.site.build import listed, site_files, write_site

FILES = site_files()
PHOTO = parsing.open_image(next(path for path in find_examples() if path.stem == "astronaut"))[:400]
READY = "Ready for use without a connection."


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with serve_site(tmp_path, FILES) as site:
        yield site


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=DESKTOP, locale="en-US")
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def newer() -> dict[str, bytes]:
    """The site as a later version writes it: another title, all else the same."""
    return listed({**FILES, "site/content.json": FILES["site/content.json"].replace(b'"Human Parsing"', b'"Newer Parsing"')})


def says(page: Page, text: str) -> None:
    expect(page.locator("#state")).to_contain_text(text)


def test_a_second_visit_needs_no_connection_and_has_threads(page: Page, site: Served) -> None:
    page.goto(site.address)
    says(page, READY)
    assert not page.evaluate("crossOriginIsolated")  # this server says nothing of it
    site.stop()
    page.reload()
    wait_for(page, "1 person")
    assert page.evaluate("crossOriginIsolated")
    upload(page, file_of(PHOTO))
    shown(page, (400, 512))
    page.locator("#examples button").filter(has=page.locator("img[alt=admiral]")).click()
    wait_for(page, "512 × 600")
    says(page, READY)


def test_a_new_version_waits_until_it_is_wanted_and_only_what_has_changed_is_fetched(page: Page, site: Served) -> None:
    page.goto(site.address)
    says(page, READY)
    write_site(newer(), site.folder)
    site.asked.clear()
    page.reload()
    says(page, "A newer version is ready.")
    expect(page).to_have_title("Human Parsing")  # the pages of one version never meet files of the other
    other = page.context.new_page()
    other.goto(site.address)
    says(other, "A newer version is ready.")
    for tab in (page, other):  # in the other one, too, the button leads to it
        tab.get_by_role("button", name="Use it now").click()
        expect(tab).to_have_title("Newer Parsing")
    other.close()
    wait_for(page, "1 person")
    says(page, READY)
    assert set(site.asked) == {"service_worker.js", "version.js", "site/content.json"}
    assert len(page.evaluate("caches.keys()")) == 1


def test_a_tampered_model_is_refused_and_not_kept(page: Page, site: Served) -> None:
    weights = bytearray(FILES["device/lite.weights"])
    weights[len(weights) // 2] ^= 1
    (site.folder / "device" / "lite.weights").write_bytes(weights)
    page.goto(site.address)
    says(page, "Lite’s file is not the one that belongs to this page, and was not used; reload the page.")
    says(page, "A file of the app is not the one that belongs to it; nothing is kept for use without a connection.")
    assert page.evaluate("caches.keys()") == []


def test_a_tampered_new_version_leaves_the_one_that_is_there(page: Page, site: Served) -> None:
    page.goto(site.address)
    says(page, READY)
    write_site({**newer(), "site/content.json": b"{}"}, site.folder)
    page.reload()
    wait_for(page, "1 person")
    says(page, READY)
    expect(page.get_by_role("button", name="Use it now")).to_be_hidden()


def test_where_there_is_no_room_the_app_goes_on(context: BrowserContext, page: Page, site: Served) -> None:
    devtools = context.new_cdp_session(page)
    origin = site.address.split("/some")[0]
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 2_000_000})
    page.goto(site.address)
    says(page, "This browser has no room to keep the app; it works while there is a connection.")
    upload(page, file_of(PHOTO))
    shown(page, (400, 512))


def test_a_photo_shared_by_another_app_is_on_show_and_not_kept(browser: Browser, site: Served) -> None:
    context = browser.new_context(viewport=PHONE, locale="en-US", has_touch=True)
    page = context.new_page()
    page.goto(site.address)
    says(page, READY)
    target = json.loads(FILES["manifest.json"])["share_target"]
    (field,) = target["params"]["files"]
    other = context.new_page()  # as a phone does it: a form from elsewhere
    other.set_content(
        f'<form action="{site.address}{target["action"]}" method="{target["method"]}" enctype="{target["enctype"]}">'
        f'<input type="file" name="{field["name"]}" multiple><button>Share</button></form>'
    )
    other.locator("input").set_input_files([file_of(PHOTO)])
    other.get_by_role("button", name="Share").click()
    wait_for(other, "512 × 400")
    assert other.url == site.address
    assert len(other.evaluate("caches.keys()")) == 1
    other.goto(f"{site.address}?shared")
    expect(other.locator(".said")).to_have_text("The shared photo did not arrive; choose it here.")
    context.close()
