"""Carries out the steps of a Dockerfile where there is no Docker, in folders under chroot, for the proof in
`tools/prove_dockerfile.py`; an instruction that is not known here ends it.

The image python:X.Y-slim-RELEASE is the smallest Debian of that release with a Python X.Y in /usr/local. debootstrap makes that
Debian here; the Python is the release's own where that is X.Y, else a copy of this machine's. pip finds packages as it does on
this machine: its settings, and the folders they name, are lent to RUN and stay out of the image. All is mounted in namespaces
that end with the command they are for, so that nothing is left to unmount.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tools.dockerfile import expand, is_ignored, read_ignored, read_stages

ROOT: Final = Path(__file__).parents[1]
PATH: Final = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
OWN_PYTHON: Final = {"bookworm": "3.11"}
"""The Python that a Debian release has itself."""
LIBRARIES: Final = "libssl3,libffi8,libsqlite3-0,libreadline8,zlib1g,libbz2-1.0,liblzma5,libncursesw6,libuuid1,libexpat1"
"""What another Python needs of it."""


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
    asked = ["sh", "-c", f'python{version} -c "import sys; print(sys.base_prefix)"']
    prefix = subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    if prefix in ("", "/usr"):
        raise SystemExit(f"For {base} there must be a python{version} on this machine that was built from source.")
    shutil.copytree(prefix, local, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("site-packages"))
    for file in local.rglob("_sysconfigdata_*.py"):  # where extensions that are compiled find Python's headers
        file.write_text(file.read_text().replace(prefix, "/usr/local"))
    # As in the image, it finds its library beside itself, wherever it is copied.
    run(["patchelf", "--set-rpath", "$ORIGIN/../lib", str(local / "bin" / f"python{version}")])
    image = Image(root)
    run([*image.namespace([]), *image.inside([f"python{version}", "-m", "ensurepip", "--default-pip"])])


def run(command: list[str]) -> None:
    """Runs a command in silence; where it fails, the end of what it said is shown and the proof ends."""
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if ended.returncode:
        raise SystemExit(f"{ended.stdout[-4000:]}\nended with status {ended.returncode}")


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
