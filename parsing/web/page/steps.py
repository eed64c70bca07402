"""Turns work that reports its stages by a callback into an iterator, as Gradio wants it: the stages, then the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from parsing.stages import OnStage, Stage

Result = TypeVar("Result")


class SupersededError(Exception):
    """Nobody wants the result any more."""


def steps(work: Callable[[OnStage], Result], wanted: Callable[[], bool]) -> Iterator[Stage | Result]:
    """The stages of some work, while it goes on in a thread of its own, and then its result. Whoever is slower than the work
    misses stages, but does not hold it up.

    Raises:
        SupersededError: it was not wanted any more as a stage began or at the end. Whoever closes the iterator does not want it
            either, and waits for no more than the stage at work.
        Exception: whatever the work raises.
    """
    told: SimpleQueue[Stage | None] = SimpleQueue()  # None once the work has ended
    left = False

    def on_stage(stage: Stage) -> None:
        if left or not wanted():
            raise SupersededError
        told.put(stage)

    def run() -> Result:
        try:
            return work(on_stage)
        finally:
            told.put(None)

    with ThreadPoolExecutor(1, "photo") as thread:
        working = thread.submit(run)
        while (stage := _newest(told)) is not None:
            try:
                yield stage
            except GeneratorExit:
                left = True
                raise
        result = working.result()
    if not wanted():
        raise SupersededError
    yield result


def _newest(told: SimpleQueue[Stage | None]) -> Stage | None:
    """What was told last, after waiting for anything to be told."""
    newest = told.get()
    while not told.empty():
        newest = told.get()
    return newest
