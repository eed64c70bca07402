"""In a notebook: what a result shows of itself, its detections, and the example in `docs/`, run from its folder."""

from __future__ import annotations

import ast
import base64
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import supervision
from PIL import Image
from support.crowd_model import PARSED
from support.jumpsuit_model import Jumpsuit

from parsing.result import Parsing

NOTEBOOK = Path(__file__).parents[2] / "docs" / "example.ipynb"


def shown(parsing: Parsing) -> tuple[str, Image.Image]:
    """The HTML, and the picture in it."""
    html = parsing._repr_html_()
    assert "<script" not in html
    content = re.search(r"src='data:image/png;base64,([^']+)'", html)
    assert content
    return html, Image.open(io.BytesIO(base64.b64decode(content[1])))


def test_a_result_shows_its_map_and_a_legend() -> None:
    html, picture = shown(PARSED)
    np.testing.assert_array_equal(np.asarray(picture), PARSED.labels)
    assert "3 people, 131 × 96, crowd" in html
    named = re.findall(r"background:#(\w{6})'></span> ([\w-]+) ([\d.]+)%", html)
    shares = PARSED.area()
    assert named == [(bytes(part.color).hex(), part.name, f"{shares[part.name]:.1%}"[:-1]) for part in PARSED.classes[1:]]


def test_the_names_are_the_models_and_a_large_photo_is_shown_small() -> None:
    html, picture = shown(Jumpsuit()(np.full((3000, 2000, 3), 9, np.uint8)))
    assert "Jumpsuits" in html
    assert picture.size == (400, 600)


def test_a_photo_of_nobody() -> None:
    nothing = np.zeros((9, 9), np.uint8)
    empty = Parsing(nothing, [], [], "<b>", {}, nothing)
    assert "0 people, 9 × 9, &lt;b&gt;<ul" in shown(empty)[0]
    assert len(empty.to_detections()) == 0


@pytest.mark.parametrize("kind", ["parts", "people"])
def test_detections_of_supervision(kind: Any) -> None:
    segments = PARSED.parts if kind == "parts" else PARSED.people
    detections = PARSED.to_detections(kind)
    assert isinstance(detections, supervision.Detections)
    np.testing.assert_array_equal(detections.xyxy, [segment.box for segment in segments])
    np.testing.assert_array_equal(detections.mask, [segment.mask for segment in segments])
    assert detections.data["class_name"].tolist() == [segment.name for segment in segments]
    assert detections.tracker_id.tolist() == [segment.person for segment in segments]


def test_without_supervision_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(ImportError, match=r"The package supervision is missing; the extra supervision brings it"):
        PARSED.to_detections()


def test_the_example_notebook_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NOTEBOOK.parent)
    names: dict[str, Any] = {}
    values = []
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            statements = ast.parse("".join(cell["source"]))
            last = statements.body.pop()
            assert isinstance(last, ast.Expr)  # each cell shows something
            exec(compile(statements, NOTEBOOK.name, "exec"), names)
            values.append(eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), names))
    result, picture, listed, annotated = values
    assert "1 person, 512 × 512, lite" in result._repr_html_()
    assert picture.size == annotated.size == (512, 512)
    assert {"Hair", "Face"} <= {name for name, *_ in listed}
    assert (np.asarray(annotated) != names["photo"]).any()
