"""The Dockerfile without running it: how it is read, and that all it copies is there and nothing else is sent to the build."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.dockerfile import Stage, expand, is_ignored, read_ignored, read_stages

ROOT = Path(__file__).parents[2]
STAGES = read_stages((ROOT / "Dockerfile").read_text())
IGNORED = read_ignored((ROOT / ".dockerignore").read_text())


def test_stages_comments_and_continued_lines() -> None:
    text = '# first\nFROM python:3 AS base\nRUN one \\\n  # between\n    && two # not a comment\n\nFROM base\nCMD ["a"]\n'
    assert read_stages(text) == [
        Stage("python:3", "base", [("RUN", "one && two # not a comment")]),
        Stage("base", "", [("CMD", '["a"]')]),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A/b", "1/b"),
        ("${A}b", "1b"),
        ("${A:+x/y}", "x/y"),
        ("${NONE:+x}", ""),
        ("${NONE:-x}", "x"),
        ("${A:-x}${EMPTY:-y}", "1y"),
        ("$NONE.", "."),
    ],
)
def test_variables(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "EMPTY": ""}) == expected


@pytest.mark.parametrize(
    ("path", "ignored"),
    [("a.py", True), ("app.py", False), ("lib/x.py", False), ("lib/sub/__pycache__/x.pyc", True), ("library", True)],
)
def test_the_last_pattern_that_fits_decides(path: str, ignored: bool) -> None:
    assert is_ignored(path, ["*", "!app.py", "!lib", "**/__pycache__"]) == ignored


def test_all_that_is_copied_is_there_and_is_sent() -> None:
    steps = [rest.split() for stage in STAGES for word, rest in stage.steps if word == "COPY" and "--from" not in rest]
    sources = [source for *sources, _ in steps for source in sources]
    assert "parsing" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not is_ignored(source, IGNORED)


def test_nothing_else_is_sent_to_the_build() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    sent = {path.partition("/")[0] for path in listed if not is_ignored(path, IGNORED)}
    assert sent == {
        "LICENSE",
        "NOTICE",
        "app.py",
        "assets",
        "packages.txt",
        "parsing",
        "pre-requirements.txt",
        "requirements-reference.txt",
        "requirements.txt",
    }
    assert is_ignored("parsing/web/__pycache__/guard.pyc", IGNORED)


def test_the_images_user_is_not_root_and_every_stage_is_built_on_one_release() -> None:
    named = {stage.name for stage in STAGES}
    bases = {stage.base for stage in STAGES} - named
    assert {base.rpartition("-")[2] for base in bases} == {"bookworm"}, "a Python copied to another release may lack libraries"
    app = next(stage for stage in STAGES if stage.name == "app")
    assert [rest for word, rest in app.steps if word == "USER"] == ["app"]
