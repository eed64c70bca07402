"""The app as a Hugging Face Space: the README's front matter, what is installed there, and the page in the host's frame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from huggingface_hub import RepoCard
from packaging.requirements import Requirement
from packaging.version import Version
from playwright.sync_api import Browser, Route
from support.browsing import QUIET
from support.served import photo_file, serve
from support.striped_model import Stripes

import parsing

ROOT: Final = Path(__file__).parents[2]
CARD: Final = RepoCard.load(ROOT / "README.md").data.to_dict()
COLOURS: Final = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
SPACE: Final = "https://somebody-human-parsing.hf.space"
HOST: Final = SPACE.removeprefix("https://")
FORWARDED: Final = {"x-forwarded-proto": "https", "x-forwarded-host": HOST, "x-forwarded-for": "203.0.113.7"}
AROUND: Final = "https://huggingface.co/spaces/somebody/human-parsing"
FRAME: Final = f'<!doctype html><iframe src="{SPACE}/" allow="camera" style="width: 1200px; height: 800px"></iframe>'


def pins(file: str) -> dict[str, Version]:
    """The exact versions that a requirements file asks for on the Space's Python."""
    lines = [line.partition(" #")[0] for line in (ROOT / file).read_text().splitlines()]
    wanted = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    there = {"python_version": CARD["python_version"]}
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate(there)]
    return {one.name: Version(str(one.specifier).removeprefix("==")) for one in wanted}


def test_the_front_matter_is_one_that_the_host_takes() -> None:
    assert CARD["title"]
    assert len(CARD["emoji"]) == 1
    assert CARD["colorFrom"] in COLOURS
    assert CARD["colorTo"] in COLOURS
    assert CARD["sdk"] == "gradio"
    assert isinstance(CARD["python_version"], str), "unquoted, 3.10 would be 3.1"
    assert Version("3.10") <= Version(CARD["python_version"]) <= Version("3.13")
    assert (ROOT / CARD["app_file"]).is_file()
    assert len(CARD["short_description"]) <= 60
    assert re.fullmatch(r"\d+[mh]", CARD["startup_duration_timeout"])


def test_what_the_space_installs_agrees() -> None:
    first, then = pins("pre-requirements.txt"), pins("requirements.txt")
    assert Version(CARD["sdk_version"]) == then["gradio"]
    assert {name: version.public for name, version in first.items()} == {"torch": then["torch"].public}
    assert first["torch"].local == "cpu"
    assert (ROOT / "packages.txt").read_text().split() == ["gcc", "libc6-dev"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The app with the variables that a Space has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYSTEM", "spaces")
        patch.setenv("SPACE_ID", "somebody/human-parsing")
        patch.setenv("SPACE_HOST", HOST)
        with serve(parsing.Parser(Stripes())) as address:
            yield address


@pytest.mark.parametrize("headers", [FORWARDED, {"x-forwarded-proto": "https", "host": HOST}], ids=["forwarded", "host"])
def test_the_page_knows_its_address_behind_the_proxy(address: str, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{address}/config", headers=headers)
    assert answer.json()["root"] == SPACE
    assert answer.headers["content-security-policy"].endswith(
        "frame-ancestors 'self' https://huggingface.co https://*.hf.space"
    )


@pytest.mark.parametrize("origin", [SPACE, "https://huggingface.co"])
def test_rest_answers_behind_the_proxy(address: str, origin: str) -> None:
    headers = {**FORWARDED, "origin": origin}
    answer = httpx.post(f"{address}/predict", files={"image": ("photo.png", photo_file())}, headers=headers, timeout=60)
    assert answer.json()["result"].startswith("data:image/jpeg;base64,")


def test_the_page_works_in_the_hosts_frame(address: str, browser: Browser) -> None:
    page = browser.new_page()
    foreign: list[str] = []

    def pass_on(route: Route) -> None:
        request = route.request
        if "/heartbeat/" in request.url:  # never ends
            route.abort()
            return
        answer = route.fetch(url=request.url.replace(SPACE, address), headers={**request.headers, **FORWARDED}, timeout=60_000)
        route.fulfill(response=answer)

    def refuse(route: Route) -> None:
        foreign.append(route.request.url)
        route.abort()

    page.route("https://**/*", refuse)
    page.route(f"{SPACE}/**", pass_on)
    page.route(
        AROUND,
        lambda route: route.fulfill(body=FRAME, content_type="text/html"),
    )
    page.goto(AROUND)
    frame = page.frame(url=f"{SPACE}/**")
    frame.locator("#examples button").first.click()
    frame.wait_for_selector(QUIET, state="attached", timeout=60_000)
    assert foreign == []
    page.close()
