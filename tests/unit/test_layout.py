"""The rooms of the package: who imports whom, read from the sources. Arrows go down, never back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ("parsing", "parsing.web")
"""Folders that are no rooms: what lies in them directly counts by itself."""


def name_of(file: Path) -> str:
    """A module's name, such as "parsing.web.serve"; a package's is that of its folder."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in sorted((ROOT / "parsing").rglob("*.py"))}


def room_of(module: str) -> str:
    """The folder that a module lies in."""
    folder = name_of(MODULES[module].parent / "__init__.py")
    return module if folder in SHARED else folder


def imports_of(module: str) -> Iterator[str]:
    """The modules of this package that a module imports, inside its functions too."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


IMPORTS = {module: {name for name in imports_of(module) if name in MODULES} for module in MODULES}
ROOMS = {
    room: {room_of(name) for module in MODULES if room_of(module) == room for name in IMPORTS[module]} - {room}
    for room in map(room_of, MODULES)
}


@pytest.mark.parametrize("arrows", [IMPORTS, ROOMS], ids=["modules", "rooms"])
def test_there_are_no_circles(arrows: dict[str, set[str]]) -> None:
    TopologicalSorter(arrows).prepare()  # raises CycleError, which names one


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        ("parsing.web", ("parsing.cli", "parsing.models", "parsing.formats", "parsing.parser", "parsing.result")),
        ("parsing.cli", ("parsing.web", "parsing.models", "parsing.formats", "parsing.parser", "parsing.result")),
        (
            "parsing.web.page",
            ("parsing.web.rest", "parsing.web.agents", "parsing.web.viewer", "parsing.web.device", "parsing.web.server"),
        ),
        ("parsing.web.rest", ("parsing.web.page", "parsing.web.viewer", "parsing.web.device", "parsing.web.server")),
        ("parsing.models.m2fp", ("parsing.models.lite", "parsing.models.m2fp.network", "parsing.models.m2fp.kernels")),
        ("gradio", ("parsing.cli", "parsing.models", "parsing.formats", "parsing.web.rest")),
    ],
)
def test_nobody_below_knows_who_is_above(upper: str, lower: tuple[str, ...]) -> None:
    known = {
        module: [name for name in imports_of(module) if name == upper or name.startswith(upper + ".")]
        for module in MODULES
        if module.startswith(lower) and not module.startswith(upper)
    }
    assert {module: names for module, names in known.items() if names} == {}
