"""The stages of a parse: which one a model is in, for whoever waits, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """What a model is doing.

    Attributes:
        name: such as "find" or "network", the key that its time has in `Parsing.timings`.
        number: where it goes through several people, whom it is at, from 1.
        count: how many people it goes through; at most 1 where there is nothing to count.
    """

    name: str
    number: int = 1
    count: int = 1


OnStage = Callable[[Stage], None]
"""Told each stage as it begins, in the thread that parses; what it raises ends the parse."""


class Stages:
    """Names and times the stages of one parse.

    Attributes:
        timings: milliseconds of each stage that has ended.
    """

    def __init__(self, on_stage: OnStage | None) -> None:
        self.timings: dict[str, float] = {}
        self._on_stage = on_stage

    def tell(self, stage: Stage) -> None:
        """Says what begins now."""
        if self._on_stage is not None:
            self._on_stage(stage)

    @contextmanager
    def __call__(self, name: str, count: int = 1) -> Iterator[None]:
        """A stage, from here to the end of the block, that begins with the first of so many people."""
        self.tell(Stage(name, 1, count))
        start = time.perf_counter()
        yield
        self.timings[name] = (time.perf_counter() - start) * 1000
