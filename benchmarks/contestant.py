"""One contestant of `benchmarks.speed` in a process of its own: loads, then times each photo that it is told to parse.

    python -m benchmarks.contestant NAME [--weights FOLDER]

Every line on standard input names a photo's file; every line on standard output is a JSON object: milliseconds by stage,
"total", and "peak", the most memory resident during this photo in MB. The first line only says that the model is loaded.
"modelscope-golden" is ModelScope's own pipeline in its own process and environment, of which "peak" is.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from parsing.memory import peak_memory

NAMES = ("modelscope", "modelscope-golden", "m2fp", "m2fp-torch", "m2fp-bf16", "m2fp-onnx", "lite")
"""`m2fp-torch` is `m2fp` where there is no C compiler."""


def load(name: str, weights: str | None) -> Callable[[bytes], dict[str, float]]:
    """From a contestant's name to a function from a file's bytes to milliseconds by stage, with "peak" and "total" where they
    are not those of this process.
    """
    if name == "modelscope":
        import io

        from PIL import Image

        from benchmarks.modelscope_network import ModelScopeParser

        network = ModelScopeParser(weights)
        return lambda photo: network(Image.open(io.BytesIO(photo)).convert("RGB"))

    if name == "m2fp-torch":
        os.environ["CC"] = "false"

    import parsing

    if name == "modelscope-golden":
        reference = parsing.load("modelscope", weights=weights)

        def parse_there(photo: bytes) -> dict[str, float]:
            stages = reference(photo).timings
            return {**stages, "total": sum(stages.values()), "peak": reference.model.peak}  # without what passes between us

        return parse_there

    if name == "lite":
        parser = parsing.load("lite")
    elif name == "m2fp-onnx":
        parser = parsing.load(name, weights=f"{weights}/m2fp.onnx")
    else:
        parser = parsing.load("m2fp", weights=weights, precision="bf16" if name == "m2fp-bf16" else "fp32")

    def parse(photo: bytes) -> dict[str, float]:
        opened = parsing.open_photo(photo)
        result = parser(opened)
        start = time.perf_counter()
        parsing.composite(opened, result)
        return {**result.timings, "render": (time.perf_counter() - start) * 1000}

    return parse


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("name", choices=NAMES)
    options.add_argument("--weights", help="model folder for all but lite")
    chosen = options.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    parse = load(chosen.name, chosen.weights)
    print(json.dumps({}), file=answers, flush=True)
    for line in sys.stdin:
        photo = Path(line.strip()).read_bytes()
        peak_memory(restart=True)
        start = time.perf_counter()
        timings = parse(photo)
        total = (time.perf_counter() - start) * 1000 - timings.get("render", 0.0)
        print(json.dumps({"peak": peak_memory(), "total": total, **timings}), file=answers, flush=True)


if __name__ == "__main__":
    main()
