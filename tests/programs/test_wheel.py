"""The wheel, built and installed elsewhere without a connection: it serves the checkout's page, and needs no extra to parse."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.program import free_port, wait_until_served
from support.wheel import install, run

import parsing

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "assets" / "examples"
OPTIONAL = ("torch", "safetensors", "modelscope", "gradio", "fastapi", "uvicorn", "ray", "onnx")
BASE_ONLY = f"import sys; sys.modules.update(dict.fromkeys({OPTIONAL})); sys.argv[0] = 'human-parsing'; "
"""Python as it is where no extra was installed."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the wheel was installed."""
    return install(tmp_path_factory.mktemp("built"))


@contextmanager
def serving(command: list[str], folder: Path, **variables: str) -> Iterator[str]:
    """The address at which a program serves the page."""
    port = free_port()
    environment = {**os.environ, **variables, "PARSING_MODEL": "lite", "PARSING_PORT": str(port)}
    program = subprocess.Popen([sys.executable, *command], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_served(f"http://localhost:{port}/health", program)
        yield f"http://localhost:{port}"
    finally:
        program.terminate()
        program.wait(20)


def page_at(address: str) -> dict[str, Any]:
    """What the browser is told of the page, the port and Gradio's functions' places in memory aside."""
    told = json.loads(re.sub(rf"{address}| at 0x[0-9a-f]+", "", httpx.get(f"{address}/config").text))
    return {
        key: told[key] for key in ("title", "components", "layout", "dependencies", "css", "js", "head", "i18n_translations")
    }


def test_it_holds_every_file_of_the_package_and_the_examples(installed: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "parsing"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {file for file in tracked if not (installed / file).is_file()} == set()
    shipped = {file.name for file in (installed / "parsing" / "web" / "page" / "examples").iterdir()}
    assert shipped == {file.name for file in EXAMPLES.iterdir()}


def test_it_serves_the_page_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    program, path = str(installed / "bin" / "human-parsing"), {"PYTHONPATH": str(installed)}
    with serving(["app.py"], ROOT) as ours, serving([program, "serve"], tmp_path, **path) as theirs:
        assert page_at(theirs) == page_at(ours)
        photo = httpx.get(f"{theirs}/gradio_api/file=examples/astronaut.jpg")
        assert photo.content == (EXAMPLES / "astronaut.jpg").read_bytes()
        answer = httpx.post(f"{theirs}/parse", files={"image": photo.content}, timeout=60).json()
        assert answer["results"][0]["model"] == "lite"
        assert len(answer["results"][0]["people"]) == 1


def test_the_base_alone_parses_from_python_and_the_command_line(installed: Path, tmp_path: Path) -> None:
    photo, path = EXAMPLES / "astronaut.jpg", {"PYTHONPATH": str(installed)}
    words = ["from parsing.__main__ import main; sys.exit(main())", str(photo), "-o", "out", "--labels"]
    run([sys.executable, "-c", BASE_ONLY + words[0], *words[1:]], tmp_path, **path)
    program = f"import parsing; parsing.load()({str(photo)!r}).save('labels.png'); print(parsing.__version__)"
    assert run([sys.executable, "-c", BASE_ONLY + program], tmp_path, **path).stdout.strip() == parsing.__version__
    assert (tmp_path / "labels.png").read_bytes() == (tmp_path / "out" / "astronaut.labels.png").read_bytes()


@pytest.mark.parametrize(("words", "extra"), [(["serve"], "web"), (["photo.jpg", "-o", "out", "--model", "m2fp"], "m2fp")])
def test_what_an_extra_brings_is_named_where_it_is_missing(
    words: list[str], extra: str, installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes((EXAMPLES / "astronaut.jpg").read_bytes())
    command = [sys.executable, "-c", BASE_ONLY + "from parsing.__main__ import main; sys.exit(main())", *words]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)
    assert f"pip install '.[{extra}]'" in ended.stderr
