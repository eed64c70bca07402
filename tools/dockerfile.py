"""Reads a Dockerfile and a `.dockerignore`: the part of their rules that this project uses
(https://docs.docker.com/reference/dockerfile/), for the proof in `tools/prove_dockerfile.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """What stands between one FROM and the next.

    Attributes:
        base: the image or the stage that it begins with.
        name: after AS, or "".
        steps: each instruction and the text behind it.
    """

    base: str
    name: str
    steps: list[tuple[str, str]]


def read_stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile, comments gone and continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    stages: list[Stage] = []
    for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base.strip(), name.strip(), []))
        elif word:
            stages[-1].steps.append((word, rest.strip()))
    return stages


def expand(text: str, variables: dict[str, str]) -> str:
    """Puts variables in: $name, ${name}, ${name:-word if it is empty} and ${name:+word if it is not}."""

    def value(match: re.Match[str]) -> str:
        found = variables.get(match["plain"] or match["name"], "")
        if match["sign"] == "+":
            return match["word"] if found else ""
        return found or match["word"] or ""

    return re.sub(r"\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?::(?P<sign>[+-])(?P<word>[^}]*))?\})", value, text)


def read_ignored(text: str) -> list[str]:
    """The patterns of a `.dockerignore`."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def is_ignored(path: str, patterns: list[str]) -> bool:
    """Whether a path is kept from the build: the last pattern decides that fits it or a folder above it."""
    ignored = False
    for pattern in patterns:
        glob = re.escape(pattern.removeprefix("!")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(f"{glob}(?:/.*)?", path):
            ignored = not pattern.startswith("!")
    return ignored
