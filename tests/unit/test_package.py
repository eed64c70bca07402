"""What `pyproject.toml` says of the package, beside the files that Hugging Face Spaces, Docker and `make` install from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import parsing

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {name: [Requirement(line) for line in lines] for name, lines in PROJECT["optional-dependencies"].items()}
BASE = [Requirement(line) for line in PROJECT["dependencies"]]
OWN = canonicalize_name(PROJECT["name"])


def pinned(file: str) -> list[Requirement]:
    """The lines of a requirements file, other files that it names left out."""
    lines = (line.partition(" #")[0].strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("requirements.txt", [*BASE, *EXTRAS["web"], *EXTRAS["m2fp"]]),
        ("requirements-ray.txt", EXTRAS["ray"]),
        ("requirements-dev.txt", EXTRAS["dev"]),
    ],
)
def test_the_pins_are_what_the_package_asks_for(file: str, wanted: list[Requirement]) -> None:
    wanted = [one for one in wanted if canonicalize_name(one.name) != OWN]
    pins = pinned(file)
    assert {(pin.name, *sorted(pin.extras)) for pin in pins} == {(one.name, *sorted(one.extras)) for one in wanted}
    for pin in pins:
        version = str(pin.specifier).removeprefix("==")
        assert str(pin.specifier) == f"=={version}"
        matching = [one for one in wanted if one.name == pin.name and one.marker in (None, pin.marker)]
        assert matching, pin
        assert all(one.specifier.contains(version) for one in matching), pin


def test_what_dev_has_of_other_extras_is_within_their_ranges() -> None:
    pins = {pin.name: str(pin.specifier).removeprefix("==") for pin in pinned("requirements-dev.txt")}
    for name in ("export", "ray", "web", "m2fp"):
        for one in EXTRAS[name]:
            if one.name in pins:
                assert one.specifier.contains(pins[one.name]), one


def test_dev_brings_every_extra() -> None:
    brought = {extra for one in EXTRAS["dev"] if canonicalize_name(one.name) == OWN for extra in one.extras}
    assert brought == set(EXTRAS) - {"dev"}


def test_the_version_stands_in_one_place_and_in_the_changelog() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", parsing.__version__)
    assert f"## {parsing.__version__} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_code_is_under_one_licence_everywhere() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert re.search(r"^license: apache-2\.0$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert all((ROOT / file).is_file() for file in PROJECT["license-files"])
