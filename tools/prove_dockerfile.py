"""Proves the Dockerfile where there is no Docker: builds it (`tools/build_image.py`), starts its command with no network, and
asks its health check and REST. As root, on a machine with debootstrap, patchelf, iproute2 and curl:

    python -m tools.prove_dockerfile
    python -m tools.prove_dockerfile --m2fp tests/golden/m2fp    # WITH_M2FP=1, and a mirror that has these weights
    python -m tools.prove_dockerfile --target reference --run '$PARSING_REFERENCE -c "import mmcv.ops"'
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, TypeVar

from tools.build_image import ROOT, Builder, Image, step

PHOTO: Final = ROOT / "assets" / "examples" / "astronaut.jpg"
PATIENCE: Final = 300
"""Seconds after which what does not happen is given up."""
Answer = TypeVar("Answer")


def prove(image: Image, model: str, commands: list[str]) -> None:
    """Starts the image's command where there is no network, and asks it what users ask."""
    server = subprocess.Popen([*image.namespace(), *image.inside(image.command)])

    def beside(command: list[str]) -> subprocess.CompletedProcess[str]:
        """A command where the server is, as with `docker exec`."""
        enter = ["nsenter", "--target", str(server.pid), "--net", "--mount"]
        return subprocess.run([*enter, *command], capture_output=True, text=True)

    def is_healthy() -> bool:
        if server.poll() is not None:
            raise SystemExit(f"The server ended with status {server.returncode}.")
        return beside(image.inside(image.health)).returncode == 0

    def ask(path: str) -> dict[str, Any]:
        address = f"http://localhost:{image.env['PARSING_PORT']}{path}"
        return json.loads(beside(["curl", "--silent", "--show-error", "-F", f"image=@{PHOTO}", address]).stdout)

    def parse_with_model() -> dict[str, Any] | None:
        result = ask("/parse")["results"][0]
        return result if result["model"] == model else None

    try:
        with step(f"docker run: {' '.join(image.command)}, until HEALTHCHECK finds it well"):
            until(is_healthy)
        with step("the server's user") as said:
            number = Path(f"/proc/{server.pid}").stat().st_uid
            said.append(f"{image.user}, number {number}")
            check(number != 0)
        with step("the network") as said:
            tried = beside(image.inside(["python", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 5)"]))
            said.append(tried.stderr.strip().rpartition("\n")[2])
            check("unreachable" in tried.stderr)
        for volume in image.volumes:
            with step(f"VOLUME {volume} is there for {image.user} to write"):
                check(beside(image.inside(["test", "-w", volume])).returncode == 0)
        with step(f"POST /predict, {PHOTO.name}") as said:
            said.append(f"{ask('/predict')['result'][:40]}...")
        with step(f"POST /parse, until {model} answers") as said:
            result = until(parse_with_model)
            said.append(f"{len(result['people'])} people, {', '.join(part['name'] for part in result['parts'])}")
        for command in commands:
            with step(f"docker exec: {command}") as said:
                ended = beside(image.inside(["sh", "-c", command]))
                said.append(ended.stdout.strip() or ended.stderr[-2000:])
                check(ended.returncode == 0)
        with step("docker stop") as said:
            server.terminate()
            said.append(f"ended with status {server.wait(10)}")
            check(server.returncode == 0)
    finally:
        server.kill()
        server.wait()


def check(is_so: bool) -> None:
    """Ends the proof unless it is so; the step's line says what is."""
    if not is_so:
        raise SystemExit("not proven")


def until(question: Callable[[], Answer]) -> Answer:
    """The first answer that is something."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := question()):
        check(time.monotonic() < deadline)
        time.sleep(0.5)
    return answer


def main() -> None:
    """Reads the options, builds the image, proves it, and removes it."""
    options = argparse.ArgumentParser(description="Runs the Dockerfile where there is no Docker.")
    options.add_argument("--target", help="the stage (default: the last)")
    options.add_argument("--m2fp", type=Path, metavar="FOLDER", help="a model folder to build WITH_M2FP=1 from")
    options.add_argument("--run", action="append", default=[], metavar="COMMAND", help="to try in the container too")
    chosen = options.parse_args()
    missing = [tool for tool in ("debootstrap", "patchelf", "ip", "curl") if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        raise SystemExit(f"Run this as root, on a machine with {' and '.join(missing or ['debootstrap'])}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that everything is cleared away
    arguments = {}
    if chosen.m2fp:
        mirror = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=chosen.m2fp))
        threading.Thread(target=mirror.serve_forever, daemon=True).start()
        arguments = {"WITH_M2FP": "1", "PARSING_MIRROR": f"http://127.0.0.1:{mirror.server_port}"}
    with tempfile.TemporaryDirectory(prefix="dockerfile-") as work:
        os.chmod(work, 0o755)  # for the image's user
        image = Builder(Path(work), arguments).build(chosen.target)
        with step("the image's size") as said:
            used = subprocess.run(["du", "-s", "--block-size=1M", str(image.root)], capture_output=True, text=True, check=True)
            said.append(f"{used.stdout.split()[0]} MB")
        prove(image, "m2fp" if chosen.m2fp else "lite", chosen.run)
    print("proven")


if __name__ == "__main__":
    main()
