"""Runs the Dockerfile where there is no Docker: its steps in a bare Debian, then its command with no network, its health check
and REST. What is proven is the file itself, read line by line, and `.dockerignore`; an instruction that is not known here ends
the proof. As root, on a machine with debootstrap, iproute2 and curl:

    python -m tools.prove_dockerfile
    python -m tools.prove_dockerfile --m2fp tests/golden/m2fp    # WITH_M2FP=1, and a mirror that has these weights
    python -m tools.prove_dockerfile --target reference --run '$PARSING_REFERENCE -c "import mmcv.ops"'

The image python:X.Y-slim-RELEASE is the smallest Debian of that release with a Python X.Y in /usr/local. debootstrap makes that
Debian here; the Python is the release's own where that is X.Y, else a copy of this machine's. pip finds packages as it does on
this machine: its settings, and the folders they name, are lent to RUN and stay out of the image. All is mounted in namespaces
that end with the command they are for, so that nothing is left to unmount.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, TypeVar

from tools.dockerfile import expand, is_ignored, read_ignored, read_stages

ROOT: Final = Path(__file__).parents[1]
PHOTO: Final = ROOT / "assets" / "examples" / "astronaut.jpg"
PATH: Final = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
OWN_PYTHON: Final = {"bookworm": "3.11"}
"""The Python that a Debian release has itself."""
LIBRARIES: Final = "libssl3,libffi8,libsqlite3-0,libreadline8,zlib1g,libbz2-1.0,liblzma5,libncursesw6,libuuid1,libexpat1"
"""What another Python needs of it."""
PATIENCE: Final = 300
"""Seconds after which what does not happen is given up."""
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Image:
    """A root folder, and what the instructions so far say of the commands in it."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    arguments: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    folder: str = "/"
    volumes: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    def inside(self, command: Sequence[str], extra: dict[str, str] | None = None) -> list[str]:
        """The words that run a command in the root folder, as the image's user and with its environment."""
        accounts = (line.split(":") for line in (self.root / "etc" / "passwd").read_text().splitlines())
        number, group, home = next((entry[2], entry[3], entry[5]) for entry in accounts if entry[0] == self.user)
        variables = {"HOME": home, **self.env, **(extra or {})}
        chroot = ["chroot", "--groups=", f"--userspec={number}:{group}", str(self.root)]
        return [*chroot, "env", "-i", "-C", self.folder, *(f"{name}={value}" for name, value in variables.items()), *command]

    def namespace(self, lent: Sequence[str] | None = None) -> list[str]:
        """The words before those of `inside` that mount what every command needs, in a namespace that ends with it; with the
        network and these folders of this machine, to read, or, for None, without a network.
        """
        mounts = [f"mount -t proc proc {self.root}/proc", f"mount --rbind /dev {self.root}/dev"]
        if lent is None:
            mounts.append("ip link set lo up")
        else:
            mounts.append(f"mount --bind /etc/resolv.conf {self.root}/etc/resolv.conf")
            mounts += [f"mkdir -p {self.root}{folder}; mount -o bind,ro {folder} {self.root}{folder}" for folder in lent]
        network = ["--net"] if lent is None else []
        return ["unshare", "--mount", *network, "sh", "-ec", "; ".join([*mounts, 'exec "$@"']), "sh"]


