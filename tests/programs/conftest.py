"""What programs leave behind when they run in the tests' own process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def denormal_numbers() -> Iterator[None]:
    """Training has the processor flush denormal numbers to zero, which here would hold for all tests that follow."""
    yield
    torch.set_flush_denormal(False)
