"""How the page hands on what a model tells of its stages."""

from __future__ import annotations

import threading

import pytest

from parsing.stages import OnStage, Stage
from parsing.web.page.steps import SupersededError, steps


def test_steps_are_the_newest_stages_and_then_the_result() -> None:
    seen = threading.Event()

    def work(on_stage: OnStage) -> str:
        on_stage(Stage("find"))
        assert seen.wait(20)
        for number in (1, 2, 3):
            on_stage(Stage("parse", number, 3))
        return "result"

    told = steps(work, wanted=lambda: True)
    assert next(told) == Stage("find")
    seen.set()
    *between, result = told
    assert result == "result"
    assert [stage.number for stage in between] == sorted(stage.number for stage in between)


def test_steps_end_where_nobody_wants_the_result_any_more() -> None:
    wanted = True
    begun: list[str] = []

    def work(on_stage: OnStage) -> None:
        for name in ("find", "parse"):
            on_stage(Stage(name))
            begun.append(name)
            assert left.wait(20)

    left = threading.Event()
    told = steps(work, wanted=lambda: wanted)
    assert next(told) == Stage("find")
    wanted = False
    left.set()
    with pytest.raises(SupersededError):
        next(told)
    assert begun == ["find"]


def test_steps_raise_what_the_work_raises() -> None:
    def work(on_stage: OnStage) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(steps(work, wanted=lambda: True))
