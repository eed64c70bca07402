"""Gradio without the work that no program needs: what is left out has no effect on what a component can do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import inspect, pathlib, sys
import parsing.web.quick_start
read = []
pathlib.Path.read_text, real = (lambda self, *a, **k: read.append(self) or real(self, *a, **k)), pathlib.Path.read_text
import gradio
with gradio.Blocks():
    gradio.Image().input(lambda image: image)
assert not [path for path in read if path.suffix == ".pyi"], read
assert gradio.component_meta.create_or_modify_pyi is parsing.web.quick_start._do_nothing
assert gradio.events.EventListener.set_doc is parsing.web.quick_start._do_nothing
"""


def test_gradio_is_imported_without_its_type_stubs() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, cwd=Path(__file__).parents[1], timeout=120)
