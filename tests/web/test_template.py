"""Links to the page carry its own name, not Gradio's."""

from __future__ import annotations

import re

import httpx
from support.served import serve
from support.striped_model import Stripes

import parsing


def test_a_link_to_the_page_is_shown_with_its_own_words_and_nobody_elses() -> None:
    with serve(parsing.Parser(Stripes())) as address:
        page = httpx.get(address).text
    said = dict(re.findall(r'<meta\s+(?:property|name)="((?:og|twitter):\w+)"\s+content="([^"]*)"', page))
    for network in ("og", "twitter"):
        assert said[f"{network}:title"] == "Human Parsing"
        assert said[f"{network}:description"] == "Every person in a photo, coloured by body part and garment."
    assert not re.search("gradio-app/gradio|@Gradio", page)


def test_the_page_asks_for_nothing_outside_its_own_path() -> None:
    with serve(parsing.Parser(Stripes())) as address:
        page = httpx.get(address).text
        icon = re.search(r'<link rel="icon" href="([^"]*)"', page)
        assert icon is not None
        assert httpx.get(f"{address}/{icon[1]}").headers["content-type"].startswith("image/")
    assert re.findall(r'(?:href|src)="/[^"]*"', page) == []
