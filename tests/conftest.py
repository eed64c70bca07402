"""What many tests share: the browser, a new one for each file, and M2FP with its C kernels and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import open_browser
from playwright.sync_api import Browser

from parsing import kernels


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from open_browser()


@pytest.fixture(params=["C kernels", "PyTorch alone"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a test twice."""
    if request.param == "PyTorch alone":
        monkeypatch.setattr(kernels, "library", lambda: None)
    else:
        assert kernels.library() is not None, "These tests need a C compiler; install gcc."
