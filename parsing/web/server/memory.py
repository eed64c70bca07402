"""Turns the out-of-memory errors of every library into one `ImageError`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from parsing.image import ImageError
from parsing.memory import is_out_of_memory

log = logging.getLogger(__name__)


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
        if not (error.kind == "memory" if isinstance(error, ImageError) else is_out_of_memory(error)):
            raise
        log.error("The memory did not suffice for a photo: %s", " ".join(str(error).split()) or "no more is known")
        sentence = "The server's memory does not suffice for this photo now; make it smaller, or try again later."
        raise ToldError(sentence, "memory") from None
