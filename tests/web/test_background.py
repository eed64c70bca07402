"""Loading in the background: what can be seen of it from outside, at every step."""

from __future__ import annotations

import threading

import pytest
from support.striped_model import Stripes

import parsing
from parsing.models.m2fp.weights import Progress, WeightsError
from parsing.web.server.background import SHORTEST, WINDOW, BackgroundLoader, Forecast, LoadState


class Steps:
    """A load function that goes on when it is told to: calls `reports`, then raises `error` or gives a parser."""

    def __init__(self, *reports: tuple[int, int], error: Exception | None = None) -> None:
        self.reports = reports
        self.error = error
        self.reported = threading.Event()
        self.may_end = threading.Event()
        self.calls = 0

    def __call__(self, progress: Progress) -> parsing.Parser:
        self.calls += 1
        for report in self.reports:
            progress(*report)
        self.reported.set()
        assert self.may_end.wait(10)
        if self.error is not None:
            raise self.error
        return parsing.Parser(Stripes())


def test_idle_then_loading_then_ready() -> None:
    load = Steps()
    loader = BackgroundLoader(load)
    assert (loader.state, loader.parser, load.calls) == (LoadState("idle"), None, 0)
    loader.start()
    assert (loader.state, loader.parser) == (LoadState("loading"), None)
    load.may_end.set()
    assert loader.wait(10) == LoadState("ready")
    assert loader.parser.name == "stripes"


@pytest.mark.parametrize(
    ("reports", "fraction"),
    [
        ([(0, 400)], 0.0),
        ([(0, 400), (100, 400)], 0.25),
        ([(100, 400), (400, 400)], None),  # all is there: it is being read
        ([(0, 0)], None),
    ],
)
def test_the_state_says_how_far_the_download_is(reports: list[tuple[int, int]], fraction: float | None) -> None:
    load = Steps(*reports)
    loader = BackgroundLoader(load)
    loader.start()
    assert load.reported.wait(10)
    assert loader.state == LoadState("loading", fraction)
    load.may_end.set()
    assert loader.wait(10) == LoadState("ready")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (WeightsError("ModelScope is out of reach."), "ModelScope is out of reach."),
        (ValueError("Too few classes."), "Too few classes."),
        (ImportError("Install torch."), "Install torch."),
        (RuntimeError("tensor 0x7f"), "The model could not be loaded; the program's log says why."),
    ],
)
def test_a_failure_leaves_a_sentence_and_another_start_may_succeed(error: Exception, said: str) -> None:
    load = Steps(error=error)
    load.may_end.set()
    loader = BackgroundLoader(load)
    loader.start()
    assert loader.wait(10) == LoadState("failed", error=said)
    assert loader.parser is None
    load.error = None
    loader.start()
    assert loader.wait(10) == LoadState("ready")
    assert load.calls == 2


def test_many_starts_at_once_load_once() -> None:
    load = Steps()
    loader = BackgroundLoader(load)
    threads = [threading.Thread(target=loader.start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.may_end.set()
    assert loader.wait(10) == LoadState("ready")
    loader.start()
    assert loader.state == LoadState("ready")
    assert load.calls == 1


@pytest.mark.parametrize(
    ("seen", "seconds"),
    [
        ([(0, 0)], None),
        ([(0, 0), (SHORTEST / 2, 100)], None),  # too early to tell
        ([(0, 0), (10, 100)], 90.0),
        ([(0, 500), (10, 600)], 40.0),  # what an earlier try left does not count as speed
        ([(0, 0), (10, 0)], None),  # nothing comes
        ([(0, 0), (10, 100), (WINDOW + 10, 100), (2 * WINDOW + 10, 300)], 70.0),  # the last window only
    ],
)
def test_the_time_left_follows_the_speed_of_late(seen: list[tuple[float, int]], seconds: float | None) -> None:
    forecast = Forecast()
    assert [forecast(now, done, 1000) for now, done in seen][-1] == pytest.approx(seconds)


def test_the_time_left_is_in_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 110.0])
    monkeypatch.setattr("parsing.web.server.background.time.monotonic", lambda: next(clock))
    loader = BackgroundLoader(Steps())
    loader._report(0, 400)
    loader._report(100, 400)
    assert loader.state == LoadState("loading", 0.25, seconds=30.0)
