"""M2FP with its C kernels and without."""

from __future__ import annotations

import pytest

from parsing.models.m2fp import kernels
from parsing.models.m2fp.network import packed


@pytest.fixture(params=["C kernels", "PyTorch alone"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a test twice."""
    if request.param == "PyTorch alone":
        monkeypatch.setattr(kernels, "library", lambda: None)
        monkeypatch.setattr(packed, "AVAILABLE", False)
    else:
        assert kernels.library() is not None, "These tests need a C compiler; install gcc."
