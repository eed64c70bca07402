"""`tools/machine.sh` on machines that have next to nothing: stubs stand in for apt-get, sudo and Playwright."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "machine.sh"
ALWAYS_THERE = ("bash", "chmod", "dirname", "env", "id", "true")
APT_GET = 'case "$*" in *install*) echo "$*" > installed; printf "#!/bin/sh\\n" > bin/chromium; chmod +x bin/chromium;; esac'
SUDO = 'shift; exec "$@"'
PLAYWRIGHT = 'echo "$*" > installed; printf "#!/bin/sh\\n" > downloaded; chmod +x downloaded'
PYTHON = "echo downloaded"
APT = {"bin/apt-get": APT_GET, "bin/sudo": SUDO}
DOWNLOAD = {".venv/bin/playwright": PLAYWRIGHT, ".venv/bin/python": PYTHON}


def ask(need: str, commands: dict[str, str], machine: Path) -> subprocess.CompletedProcess[str]:
    """Runs the script on a machine with these commands, by their place."""
    for folder in ("bin", "tools", ".venv/bin"):
        (machine / folder).mkdir(parents=True)
    for name in ALWAYS_THERE:
        (machine / "bin" / name).symlink_to(str(shutil.which(name)))
    for place, command in {"bin/uname": "echo Linux", **commands}.items():
        (machine / place).write_text(f"#!/bin/sh\n{command}\n")
        (machine / place).chmod(0o755)
    script = shutil.copy(SCRIPT, machine / "tools")
    command = [str(machine / "bin" / "bash"), script, need]
    return subprocess.run(command, env={"PATH": str(machine / "bin")}, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("commands", "installed"),
    [
        ({"bin/chromium": "", **APT, **DOWNLOAD}, None),
        ({**APT, **DOWNLOAD}, "install -y -qq --no-install-recommends chromium"),
        (DOWNLOAD, "install --with-deps chromium"),
        ({**APT, "bin/apt-get": "false", **DOWNLOAD}, "install --with-deps chromium"),
    ],
    ids=["the system's", "Debian's package", "Playwright's", "Playwright's where Debian's fails"],
)
def test_a_browser(commands: dict[str, str], installed: str | None, tmp_path: Path) -> None:
    ended = ask("browser", commands, tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    file = tmp_path / "installed"
    assert (file.read_text().strip() if file.exists() else None) == installed


@pytest.mark.parametrize(
    ("need", "command"),
    [
        ("browser", ".venv/bin/playwright install --with-deps chromium"),
        ("fonts", "apt-get install fontconfig fonts-noto-cjk"),
        ("layers", "apt-get install imagemagick"),
        ("compiler", "apt-get install gcc libc6-dev"),
        ("venv", "apt-get install python3-venv"),
        ("make", "apt-get install make"),
    ],
)
@pytest.mark.parametrize("commands", [{}, {".venv/bin/playwright": "false"}, {"bin/apt-get": "false"}])
def test_where_nothing_helps_it_says_what_to_run(need: str, command: str, commands: dict[str, str], tmp_path: Path) -> None:
    ended = ask(need, commands, tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.endswith(f"run: {command}\n")
    assert len(ended.stderr.splitlines()) == 1
