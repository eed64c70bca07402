"""Minutes of use: `python -m benchmarks.use [--minutes 10] [--every 60]`.

Starts the app with `lite`, opens it in headless Chromium with a film for a camera, and does the same round again and again: an
uploaded photo, an example, the live camera; the language there and back; every view, with parts, a
person, an opacity and a palette chosen; every file taken away and compared with the screen. A table shows what page and server
hold meanwhile. Exit status 1 where that has grown by more than a tenth since the first row. Needs requirements-dev.txt; Linux
only, because memory is read from /proc.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, sync_playwright
from pycocotools import mask as coco

from benchmarks.browser import CHROMIUM, FAKE_CAMERA
from benchmarks.held import Held
from benchmarks.load import start_server
from parsing.files import find_examples
from parsing.labels import part_index
from parsing.render import PALETTES

EXAMPLES: Final = Path(__file__).parents[1] / "assets" / "examples"
CAMERA_SIZE: Final = (640, 480)
"""Width and height of the film, as the page asks a camera for."""
WARM_UP: Final = 10
"""Rounds before the first row, until the browser's records of what was fetched and drawn, and the server's pools, are full."""
SETTINGS: Final = (
    ("compare", 0.3, "article", 0, None),
    ("overlay", 0.6, "lip", 0, None),
    ("cutout", None, "lip", 1, None),
    ("outlines", None, "safe", 0, "Hair"),
    ("map", None, "safe", 1, "Face"),
    ("map", None, "lip", 0, None),
)
"""View, opacity where the view has one, palette, person (0 is everybody) and the part that is left out."""


def write_film(file: Path) -> None:
    """A film of a face, as Chromium takes it for a camera: JPEG files, one after the other."""
    portrait = ImageOps.fit(Image.open(EXAMPLES / "astronaut.jpg").convert("RGB"), CAMERA_SIZE)
    with file.open("wb") as stream:
        for step in range(10):
            portrait.rotate(step - 5, Image.Resampling.BILINEAR).save(stream, "JPEG", quality=90)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Chromium, in which `write_film` plays before a camera that every page may use."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        film = Path(folder) / "film.mjpeg"
        write_film(film)
        arguments = ["--no-sandbox", *FAKE_CAMERA, f"--use-file-for-fake-video-capture={film}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def open_page(browser: Browser, address: str) -> Page:
    """The page, in English."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-US")
    page.set_default_timeout(120_000)
    page.goto(address)
    page.locator("#parts input[name=Hair]").wait_for()
    page.locator("#photo input[type=file]").wait_for(state="attached")
    number = len(find_examples())
    page.wait_for_function(
        f"[...document.querySelectorAll('#examples img')].filter((image) => image.complete).length === {number}"
    )
    return page


def use(page: Page) -> None:
    """One round; raises AssertionError where what is taken away is not what the screen shows."""
    send_file(page, EXAMPLES / "admiral.jpg")
    set_and_save(page)
    save_all(page)
    show_example(page, "photographer.jpg")
    for language in ("zh-CN", "en"):
        page.locator(f"[data-language='{language}']").click()
        page.locator(f"html[lang='{language}']").wait_for(state="attached")
    set_and_save(page)
    run_camera(page)
    save_all(page)
    show_example(page, "astronaut.jpg")


