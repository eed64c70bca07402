"""Every way to run the models, side by side: `python -m benchmarks.speed [--models NAME ...] [--weights FOLDER] [--rounds 5]`.

Each contestant loads in a process of its own and waits; they take turns within each round, so that a busy moment of the
machine falls on all of them. The table shows medians of whole calls, from a JPEG file's bytes to the result. M2FP's official
weights are not needed: without `--weights`, a folder of random ones is made, which take the same time.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from benchmarks.contestant import NAMES
from parsing.cores import usable_cores

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "assets" / "examples"
SIZES = {"512x512": (512, 512), "1920x1080": (1920, 1080), "4000x3000": (4000, 3000)}
BEYOND_MODELSCOPE = "4000x3000"
"""A size at which ModelScope's way, all masks at once, takes more than 20 GB."""


def jpeg(size: tuple[int, int], people: int = 1) -> bytes:
    """A JPEG file of (width, height) with one example person, or several side by side."""
    portraits = [Image.open(EXAMPLES / name).convert("RGB") for name in ("astronaut.jpg", "admiral.jpg")]
    photo = Image.new("RGB", size)
    for index in range(people):
        left, right = size[0] * index // people, size[0] * (index + 1) // people
        photo.paste(ImageOps.fit(portraits[index % 2], (right - left, size[1])), (left, 0))
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def write_photos(folder: Path, people: tuple[int, ...]) -> dict[str, Path]:
    """Files of each size with each number of people."""
    photos = {}
    for name, size in SIZES.items():
        for count in people:
            title = f"{name}, {count} {'person' if count == 1 else 'people'}"
            photos[title] = folder / f"{title}.jpg"
            photos[title].write_bytes(jpeg(size, count))
    return photos


class Contestant:
    """A process of `benchmarks.contestant`, loaded and waiting."""

    def __init__(self, name: str, weights: Path) -> None:
        command = [sys.executable, str(ROOT / "benchmarks" / "contestant.py"), name, "--weights", str(weights)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, env=environment, **pipes)
        self._answer()

    def parse(self, photo: Path) -> dict[str, float]:
        """Milliseconds by stage, "total", and "peak" megabytes."""
        print(photo, file=self._process.stdin, flush=True)
        return self._answer()

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, float]:
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("A contestant has ended; its message is above.")
        return json.loads(line)


def measure(names: list[str], photos: dict[str, Path], weights: Path, rounds: int) -> dict[tuple[str, str], dict[str, float]]:
    """Medians by (photo, contestant); one call of each goes before, unmeasured."""
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    with contextlib.ExitStack() as stack:
        contestants = {name: stack.enter_context(contextlib.closing(Contestant(name, weights))) for name in names}
        for photo, file in photos.items():
            for number in range(rounds + 1):
                for name, contestant in contestants.items():
                    if name.startswith("modelscope") and photo.startswith(BEYOND_MODELSCOPE):
                        continue
                    answer = contestant.parse(file)
                    if number:
                        rows.setdefault((photo, name), []).append(answer)
    return {key: {stage: statistics.median(row[stage] for row in found) for stage in found[0]} for key, found in rows.items()}


def table(medians: dict[tuple[str, str], dict[str, float]]) -> Iterator[str]:
    """Lines of Markdown."""
    yield "| photo | model | seconds | stages, ms | peak MB | ModelScope's time |"
    yield "| --- | --- | ---: | --- | ---: | ---: |"
    for (photo, name), row in medians.items():
        stages = ", ".join(f"{stage} {row[stage]:.0f}" for stage in row if stage not in ("total", "peak"))
        reference = next((medians[photo, other] for other in NAMES[1::-1] if (photo, other) in medians), None)
        ratio = f"{reference['total'] / row['total']:.1f} x" if reference and name != "lite" else ""
        yield f"| {photo} | {name} | {row['total'] / 1000:.3g} | {stages} | {row['peak']:.0f} | {ratio} |"


def processor() -> str:
    """The processor's name where the system tells it, with the widest vector unit that matters here."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    name = next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())
    flags = next((line for line in lines if line.startswith("flags")), "")
    units = [unit for flag, unit in (("avx512f", "AVX-512"), ("bf16", "bfloat16")) if flag in flags]
    return f"{name} ({', '.join(units)})" if units else name


def main() -> None:
    """Prints one table, and the same as JSON into a file."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--models", nargs="+", choices=NAMES, default=["lite"])
    options.add_argument("--photos", nargs="+", choices=SIZES, default=list(SIZES))
    options.add_argument("--people", nargs="+", type=int, default=[1, 5])
    options.add_argument("--weights", type=Path, help="model folder for all but lite; m2fp.onnx in it is that of m2fp-onnx")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--json", type=Path, metavar="FILE", help="where to write all figures as JSON")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        weights = chosen.weights or Path(temporary, "weights")
        if chosen.weights is None and chosen.models != ["lite"]:
            from benchmarks.make_model import NetworkConfig, write_folder

            write_folder(weights, NetworkConfig())
        photos = write_photos(Path(temporary), tuple(chosen.people))
        photos = {name: file for name, file in photos.items() if name.split(",")[0] in chosen.photos}
        medians = measure(chosen.models, photos, weights, chosen.rounds)
    machine = f"{processor()}, {usable_cores()} cores, Python {platform.python_version()}, {date.today()}"
    print(f"{machine}, medians of {chosen.rounds}\n")
    print(*table(medians), sep="\n")
    if chosen.json:
        found = [{"photo": photo, "model": model, **row} for (photo, model), row in medians.items()]
        chosen.json.write_text(json.dumps({"machine": machine, "rows": found}, indent=1))


if __name__ == "__main__":
    main()
