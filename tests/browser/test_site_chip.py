"""The site where there is a graphics chip, which SwiftShader plays here: the same label map, and WebAssembly where it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from support.browsing import DESKTOP, file_of, open_browser, shown, upload, wait_for
from support.site import Served, serve_site

import parsing
from parsing.files import find_examples
from parsing.web.device.settings import device_settings

PHOTO = parsing.open_image(next(path for path in find_examples() if path.stem == "astronaut"))[:400]
SMALL = json.dumps({**device_settings(), "look_area": 128**2, "person_area": 128**2})
"""Settings by which the network sees less, because SwiftShader takes seconds where a chip takes none."""
ON_CHIP = "Lite runs in this browser, on the graphics chip: photos stay on this device."
IN_WEBASSEMBLY = "Lite runs in this browser: photos stay on this device."
WRONG = """
    export const env = { wasm: {} };
    export class Tensor {
        constructor(type, data, [, height, width]) { this.cells = height * width; }
    }
    const zeros = (size) => ({ data: new Float32Array(size) });
    const maps = (cells) => ({ parts: zeros(5 * cells), heat: zeros(cells / 64), offsets: zeros(cells / 32) });
    const answer = (cells) => ({ ...maps(cells), presence: zeros(5) });
    export const InferenceSession = { create: async () => ({ run: async ({ image }) => answer(image.cells) }) };
"""
"""A runtime by which every answer is nought."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from open_browser("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve_site(tmp_path_factory.mktemp("root")) as site:
        yield site


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=DESKTOP, locale="en-US", service_workers="block")
    context.set_default_timeout(300_000)
    context.route("**/device/settings.json", lambda route: route.fulfill(body=SMALL))
    yield context
    context.close()


def take_for_chip(route: Route) -> None:
    """The script that asks for a chip, content with a program in its place."""
    script = route.fetch().text()
    asked = "!adapter.info.isFallbackAdapter"
    assert asked in script
    route.fulfill(body=script.replace(asked, "adapter.info"), content_type="text/javascript")


def state(page: Page, text: str) -> None:
    expect(page.locator("#state .device")).to_have_text(text, timeout=300_000)


def test_the_chip_gives_the_label_map_that_webassembly_gives(context: BrowserContext, site: Served) -> None:
    maps = []
    for said in (IN_WEBASSEMBLY, ON_CHIP):
        page = context.new_page()
        page.goto(site.address)
        state(page, said)
        assert ("device/ort.gpu.packed" in site.asked) == (said == ON_CHIP)
        page.locator("#views [value=map]").check()
        upload(page, file_of(PHOTO))
        maps.append(shown(page, PHOTO.shape[:2]))
        state(page, said)
        page.close()
        context.route("**/device/chip.js", take_for_chip)
    assert len(np.unique(maps[0].reshape(-1, 3), axis=0)) >= 4  # somebody is there
    assert (maps[0] == maps[1]).all(axis=2).mean() >= 0.995


@pytest.mark.parametrize(
    ("runtime", "warned"),
    [
        (WRONG, "The graphics chip answers otherwise than WebAssembly."),
        ("throw new Error('It does not start.');", "It does not start."),
        (None, "Failed to fetch dynamically imported module"),
    ],
    ids=["answers otherwise", "does not start", "cannot be fetched"],
)
def test_where_the_chip_fails_webassembly_goes_on(
    context: BrowserContext, site: Served, runtime: str | None, warned: str
) -> None:
    def answer(route: Route) -> None:
        if runtime is None:
            route.abort()
        else:
            route.fulfill(body=runtime, content_type="text/javascript")

    context.route("**/device/chip.js", take_for_chip)
    context.route("**/device/ort.gpu.js", answer)
    page = context.new_page()
    with page.expect_console_message(lambda message: message.type == "warning" and warned in message.text):
        page.goto(site.address)
    state(page, IN_WEBASSEMBLY)
    upload(page, file_of(PHOTO))
    wait_for(page, "512 × 400")
