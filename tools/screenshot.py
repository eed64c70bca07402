"""Takes the README's picture of the page: `python tools/screenshot.py` starts it with the embedded model, opens an example in
headless Chromium and writes `assets/screenshot.png`. Needs `requirements-dev.txt`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.browser import CHROMIUM  # noqa: E402
from benchmarks.load import start_server  # noqa: E402


def main() -> None:
    """Serves the page on a free port, takes the picture, and stops."""
    options = argparse.ArgumentParser(description="Takes a picture of the page.")
    options.add_argument("-o", "--output", type=Path, default=ROOT / "assets" / "screenshot.png")
    options.add_argument("--example", default="astronaut.jpg", help="file name of the example photo to open")
    options.add_argument("--width", type=int, default=1280)
    options.add_argument("--height", type=int, default=900)
    options.add_argument("--scheme", choices=("light", "dark"), default="light")
    options.add_argument("--locale", default="en-US", help="language of the browser, for instance zh-CN")
    chosen = options.parse_args()

    server, address = start_server()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(
            viewport={"width": chosen.width, "height": chosen.height},
            color_scheme=chosen.scheme,
            locale=chosen.locale,
            device_scale_factor=1.5,
        )
        tab.goto(address)
        tab.locator("#examples button").filter(has=tab.locator(f"img[src$='{chosen.example}']")).click()
        tab.wait_for_selector(".viewer .busy:not([hidden])")  # an example is on show from the beginning
        tab.wait_for_selector(".viewer .busy", state="hidden")
        tab.mouse.move(0, 0)
        tab.wait_for_timeout(500)  # until what fades has faded
        tab.screenshot(path=chosen.output)
        browser.close()
    server.terminate()
    server.wait(30)


if __name__ == "__main__":
    main()
