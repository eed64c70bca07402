"""The documentation: its links lead somewhere, every page is linked from the README, and the README stays short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "parsing", "assets", "tests")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def text_of(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What a link may name behind `#`: the headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(text_of(page)):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_the_readme_names_every_page(page: Path) -> None:
    assert f"(docs/{page.name})" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_architecture_names_every_room() -> None:
    """Folders of the package, and the modules that lie in none of them."""
    named = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [path for folder in ("parsing", "parsing/web") for path in (ROOT / folder).iterdir() if path.name[0] != "_"]
    names = {f"{path.name}/" if path.is_dir() else path.name for path in rooms if path.is_dir() or path.suffix == ".py"}
    assert {name for name in names if name not in named} == set()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_files_are_there(page: Path) -> None:
    """Files of this repository between backquotes, such as `tests/unit/test_docs.py`."""
    for name in re.findall(r"`((?:parsing|tests|tools|training|benchmarks|docs|assets)/[\w/.-]+\.\w+)`", text_of(page)):
        assert (ROOT / name).exists(), name