def send_file(page: Page, file: Path) -> None:
    """Uploads a photo. Playwright's own way would keep the input element, and with it what Gradio has hung on to it."""
    page.evaluate(
        """([content, name]) => {
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            const files = new DataTransfer();
            files.items.add(new File([bytes], name, { type: "image/jpeg" }));
            const input = document.querySelector("#photo input[type=file]");
            input.files = files.files;
            input.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        [base64.b64encode(file.read_bytes()).decode(), file.name],
    )
    wait_for_size(page, *Image.open(file).size)


def show_example(page: Page, name: str) -> None:
    """Clicks on an example."""
    page.locator("#examples button").filter(has=page.locator(f"img[src$='{name}']")).click()
    wait_for_size(page, *Image.open(EXAMPLES / name).size)


def run_camera(page: Page) -> None:
    """Starts the live camera, and lets it run until some frames were parsed. Saving stops it."""
    page.locator(".camera").click()
    wait_for_size(page, *CAMERA_SIZE)
    page.wait_for_timeout(2000)


def wait_for_size(page: Page, width: int, height: int) -> None:
    """Until a photo of this size is on the screen and nothing is at work."""
    page.locator(f".drawing[width='{width}'][height='{height}']").wait_for(state="attached")
    page.locator(".viewer .busy").wait_for(state="hidden")


def set_and_save(page: Page) -> None:
    """Goes through `SETTINGS`, takes a picture of each, all files where the map is shown, and ends with the overlay."""
    for view, opacity, palette, person, without in SETTINGS:
        page.locator("[data-tick=all]").click()
        if without is not None:
            page.locator(f"#parts input[name={without}]").uncheck()
        page.locator(f"#views [value={view}]").check()
        if opacity is not None:
            page.locator("#opacity-range").fill(str(opacity))
        page.locator("#palette-choice").select_option(palette)
        page.locator(f"#people [value='{person}']").check()
        compare_picture(page)
        if view == "map":
            compare_files(page)
    page.locator("#views [value=overlay]").check()


def save_all(page: Page) -> None:
    """Takes every file away, the map being shown, and goes back to the overlay."""
    page.locator("#views [value=map]").check()
    compare_picture(page)
    compare_files(page)
    page.locator("#views [value=overlay]").check()


def compare_files(page: Page) -> None:
    """Saves label map, masks and JSON and compares them with the map on the screen."""
    screen = read_screen(page)[:, :, :3]
    colors = PALETTES[page.locator("#palette-choice").input_value()].colors
    with Image.open(io.BytesIO(save(page, "labels"))) as picture:
        labels = np.asarray(picture)
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), screen, "label map")
    np.testing.assert_array_equal(colors[labels], screen, "label map's classes")
    np.testing.assert_array_equal(read_masks(save(page, "masks")), labels, "masks")
    np.testing.assert_array_equal(read_json(save(page, "json")), labels, "JSON")


def compare_picture(page: Page) -> None:
    """Saves the picture and compares it with the screen, transparency and all."""
    with Image.open(io.BytesIO(save(page, "picture"))) as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGBA")), read_screen(page), "picture")


def read_masks(content: bytes) -> NDArray[np.uint8]:
    """The label map that the parts' masks of a ZIP make together; those of all people cover the same."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        masks = {name[:-4]: np.asarray(Image.open(archive.open(name))) for name in archive.namelist() if name.endswith(".png")}
    labels = np.zeros_like(masks.pop("labels"))
    people = np.zeros(labels.shape, bool)
    for name, mask in masks.items():
        if not name.startswith("person-"):
            labels[mask > 0] = part_index(name)
        elif name.count("-") == 1:
            people |= mask > 0
    np.testing.assert_array_equal(people, labels > 0, "masks of people")
    return labels


def read_json(content: bytes) -> NDArray[np.uint8]:
    """The label map that a JSON file's run lengths make together."""
    found = json.loads(content)
    labels = np.zeros((found["size"]["height"], found["size"]["width"]), np.uint8)
    for part in found["parts"]:
        mask = coco.decode(part["rle"]) > 0
        assert mask.sum() == part["area"]
        labels[mask] = part_index(part["name"])
    return labels


def save(page: Page, form: str) -> bytes:
    """What a button of "Save" gives: "picture", "labels", "masks" or "json"."""
    with page.expect_download() as waiting:
        page.locator(f"[data-save={form}]").click()
    content = waiting.value.path().read_bytes()
    waiting.value.delete()
    return content


def read_screen(page: Page) -> NDArray[np.uint8]:
    """What the canvas shows, RGBA (H, W, 4)."""
    height, width, sent = page.evaluate(
        """async () => {
            await new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); setTimeout(done, 500); });
            const canvas = document.querySelector('.drawing');
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            const packed = new Response(new Blob([data]).stream().pipeThrough(new CompressionStream('deflate')));
            const reader = new FileReader();
            reader.readAsDataURL(await packed.blob());
            await new Promise((done) => (reader.onload = done));
            return [canvas.height, canvas.width, reader.result];
        }"""
    )
    content = zlib.decompress(base64.b64decode(sent.partition(",")[2]))
    return np.frombuffer(content, np.uint8).reshape(height, width, 4)


def main() -> None:
    """Prints one row after the warm-up, one every so many seconds and one at the end."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--every", type=float, default=60, metavar="SECONDS", help="between two rows")
    chosen = options.parse_args()
    server, address = start_server()
    rows: list[Held] = []
    try:
        with open_browser() as browser:
            page = open_page(browser, address)
            for _ in range(WARM_UP):
                use(page)
            print(" seconds rounds", *(f"{field.name:>9}" for field in fields(Held)))
            start, rounds = time.monotonic(), 0
            while True:
                passed = time.monotonic() - start
                if passed >= len(rows) * chosen.every or passed >= chosen.minutes * 60:
                    rows.append(Held.measure(page, server.pid))
                    print(f"{passed:8.0f} {rounds:6}", *(f"{value:9.4g}" for value in astuple(rows[-1])), flush=True)
                if passed >= chosen.minutes * 60:
                    break
                use(page)
                rounds += 1
    finally:
        server.terminate()
        server.wait(30)
    grown = rows[-1].grown(rows[0])
    print(f"More than a tenth larger than at first: {', '.join(grown) or 'nothing'}.")
    sys.exit(bool(grown))


if __name__ == "__main__":
    main()
