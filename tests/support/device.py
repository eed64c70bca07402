"""Lite in the browser, "On this device": how tests choose it, give it photos, and see what the page sends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Request, expect

import parsing
from parsing.web.modules import modules_folder
from parsing.web.page.handlers import EXAMPLES

LITE = parsing.load("lite")
DEVICE = f"{modules_folder()}device/"
"""Where the page finds its modules, on the server."""
READY = "Lite runs in this browser: photos stay on this device."
ADMIRAL, ASTRONAUT, GROUP, MUSICIANS, PHOTOGRAPHER = EXAMPLES


def read(path: Path) -> dict[str, Any]:
    """A photo as the browser is given it."""
    return {"name": path.name, "mimeType": "image/jpeg", "buffer": path.read_bytes()}


def choose(page: Page, model: str) -> None:
    page.locator(f"#models [value={model}]").check()


def choose_device(page: Page) -> None:
    """On this device; until the model is there."""
    choose(page, "device")
    expect(page.locator("#models [role=status]")).to_have_text(READY)


def sent(requests: list[Request]) -> list[str]:
    """The requests that carry anything."""
    return [f"{request.method} {request.url}" for request in requests if request.method != "GET" or request.post_data_buffer]
