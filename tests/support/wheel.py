"""The wheel, built and installed into a folder without a connection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.program import ROOT

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


def install(built: Path) -> Path:
    """The folder in which the wheel was installed, below the folder in which it is built."""
    target = built / "installed"
    run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(ROOT)], built)
    (wheel,) = built.glob("*.whl")
    run([*PIP, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)], built)
    return target


def run(command: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a program that has to succeed says."""
    environment = {**os.environ, **variables}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended
