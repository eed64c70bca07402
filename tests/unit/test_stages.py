"""What a model tells of its stages."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.photo_folder import PHOTO
from support.striped_model import Stripes

import parsing
from parsing.parser import Parser
from parsing.stages import Stage, Stages

WEIGHTS = Path(__file__).parents[1] / "golden" / "m2fp"
GROUP = Path(__file__).parents[2] / "assets" / "examples" / "group-collage.jpg"


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
    result = parser(GROUP, on_stage=heard.append)
    assert [f"{stage.name} {stage.number}/{stage.count}" if stage.count > 1 else stage.name for stage in heard] == told
    assert list(result.timings) == list(dict.fromkeys(stage.name for stage in heard))


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
