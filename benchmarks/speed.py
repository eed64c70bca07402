"""Times whole `parser(image)` calls: `python -m benchmarks.speed [--models lite m2fp] [--weights FOLDER] [--rounds 7]`.

Models and photo sizes take turns within each round, so that a busy moment of the machine falls on all of them; the table
shows medians. The photo is one of the examples, resized; the time includes opening it from the bytes of a JPEG file.
"""

from __future__ import annotations

import argparse
import io
import platform
import resource
import statistics
import time
from datetime import date
from pathlib import Path

import parsing
from parsing.cores import usable_cores

PHOTO = Path(__file__).parents[1] / "assets" / "examples" / "astronaut.jpg"
SIZES = {"512x512": (512, 512), "1920x1080": (1920, 1080), "4000x3000": (4000, 3000)}


def jpeg(size: tuple[int, int]) -> bytes:
    """The photo at (width, height), the middle of it where the shape differs, as the bytes of a JPEG file."""
    from PIL import Image, ImageOps

    buffer = io.BytesIO()
    ImageOps.fit(Image.open(PHOTO).convert("RGB"), size).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def measure(parsers: dict[str, parsing.Parser], rounds: int) -> dict[tuple[str, str], list[dict[str, float]]]:
    """Milliseconds by stage, and "total", of each round for each (model, size); one call of each goes before, unmeasured."""
    photos = {name: jpeg(size) for name, size in SIZES.items()}
    times: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number in range(rounds + 1):
        for model, parser in parsers.items():
            for size, photo in photos.items():
                start = time.perf_counter()
                timings = dict(parser(photo).timings)
                timings["total"] = (time.perf_counter() - start) * 1000
                if number:
                    times.setdefault((model, size), []).append(timings)
    return times


def main() -> None:
    """Prints one table."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--models", nargs="+", default=["lite"])
    options.add_argument("--weights", help="model folder for the M2FP models")
    options.add_argument("--rounds", type=int, default=7)
    chosen = options.parse_args()
    parsers = {name: parsing.load(name, weights=chosen.weights if name.startswith("m2fp") else None) for name in chosen.models}
    print(f"{processor()}, {usable_cores()} cores, Python {platform.python_version()}, {date.today()}\n")
    print("| model | photo | milliseconds | of which |\n| --- | --- | ---: | --- |")
    for (model, size), rows in measure(parsers, chosen.rounds).items():
        median = {stage: statistics.median(row[stage] for row in rows) for stage in rows[0]}
        total = median.pop("total")
        print(f"| {model} | {size} | {total:.0f} | {', '.join(f'{stage} {value:.0f}' for stage, value in median.items())} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak resident memory {peak:.0f} MB, all models and sizes in one process")


def processor() -> str:
    """The processor's name where the system tells it, with the widest vector unit that matters here."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    name = next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())
    flags = next((line for line in lines if line.startswith("flags")), "")
    return f"{name}{' (AVX-512)' if 'avx512f' in flags else ''}"


if __name__ == "__main__":
    main()
