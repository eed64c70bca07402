"""Proves the README's two commands on a bare machine: a Debian with Python, make, a C compiler and git, no more. As root, on a
machine with debootstrap:

    python -m tools.prove_machine
    python -m tools.prove_machine --command "make check"

The last commit is cloned into it. `make test` runs there, then `make run` serves the page, which is asked to parse a photo. pip
finds packages as it does on this machine. What the command says goes to this program's output.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from tools.build_image import ROOT, Image, pip_settings, run, step

PACKAGES: Final = "ca-certificates,gcc,git,libc6-dev,make,python3,python3-venv"
RELEASE: Final = "bookworm"
FOLDER: Final = "/root/human-parsing"
PATIENCE: Final = 300
"""Seconds that the page has to answer."""


def prove(work: Path, command: str) -> None:
    """Makes the machine in an empty folder, runs the command in a clone there, and asks the page that `make run` serves."""
    root = work / "machine"
    with step(f"Debian {RELEASE} with {PACKAGES}"):
        run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, str(root)])
        (root / "etc/hosts").write_text("127.0.0.1 localhost\n")  # debootstrap leaves it to the installer
    with step("git clone"):
        run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), f"{root}{FOLDER}"])
    machine = Image(root, folder=FOLDER)
    settings, lent = pip_settings()
    settings |= {name: value for name, value in os.environ.items() if name.startswith(("npm_config_", "NODE_EXTRA_"))}
    with step(command):
        ended = subprocess.run([*machine.namespace(lent), *machine.inside(["sh", "-c", command], settings)])
        if ended.returncode:
            raise SystemExit(f"{command} ended with status {ended.returncode}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with step("make run, POST /parse") as said:
        serving = {**settings, "PARSING_PORT": str(port), "PARSING_MODEL": "lite"}
        server = subprocess.Popen([*machine.namespace(lent), *machine.inside(["make", "run"], serving)], start_new_session=True)
        try:
            said.append(parse_photo(f"http://127.0.0.1:{port}", server))
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(20)


def parse_photo(address: str, server: subprocess.Popen[bytes]) -> str:
    """What the page's server finds in an example, once it answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
            break
        except (urllib.error.URLError, ConnectionError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("make run does not serve.") from None
            time.sleep(0.5)
    photo = ROOT / "assets" / "examples" / "astronaut.jpg"
    asked = ["curl", "--silent", "--show-error", "-F", f"image=@{photo}", f"{address}/parse"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return ", ".join(part["name"] for part in json.loads(answer)["results"][0]["parts"])


def main() -> None:
    """Reads the options, proves, and removes the machine."""
    options = argparse.ArgumentParser(description="Proves make test and make run on a bare Debian.")
    options.add_argument("--command", default="make test", help="what to run there (default: make test)")
    chosen = options.parse_args()
    missing = [tool for tool in ("debootstrap", "curl") if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        raise SystemExit(f"Run this as root, on a machine with {' and '.join(missing or ['debootstrap'])}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that everything is cleared away
    with tempfile.TemporaryDirectory(prefix="machine-") as work:
        prove(Path(work), chosen.command)
    print("proven")


if __name__ == "__main__":
    main()
