"""What a model tells of its stages, and how the page's side of it hands that on."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support.photo_folder import PHOTO
from support.striped_model import Stripes

import parsing
from parsing.parser import Parser
from parsing.stages import OnStage, Stage, Stages
from parsing.web.page.handlers import EXAMPLES
from parsing.web.page.steps import SupersededError, steps

WEIGHTS = Path(__file__).parents[1] / "golden" / "m2fp"


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("lite", ["open", "find", "parse 1/3", "parse 1/3", "parse 2/3", "parse 3/3", "decode"]),
        ("m2fp", ["open", "prepare", "network", "decode"]),
    ],
)
def test_the_stages_are_those_whose_time_is_told(model: str, told: list[str]) -> None:
    heard: list[Stage] = []
    parser = parsing.load(model, weights=None if model == "lite" else WEIGHTS)
    group = next(path for path in EXAMPLES if path.stem == "group-collage")
    result = parser(group, on_stage=heard.append)
    assert [f"{stage.name} {stage.number}/{stage.count}" if stage.count > 1 else stage.name for stage in heard] == told
    assert list(result.timings) == list(dict.fromkeys(stage.name for stage in heard))


def test_what_the_listener_raises_ends_the_parse_and_the_next_photo_gets_its_turn() -> None:
    def refuse(stage: Stage) -> None:
        raise SupersededError

    parser = Parser(Stripes())
    with pytest.raises(SupersededError):
        parser(PHOTO, on_stage=refuse)
    assert parser(PHOTO).people


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


def test_a_stage_that_fails_has_no_time() -> None:
    stages = Stages(None)
    with pytest.raises(ValueError, match="no"), stages("find"):
        raise ValueError("no")
    assert stages.timings == {}
