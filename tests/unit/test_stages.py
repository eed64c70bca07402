"""What a model tells of its stages."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.photo_folder import PHOTO
from support.striped_model import Stripes

import parsing
from parsing.parser import Parser
from parsing.result import Parsing
from parsing.stages import Stage, Stages

WEIGHTS = Path(__file__).parents[1] / "golden" / "m2fp"
GROUP = Path(__file__).parents[2] / "assets" / "examples" / "group-collage.jpg"


def told(model: str) -> tuple[list[str], Parsing]:
    """The stages that a model tells of a photo of a group, and what it found."""
    heard: list[Stage] = []
    result = parsing.load(model, weights=None if model == "lite" else WEIGHTS)(GROUP, on_stage=heard.append)
    assert list(result.timings) == list(dict.fromkeys(stage.name for stage in heard))
    return [f"{stage.name} {stage.number}/{stage.count}" if stage.count > 1 else stage.name for stage in heard], result


def test_m2fp_tells_the_stages_whose_time_is_told() -> None:
    assert told("m2fp")[0] == ["open", "prepare", "network", "decode"]


def test_lite_tells_each_person_too() -> None:
    stages, result = told("lite")
    count = len(result.people)
    assert count >= 3
    people = [f"parse {number}/{count}" for number in range(1, count + 1)]
    assert stages == ["open", "find", f"parse 1/{count}", *people, "decode"]


def test_what_the_listener_raises_ends_the_parse_and_the_next_photo_gets_its_turn() -> None:
    def reject(stage: Stage) -> None:
        raise InterruptedError

    parser = Parser(Stripes())
    with pytest.raises(InterruptedError):
        parser(PHOTO, on_stage=reject)
    assert parser(PHOTO).people


def test_a_stage_that_fails_has_no_time() -> None:
    stages = Stages(None)
    with pytest.raises(ValueError, match="no"), stages("find"):
        raise ValueError("no")
    assert stages.timings == {}