class Builder:
    """Makes images of the stages of the Dockerfile.

    Args:
        work: an empty folder.
        arguments: as for --build-arg.
    """

    def __init__(self, work: Path, arguments: dict[str, str]) -> None:
        self.work = work
        self.arguments = arguments
        self.stages = read_stages((ROOT / "Dockerfile").read_text())
        self.ignored = read_ignored((ROOT / ".dockerignore").read_text())
        self.images: dict[str, Image] = {}
        self.pip, self.lent = pip_settings()

    def build(self, target: str | None = None) -> Image:
        """The image of a stage, or of the last one; those that it needs are made first."""
        stage = self.stages[-1] if target is None else next(stage for stage in self.stages if stage.name == target)
        if stage.name in self.images:
            return self.images[stage.name]
        root = self.work / (stage.name or "last")
        below = self.build(stage.base) if any(stage.base == other.name for other in self.stages) else None
        with step(f"FROM {stage.base} {stage.name and 'AS'} {stage.name}"):
            if below is None:
                make_base(stage.base, root)
                image = Image(root)
            else:
                run(["cp", "-a", "--reflink=auto", str(below.root), str(root)])
                image = replace(below, root=root, arguments={})
        for word, rest in stage.steps:
            with step(f"{word} {rest}"):
                image = self.execute(image, word, rest)
        self.images[stage.name] = image
        return image

    def execute(self, image: Image, word: str, rest: str) -> Image:
        """Carries out one instruction."""
        known = {**image.arguments, **image.env}
        match word:
            case "ARG":
                name, _, default = rest.partition("=")
                return replace(image, arguments={**image.arguments, name: self.arguments.get(name, expand(default, known))})
            case "ENV":
                pairs = (pair.partition("=") for pair in shlex.split(rest))
                return replace(image, env={**image.env, **{name: expand(value, known) for name, _, value in pairs}})
            case "RUN":
                run([*image.namespace(self.lent), *image.inside(["sh", "-c", rest], {**image.arguments, **self.pip})])
                return image
            case "COPY":
                *sources, target = rest.split()
                self.copy(sources, Path(f"{image.root}{os.path.join(image.folder, target)}"), target.endswith("/"))
                return image
            case "WORKDIR":
                Path(f"{image.root}{rest}").mkdir(parents=True, exist_ok=True)
                return replace(image, folder=rest)
            case "USER":
                return replace(image, user=rest)
            case "VOLUME":
                return replace(image, volumes=(*image.volumes, rest))
            case "HEALTHCHECK":
                return replace(image, health=tuple(json.loads(rest.partition("CMD ")[2])))
            case "CMD":
                return replace(image, command=tuple(json.loads(rest)))
            case "EXPOSE":  # for readers
                return image
        raise SystemExit(f"This proof does not know the instruction {word}.")

    def copy(self, sources: list[str], into: Path, into_folder: bool) -> None:
        """COPY of files and folders of the project, or of one folder --from another stage."""
        if sources[0].startswith("--from="):
            into.mkdir(parents=True, exist_ok=True)
            other = self.build(sources[0].removeprefix("--from="))
            run(["cp", "-a", f"{other.root}{sources[1]}/.", str(into)])
            return
        for source in sources:
            top = ROOT / source
            files = [top] if top.is_file() else [file for file in top.rglob("*") if file.is_file()]
            kept = [file for file in files if not is_ignored(str(file.relative_to(ROOT)), self.ignored)]
            if not kept:
                raise SystemExit(f"There is no {source}, or .dockerignore leaves it out.")
            for file in kept:
                copied = into / (file.name if into_folder else file.relative_to(top))
                copied.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copied)


def pip_settings() -> tuple[dict[str, str], list[str]]:
    """pip's settings on this machine as variables, and the folders that they name, as far as two levels deep."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    settings = dict(re.findall(r"^[^.]*\.([\w-]+)='(.*)'$", listed, re.MULTILINE))
    named = re.findall(r"(?:^|\s|file://)(/[^/\s]+/[^/\s]+)", "\n".join(settings.values()))
    return {f"PIP_{name.upper().replace('-', '_')}": value for name, value in settings.items()}, sorted(set(named))


def make_base(base: str, root: Path) -> None:
    """What stands for the image python:X.Y-slim-RELEASE."""
    match = re.fullmatch(r"python:(3\.\d+)-slim-(\w+)", base)
    if match is None or match[2] not in OWN_PYTHON:
        raise SystemExit(f"This proof cannot make {base}; it knows python:X.Y-slim-RELEASE of {', '.join(OWN_PYTHON)}.")
    version, release = match.groups()
    is_own = OWN_PYTHON[release] == version
    packages = f"ca-certificates,{'python3-pip' if is_own else LIBRARIES}"
    run(["debootstrap", "--variant=minbase", f"--include={packages}", release, str(root)])
    local = root / "usr" / "local"
    if is_own:
        (root / "usr" / "lib" / f"python{version}" / "EXTERNALLY-MANAGED").unlink()
        (local / "bin" / "python").symlink_to(f"/usr/bin/python{version}")
        return
    asked = [f"python{version}", "-c", "import sys; print(sys.base_prefix)"]
    prefix = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    if prefix == "/usr":
        raise SystemExit(f"For {base} this machine needs a Python {version} that was built from source, not its system's.")
    shutil.copytree(prefix, local, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("site-packages"))
    run(Image(root).inside([f"python{version}", "-m", "ensurepip", "--default-pip"]))


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
    finally:
        server.kill()
        server.wait()


def run(command: list[str]) -> None:
    """Runs a command in silence; where it fails, the end of what it said is shown and the proof ends."""
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if ended.returncode:
        raise SystemExit(f"{ended.stdout[-4000:]}\nended with status {ended.returncode}")


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


@contextmanager
def step(what: str) -> Iterator[list[str]]:
    """One line of the proof: the seconds, what was done, and what is put into the list."""
    start = time.monotonic()
    said: list[str] = []
    mark = "FAILED"
    try:
        yield said
        mark = ""
    finally:
        print(f"{time.monotonic() - start:7.1f} s  {mark}{what.strip()}" + "".join(f": {words}" for words in said), flush=True)


def main() -> None:
    """Reads the options, builds the image, proves it, and removes it."""
    options = argparse.ArgumentParser(description="Runs the Dockerfile where there is no Docker.")
    options.add_argument("--target", help="the stage (default: the last)")
    options.add_argument("--m2fp", type=Path, metavar="FOLDER", help="a model folder to build WITH_M2FP=1 from")
    options.add_argument("--run", action="append", default=[], metavar="COMMAND", help="to try in the container too")
    chosen = options.parse_args()
    missing = [tool for tool in ("debootstrap", "ip", "curl") if shutil.which(tool) is None]
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
