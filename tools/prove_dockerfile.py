"""Runs the Dockerfile where there is no Docker: its steps in a bare Debian, its command with no network, its health check, and
REST. What is proven is the file itself, read here line by line, with `.dockerignore`; an instruction that is not known here ends
the proof. As root, on a Debian with debootstrap:

    .venv/bin/python -m tools.prove_dockerfile
    .venv/bin/python -m tools.prove_dockerfile --m2fp tests/golden/m2fp    # WITH_M2FP=1, with these weights as the mirror's
    .venv/bin/python -m tools.prove_dockerfile --target reference --run '"$PARSING_REFERENCE" -c "import mmcv.ops"'

The image python:X.Y-slim-RELEASE is the smallest Debian of that release with a Python of its own in /usr/local. Here debootstrap
makes that Debian; its Python is the release's own where that is X.Y, else a copy of this machine's. pip finds packages as it does on this
machine: its settings and the folders they name are lent to the RUN steps and stay out of the image. Every mount is made in a mount
namespace that ends with its command, so nothing has to be unmounted, and the folder of the proof can be removed at any time.
"""

from __future__ import annotations

import argparse
import contextlib
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
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
PHOTO: Final = ROOT / "assets" / "examples" / "astronaut.jpg"
PATH: Final = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
OWN_PYTHON: Final = {"bookworm": "3.11"}
"""The Python that a Debian release has."""
LIBRARIES: Final = "libssl3,libffi8,libsqlite3-0,libreadline8,zlib1g,libbz2-1.0,liblzma5,libncursesw6,libuuid1,libexpat1"
"""What a Python built from source needs of the release."""
PATIENCE: Final = 300
"""Seconds until a server that does not answer is given up."""
MOUNTS: Final = """
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
for folder in $LENT; do mkdir -p "$0$folder"; mount -o bind,ro "$folder" "$0$folder"; done
if [ -n "$LENT" ]; then mount --bind /etc/resolv.conf "$0/etc/resolv.conf"; else ip link set lo up; fi
exec "$@"
"""


@dataclass
class Image:
    """A root folder and what the instructions so far say of it."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    arguments: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    folder: str = "/"
    volumes: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    def account(self) -> tuple[int, int, str]:
        """Number, group and home of the user."""
        for line in (self.root / "etc" / "passwd").read_text().splitlines():
            name, _, number, group, _, home, _ = line.split(":")
            if name == self.user:
                return int(number), int(group), home
        raise SystemExit(f"The image has no user {self.user!r}.")

    def inside(self, command: list[str], extra: dict[str, str] | None = None) -> list[str]:
        """The words that run a command in the root folder as the image's user, with the image's environment."""
        number, group, home = self.account()
        variables = {"HOME": home, **self.env, **(extra or {})}
        chroot = ["chroot", "--groups=", f"--userspec={number}:{group}", str(self.root)]
        return [*chroot, "env", "-i", "-C", self.folder, *(f"{name}={value}" for name, value in variables.items()), *command]


def read_stages(text: str) -> list[list[tuple[str, str]]]:
    """The instructions, each with what follows it, of each stage; every stage begins with its FROM."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    stages: list[list[tuple[str, str]]] = []
    for line in filter(str.strip, text.splitlines()):
        word, rest = line.split(None, 1)
        if word == "FROM":
            stages.append([])
        stages[-1].append((word, rest.strip()))
    return stages


def expand(text: str, variables: dict[str, str]) -> str:
    """Puts in variables as Docker does: $name, ${name}, ${name:+word} and ${name:-word}."""

    def value(match: re.Match[str]) -> str:
        found = variables.get(match["plain"] or match["name"], "")
        if match["sign"] == "+":
            return match["word"] if found else ""
        return found or match["word"] or ""

    return re.sub(r"\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?::(?P<sign>[+-])(?P<word>[^}]*))?\})", value, text)


