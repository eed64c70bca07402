"""What many unit tests share: the small model, M2FP with its C kernels and without, a cache without weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsing.models.m2fp import kernels
from parsing.models.m2fp.m2fp import M2FP
from parsing.models.m2fp.network import packed

FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"


@pytest.fixture(scope="session")
def small_model() -> M2FP:
    """The model of `tests/golden/m2fp`, straight from its folder."""
    return M2FP.load(FOLDER)


@pytest.fixture(params=["C kernels", "PyTorch alone"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a test twice."""
    if request.param == "PyTorch alone":
        monkeypatch.setattr(kernels, "library", lambda: None)
        monkeypatch.setattr(packed, "AVAILABLE", False)
    else:
        assert kernels.library() is not None, "These tests need a C compiler; install gcc."


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of this project and an empty home for ModelScope's client."""
    monkeypatch.delenv("PARSING_WEIGHTS", raising=False)
    monkeypatch.setenv("PARSING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "modelscope"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "modelscope"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "m2fp"
