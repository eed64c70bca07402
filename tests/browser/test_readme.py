"""The programs in the README and in docs/, against a running server; and the article's page script as it stands, port aside."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from support.served import photo_file, serve

import parsing

ROOT = Path(__file__).parents[2]
SERVED_AT = "http://localhost:7860"
PROGRAMS = [
    block
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]
SNIPPET = """
const formData = new FormData();
formData.append('image', document.getElementById('upload').files[0]);
fetch('/predict', {method: 'POST', body: formData})
    .then(response => response.json())
    .then(data => { document.getElementById('result').src = data.result; });
"""
PAGE = f'<!doctype html><input type=file id=upload onchange="{SNIPPET}"><img id=result>'


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(parsing.load("lite")) as address:
        yield address


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_the_programs_in_the_documentation_run(program: str, address: str, tmp_path: Path) -> None:
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    command = [sys.executable, "-c", program.replace(SERVED_AT, address)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout or list(tmp_path.glob("*.*"))


def test_the_articles_page_script_works(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.route(f"{address}/article", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.goto(f"{address}/article")
    page.set_input_files("#upload", {"name": "photo.png", "mimeType": "image/png", "buffer": photo_file()})
    page.wait_for_function("document.getElementById('result').naturalWidth === 48")
    assert page.locator("#result").get_attribute("src").startswith("data:image/jpeg;base64,")