def is_left_out(path: str, patterns: list[str]) -> bool:
    """Whether `.dockerignore` keeps a path out: the last pattern that fits it, or a folder above it, decides."""
    left_out = False
    for pattern in patterns:
        glob = re.escape(pattern.lstrip("!")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(f"{glob}(?:/.*)?", path):
            left_out = not pattern.startswith("!")
    return left_out


class Builder:
    """Makes images out of stages, in folders of their own.

    Args:
        work: an empty folder.
        text: the Dockerfile.
        arguments: as for --build-arg.
    """

    def __init__(self, work: Path, text: str, arguments: dict[str, str]) -> None:
        self.work = work
        self.stages = read_stages(text)
        self.arguments = arguments
        self.images: dict[str, Image] = {}
        self.pip, self.lent = pip_settings()
        lines = (ROOT / ".dockerignore").read_text().splitlines()
        self.left_out = [line for line in lines if line and not line.startswith("#")]

    def build(self, target: str | None) -> Image:
        """The image of the stage with that name, or of the last; what it builds on comes first."""
        stage = (
            self.stages[-1] if target is None else next(stage for stage in self.stages if stage[0][1].endswith(f" AS {target}"))
        )
        base, _, name = stage[0][1].partition(" AS ")
        if name in self.images:
            return self.images[name]
        root = self.work / (name or "last")
        if any(other[0][1].endswith(f" AS {base}") for other in self.stages):
            below = self.build(base)
            with step(f"FROM {stage[0][1]}"):
                run(["cp", "-a", "--reflink=auto", str(below.root), str(root)])
            image = replace(below, root=root, env=dict(below.env), arguments={})
        else:
            with step(f"FROM {stage[0][1]}"):
                make_base(base, root)
            image = Image(root)
        for word, rest in stage[1:]:
            with step(f"{word} {re.sub(' +', ' ', rest)}"):
                self.execute(image, word, rest)
        self.images[name] = image
        return image

    def execute(self, image: Image, word: str, rest: str) -> None:
        """Carries out one instruction."""
        known = {**image.arguments, **image.env}
        match word:
            case "ARG":
                name, _, default = rest.partition("=")
                image.arguments[name] = self.arguments.get(name, expand(default, known))
            case "ENV":
                image.env.update(
                    (name, expand(value, known)) for name, _, value in (pair.partition("=") for pair in shlex.split(rest))
                )
            case "RUN":
                extra = {**image.arguments, **self.pip}
                self.enter(image.inside(["/bin/sh", "-c", rest], extra))
            case "COPY":
                self.copy(image, expand(rest, known))
            case "WORKDIR":
                image.folder = expand(rest, known)
                (image.root / image.folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                image.user = rest
            case "VOLUME":
                image.volumes += tuple(rest.split())
            case "HEALTHCHECK":
                image.health = tuple(json.loads(rest.partition("CMD ")[2]))
            case "CMD":
                image.command = tuple(json.loads(rest))
            case "EXPOSE":
                pass  # says something to readers only
            case _:
                raise SystemExit(f"This proof does not know the instruction {word}.")

    def enter(self, command: list[str]) -> None:
        """Runs a command of a RUN step: with the network, and with pip's folders of this machine to read."""
        words = ["unshare", "--mount", "sh", "-ec", MOUNTS, command[command.index("env") - 1], *command]
        run(words, env={**os.environ, "LENT": " ".join(self.lent)})

    def copy(self, image: Image, rest: str) -> None:
        """COPY [--from=STAGE] SOURCE... TARGET, as root, without what `.dockerignore` keeps out."""
        *sources, target = rest.split()
        context = ROOT
        if sources[0].startswith("--from="):
            context = self.build(sources.pop(0).removeprefix("--from=")).root
        into = image.root / os.path.join(image.folder, target).lstrip("/")
        for source in sources:
            path = context / source.lstrip("/")
            if context == ROOT and is_left_out(source, self.left_out):
                raise SystemExit(f"COPY: .dockerignore leaves {source} out.")
            if not path.is_dir():
                shutil.copy(path, into / path.name if target.endswith("/") else into)
            elif context == ROOT:

                def left_out(folder: str, names: list[str]) -> list[str]:
                    inside = Path(folder).relative_to(ROOT)
                    return [name for name in names if is_left_out(str(inside / name), self.left_out)]

                shutil.copytree(path, into, ignore=left_out, dirs_exist_ok=True)
            else:
                into.mkdir(parents=True, exist_ok=True)
                run(["cp", "-a", f"{path}/.", str(into)])


def pip_settings() -> tuple[dict[str, str], list[str]]:
    """pip's settings on this machine as variables, and the folders that they name, two levels deep."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    settings = dict(re.findall(r"^[^.]*\.([\w-]+)='(.*)'$", listed, flags=re.MULTILINE))
    named = re.findall(r"(?:^|\s|file://)(/[^/\s]+/[^/\s]+)", "\n".join(settings.values()), flags=re.MULTILINE)
    return {f"PIP_{name.upper().replace('-', '_')}": value for name, value in settings.items()}, sorted(set(named))


def make_base(base: str, root: Path) -> None:
    """What stands for python:X.Y-slim-RELEASE; see the top."""
    match = re.fullmatch(r"python:(3\.\d+)-slim-(\w+)", base)
    if match is None or match[2] not in OWN_PYTHON:
        raise SystemExit(f"This proof cannot make {base}; it knows python:X.Y-slim-RELEASE for {', '.join(OWN_PYTHON)}.")
    version, release = match.groups()
    own = OWN_PYTHON[release] == version
    packages = "ca-certificates," + ("python3-pip" if own else LIBRARIES)
    run(["debootstrap", "--variant=minbase", f"--include={packages}", release, str(root)])
    if own:
        (root / "usr" / "lib" / f"python{version}" / "EXTERNALLY-MANAGED").unlink()
        (root / "usr" / "local" / "bin" / "python").symlink_to(f"/usr/bin/python{version}")
        return
    asked = [f"python{version}", "-c", "import sys; print(sys.base_prefix)"]
    prefix = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
    if prefix == Path("/usr"):
        raise SystemExit(f"This machine's python{version} is part of its system; one built from source is needed for {base}.")
    shutil.copytree(
        prefix, root / "usr" / "local", symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("site-packages")
    )
    (root / "usr" / "local" / "bin" / "python").unlink(missing_ok=True)
    (root / "usr" / "local" / "bin" / "python").symlink_to(f"python{version}")
    run(Image(root).inside(["python", "-m", "ensurepip", "--default-pip"]))


def run(command: list[str], **options: Any) -> None:
    """Runs a command in silence; where it fails, the end of what it said is shown and the proof ends."""
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if ended.returncode:
        raise SystemExit(f"{ended.stdout[-3000:]}\nFAILED with status {ended.returncode}")


@contextlib.contextmanager
def step(what: str) -> Iterator[list[str]]:
    """One line of the proof, printed when its step is done; what is put into the list stands at its end."""
    start = time.monotonic()
    said: list[str] = []
    try:
        yield said
    except BaseException:
        print(f"  failed  {what}", flush=True)
        raise
    print(f"{time.monotonic() - start:6.1f} s  {what}" + "".join(f": {words}" for words in said), flush=True)


def until(question: Any) -> Any:
    """The first answer that is not None; a server still starting may take a while to give one."""
    deadline = time.monotonic() + PATIENCE
    while (answer := question()) is None:
        if time.monotonic() > deadline:
            raise SystemExit("It did not come to that in time.")
        time.sleep(0.5)
    return answer


def prove(image: Image, model: str, commands: list[str]) -> None:
    """Starts the image's command where there is no network, and asks it what users ask."""
    environment = {**os.environ, "LENT": ""}
    start = ["unshare", "--mount", "--net", "sh", "-ec", MOUNTS, str(image.root), *image.inside(list(image.command))]
    server = subprocess.Popen(start, env=environment, stdout=sys.stdout, stderr=sys.stderr)

    def beside(command: list[str]) -> subprocess.CompletedProcess[str]:
        """As `docker exec` would."""
        enter = ["nsenter", "--target", str(server.pid), "--net", "--mount"]
        return subprocess.run([*enter, *command], capture_output=True, text=True, timeout=600)

    def ask(path: str, *fields: str) -> dict[str, Any]:
        address = f"http://localhost:{image.env['PARSING_PORT']}{path}"
        return json.loads(beside(["curl", "--silent", "--show-error", "-F", f"image=@{PHOTO}", *fields, address]).stdout)

    def healthy() -> bool | None:
        if server.poll() is not None:
            raise SystemExit(f"The server ended with status {server.returncode}.")
        return beside(image.inside(list(image.health))).returncode == 0 or None

    try:
        with step(f"CMD {' '.join(image.command)}, until HEALTHCHECK is content"):
            until(healthy)
        with step("the server's user") as said:
            user = re.search(r"^Uid:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text(), re.MULTILINE)[1]
            said.append(f"{image.user}, number {user}")
            if user == "0":
                raise SystemExit("The server runs as root.")
        with step("the network") as said:
            tried = beside(image.inside(["python", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 5)"]))
            said.append(tried.stderr.strip().rpartition("\n")[2])
            if "unreachable" not in said[0]:
                raise SystemExit("The server has a network.")
        for volume in image.volumes:
            with step(f"VOLUME {volume} can be written"):
                run(["nsenter", "--target", str(server.pid), "--mount", *image.inside(["test", "-w", volume])])
        with step(f"POST /predict, {PHOTO.name}") as said:
            said.append(f"{ask('/predict')['result'][:40]}…")
        with step(f"POST /parse, until {model} answers") as said:

            def parsed() -> dict[str, Any] | None:
                result = ask("/parse")["results"][0]
                return result if result["model"] == model else None

            result = until(parsed)
            parts = ", ".join(part["label"] for part in result["parts"])
            said.append(f"{len(result['people'])} people; {parts}")
        for command in commands:
            with step(f"docker exec … {command}") as said:
                ended = beside(image.inside(["/bin/sh", "-c", command]))
                said.append(ended.stdout.strip())
                if ended.returncode:
                    raise SystemExit(f"{ended.stderr[-3000:]}\nFAILED with status {ended.returncode}")
        with step("docker stop") as said:
            server.send_signal(signal.SIGTERM)
            said.append(f"ended with status {server.wait(10)}")
    finally:
        server.kill()
        server.wait()


def main() -> None:
    """Reads the options, builds, proves, and removes what it made."""
    options = argparse.ArgumentParser(description="Runs the Dockerfile's steps without Docker; see the top of this file.")
    options.add_argument("--target", help="stage to build (default: the last)")
    options.add_argument("--m2fp", type=Path, metavar="FOLDER", help="build WITH_M2FP=1, the mirror having this model folder")
    options.add_argument(
        "--run", action="append", default=[], metavar="COMMAND", help="to be tried in the running container too"
    )
    chosen = options.parse_args()
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise SystemExit("This needs to run as root on a machine with debootstrap.")
    arguments = {}
    if chosen.m2fp is not None:
        mirror = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(chosen.m2fp)))
        threading.Thread(target=mirror.serve_forever, daemon=True).start()
        arguments = {"WITH_M2FP": "1", "PARSING_MIRROR": f"http://127.0.0.1:{mirror.server_port}"}
    with tempfile.TemporaryDirectory(prefix="dockerfile-") as work:
        Path(work).chmod(0o755)  # so that the image's user gets in
        image = Builder(Path(work), (ROOT / "Dockerfile").read_text(), arguments).build(chosen.target)
        with step("the image's size") as said:
            size = subprocess.run(["du", "-sm", str(image.root)], capture_output=True, text=True, check=True).stdout
            said.append(f"{int(size.split()[0]) / 1000:.1f} GB")
        prove(image, "lite" if chosen.m2fp is None else "m2fp", chosen.run)
    print("proven")


if __name__ == "__main__":
    main()
