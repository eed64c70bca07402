"""What many tests share: the browser, the page of the crowd unless a file has its own, M2FP with its C kernels and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import file_of, open_browser, serve, visit_with_photo
from crowd_model import PHOTO, Crowd
from playwright.sync_api import Browser, Page

import parsing
from parsing import kernels
from parsing.network import packed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from open_browser()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the page is served, with a model that finds three people and all parts."""
    yield from serve(parsing.Parser(Crowd()))


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """That page, new, with a photo that has been parsed."""
    yield from visit_with_photo(browser, address, file_of(PHOTO))


@pytest.fixture(params=["C kernels", "PyTorch alone"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a test twice."""
    if request.param == "PyTorch alone":
        monkeypatch.setattr(kernels, "library", lambda: None)
        monkeypatch.setattr(packed, "AVAILABLE", False)
    else:
        assert kernels.library() is not None, "These tests need a C compiler; install gcc."
