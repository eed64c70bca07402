"""The page, REST, gradio_client and the command line draw the same picture, which is that of `composite`."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page
from support.browsing import file_of, rgba, shown, upload
from support.crowd_model import PARSED, PHOTO, Crowd

import parsing
from parsing.cli import parse as cli
from parsing.effects import fade

SETTINGS: tuple[dict[str, Any], ...] = (
    {"view": "overlay", "parts": ["Hair", "Coat"], "opacity": 0.35, "grow": 2, "feather": 3},
    {"view": "cutout", "parts": ["Face"], "crop": True, "feather": 2},
    {"view": "recolor", "parts": ["Coat", "Pants"], "color": "#1e90ff", "grow": -1},
    {"view": "pixelate", "parts": ["Face", "Hair"], "grow": 4},
    {"view": "map", "palette": "safe", "feather": 1},
)


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cli, "load", lambda name, **options: parsing.Parser(Crowd()))
    path = tmp_path / "photo.png"
    Image.fromarray(PHOTO).save(path)
    return path


def hash_of(setting: dict[str, Any]) -> str:
    """A link to the page with these settings."""
    said = {**setting, "parts": ",".join(setting["parts"])} if "parts" in setting else dict(setting)
    said.pop("crop", None)
    return "#" + "&".join(f"{name}={str(value).lstrip('#')}" for name, value in said.items())


def by_page(page: Page, address: str, setting: dict[str, Any]) -> NDArray[np.uint8]:
    page.goto("about:blank")
    page.goto(address + hash_of(setting))
    page.wait_for_selector("#parts input[name=Hair]")
    upload(page, file_of(PHOTO))
    shown(page, PHOTO.shape[:2])
    picture = rgba(page)
    return picture if setting["view"] == "cutout" else picture[:, :, :3]


def by_rest(address: str, photo: Path, setting: dict[str, Any]) -> NDArray[np.uint8]:
    answer = httpx.post(
        f"{address}/predict", files={"image": photo.read_bytes()}, data={**setting, "format": "png"}, timeout=60
    )
    return read(base64.b64decode(answer.raise_for_status().json()["result"].partition(",")[2]))


def by_command_line(photo: Path, setting: dict[str, Any]) -> NDArray[np.uint8]:
    words = {**setting, "parts": ",".join(setting["parts"])} if "parts" in setting else setting
    options = [f"--{name}" if value is True else f"--{name}={value}" for name, value in words.items()]
    assert cli.main([str(photo), "-o", str(photo.parent / "out"), *options]) == 0
    return read((photo.parent / "out" / "photo.png").read_bytes())


def read(content: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("setting", SETTINGS, ids=[setting["view"] for setting in SETTINGS])
def test_all_draw_what_composite_draws(page: Page, address: str, client: Client, photo: Path, setting: dict[str, Any]) -> None:
    expected = parsing.composite(PHOTO, PARSED, **setting)
    np.testing.assert_array_equal(by_rest(address, photo, setting), expected)
    np.testing.assert_array_equal(by_command_line(photo, setting), expected)
    answer = client.predict(photo=handle_file(photo), **setting, api_name="/recolor")
    np.testing.assert_array_equal(read(Path(answer).read_bytes()), expected)
    on_screen = by_page(page, address, setting).astype(int)
    whole = parsing.composite(PHOTO, PARSED, **{**setting, "crop": False}).astype(int)
    if setting["view"] == "cutout":  # a canvas keeps colours multiplied by their share
        np.testing.assert_array_equal(on_screen[..., 3], whole[..., 3])
        on_screen, whole = (picture[..., :3] * picture[..., 3:] / 255 for picture in (on_screen, whole))
    assert np.abs(on_screen - whole).max() <= 1


def test_masks_fade_alike_on_the_page_and_by_rest(page: Page, address: str, photo: Path) -> None:
    page.locator("#edges summary").click()
    page.locator("#feather-range").fill("3")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Masks (ZIP)").click()
    data = {"format": "masks", "feather": 3}
    answer = httpx.post(f"{address}/predict", files={"image": photo.read_bytes()}, data=data, timeout=60).json()
    expected = fade(np.asarray(PARSED.labels == 2, np.uint8), 3)
    for content in (waiting.value.path().read_bytes(), base64.b64decode(answer["result"].partition(",")[2])):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            np.testing.assert_array_equal(read(archive.read("Hair.png")), expected)
