"""What to install where a package is missing: the base runs `lite`, the rest comes with the extras in `pyproject.toml`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Goes around the imports of what one extra brings.

    Args:
        extra: its name in `pyproject.toml`: such as "m2fp" or "web".

    Raises:
        ImportError: a package is missing; the message is one sentence that says how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ImportError(
            f"The package {error.name} is missing; the extra {extra} brings it: in the project's folder, run"
            f" pip install '.[{extra}]'"
        ) from error
