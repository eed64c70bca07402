"""Turns the out-of-memory errors of every library into one `ImageError`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from parsing.image import ImageError

log = logging.getLogger(__name__)

SIGNS: Final = ("insufficient memory", "can't allocate memory", "not enough memory", "bad_alloc", "bad allocation")
"""What OpenCV, PyTorch and ONNX Runtime say, each in an error of its own."""


class ToldError(ImageError):
    """The memory did not suffice, and the log says so."""


@contextmanager
def memory_told() -> Iterator[None]:
    """Raises ToldError where the work inside runs out of memory, and says so in the log, once."""
    try:
        yield
    except ToldError:
        raise
    except Exception as error:
        known = error.kind == "memory" if isinstance(error, ImageError) else isinstance(error, MemoryError)
        if not known and not any(sign in str(error).lower() for sign in SIGNS):
            raise
        log.error("The memory did not suffice for a photo: %s", " ".join(str(error).split()) or "no more is known")
        sentence = "The server's memory does not suffice for this photo now; make it smaller, or try again later."
        raise ToldError(sentence, "memory") from None
