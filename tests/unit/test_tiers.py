"""The tiers of tests: what stands in `tests/unit` needs neither browser nor Gradio nor Ray, and no test imports another."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("test_*.py"))
SLOW = ("playwright", "gradio", "ray", "parsing.web", "support.browsing", "support.served")


def imports(file: Path) -> set[str]:
    """The modules that a file imports, with the names that it takes from them: `a.b` for `from a import b`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_no_test_imports_another(file: Path) -> None:
    assert not [name for name in imports(file) if any(word.startswith("test_") for word in name.split(".")[:-1])]


@pytest.mark.parametrize("file", sorted((TESTS / "unit").glob("*.py")), ids=lambda file: file.name)
def test_unit_tests_are_quick_to_set_up(file: Path) -> None:
    assert not [name for name in imports(file) if name.startswith(tuple(f"{module}." for module in SLOW)) or name in SLOW]
