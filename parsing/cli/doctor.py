"""`python -m parsing doctor`: looks at this machine, for a person or, with `--json`, for a bug report.

What is installed, what the processor and the disk offer, which weights are found where and what is in them, what the hub says,
and at last one example photo parsed. Nothing is downloaded. Folders below the home folder are written with `~`
unless `--paths`.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import parsing
from parsing.cli.results import explain, mute
from parsing.cores import has_bfloat16, usable_cores
from parsing.extras import needs
from parsing.files import cache_folder, find_examples
from parsing.memory import free_memory
from parsing.models import MODELS, NAMES, find_model
from parsing.models.m2fp import hub
from parsing.models.m2fp import weights as store
from parsing.models.m2fp.network.config import ModelConfig
from parsing.program import OptionParser, one_line

PACKAGES: Final = ("gradio", "modelscope", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "safetensors", "torch")
HUB_SECONDS: Final = 10.0
"""For which the hub may be silent."""
SHOWN: Final = 8
"""Weights of each kind that are listed."""
TROUBLE: Final = "trouble"
"""The key under which a part of the report says what is wrong."""

Report = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """The command, `arguments` being the words after `doctor`. Gives 0, or 1 where the model asked for cannot parse."""
    options = OptionParser(prog="python -m parsing doctor", description="Looks at this machine; downloads nothing.")
    options.add_argument("--model", choices=NAMES, default="auto", help="the one that has to work (default: auto)")
    options.add_argument("--weights", metavar="FOLDER", help="a ModelScope model folder (default: the downloaded weights)")
    options.add_argument("--json", action="store_true", help="for programs and bug reports")
    options.add_argument("--paths", action="store_true", help="names folders below the home folder in full")
    chosen = options.parse_args(arguments)
    report = examine(chosen.model, chosen.weights)
    if not chosen.paths:
        report = without_home(report)
    print(json.dumps(report, indent=1, ensure_ascii=False) if chosen.json else "\n".join(lines(report)))
    return int(TROUBLE in report["example"])


def examine(model: str, weights: str | None = None) -> Report:
    """Everything that is looked at, ready for JSON. What is wrong with a part is its "trouble", a sentence.

    Args:
        model: a name that `parsing.load` takes.
        weights: a model folder, or None for PARSING_WEIGHTS and the cache.
    """
    official = {row.official for row in MODELS.values() if row.weights == "folder"}
    if model in MODELS and MODELS[model].weights == "folder":
        official = {MODELS[model].official}
    return {
        "program": _program(),
        "packages": {name: _version(name) for name in PACKAGES},
        "machine": _guarded(_machine),
        "weights": {name: _guarded(partial(_weights, name, weights)) for name in sorted(official)},
        "hub": _guarded(_hub),
        "example": _guarded(partial(_example, model, weights)),
    }


def _program() -> Report:
    return {"version": parsing.__version__, "python": platform.python_version(), "system": platform.platform()}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _machine() -> Report:
    cache = cache_folder("")
    there = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    machine: Report = {
        "cores": usable_cores(),
        "bfloat16": has_bfloat16(),
        "free memory, MB": round(free_memory()),
        "cache": str(cache),
        "free disk, MB": round(shutil.disk_usage(there).free / 1e6),
        "kernels": "PyTorch's own",
    }
    if _version("torch"):
        from parsing.models.m2fp import kernels

        if kernels.library() is not None:
            machine["kernels"] = f"compiled, {kernels.vector_length()} floats at a time"
    if machine["free disk, MB"] * 1e6 < store.DISK_BYTES:
        machine[TROUBLE] = f"M2FP's weights need {store.DISK_BYTES / 1e9:.1f} GB of disk while they are fetched."
    return machine


def _weights(name: str, given: str | None) -> Report:
    arriving = cache_folder(name) / "download"
    found: Report = {}
    if begun := sum(file.stat().st_size for file in arriving.rglob("*") if file.is_file()):
        found["download begun, MB"] = round(begun / 1e6)
    folder = store.local_folder(name, given)
    if folder is None:
        cached = cache_folder(name)
        if cached.is_dir() and any(file.suffix in (".safetensors", ".json") for file in cached.iterdir()):
            return {**found, "folder": str(cached), TROUBLE: "The cache is not complete; the next start fetches it again."}
        return {**found, "folder": None}
    file = next(folder / file for file in (store.SLIM, store.CHECKPOINT) if (folder / file).is_file())
    found |= {"folder": str(folder), "file": file.name, "size, MB": round(file.stat().st_size / 1e6, 1)}
    try:
        found |= _inside(folder, single_person=name == "m2fp-single")
    except (OSError, ValueError, ImportError) as error:
        found[TROUBLE] = str(error)
    return found


def _inside(folder: Path, single_person: bool) -> Report:
    with needs("m2fp"):
        from parsing.models.m2fp.m2fp import open_folder, parse_config, weight_shapes

    held = {name: tuple(weight.shape) for name, weight in store.read_weights(folder).items()}
    inside: Report = {"entries": len(held)}
    section = store.read_configuration(folder)
    config = parse_config(section, single_person, held)
    wanted = weight_shapes(config)
    kinds = {
        "missing": [name for name in wanted if name not in held],
        "of another shape": [name for name in wanted if name in held and held[name] != wanted[name]],
        "not of the network": [name for name in held if name not in wanted and not name.endswith("num_batches_tracked")],
    }
    inside |= {kind: [len(names), *names[:SHOWN]] for kind, names in kinds.items()}
    inside["configuration"] = _described(config)
    said = ModelConfig.from_dict(section, single_person)
    if said.network != config.network:
        own, read = asdict(config.network), asdict(said.network)
        inside["sizes that the file has otherwise"] = {size: [read[size], own[size]] for size in own if own[size] != read[size]}
    try:
        open_folder(folder, single_person)
    except store.WeightsError as error:
        inside[TROUBLE] = str(error)
    return inside


def _described(config: ModelConfig) -> Report:
    whole = asdict(config)
    return {**whole, "classes": [part.name for part in config.classes]}


def _hub() -> Report:
    if os.environ.get("PARSING_MIRROR"):
        return {"answer": "not asked: PARSING_MIRROR names a mirror"}
    start = time.perf_counter()
    try:
        model = hub.check("m2fp", HUB_SECONDS)
    except hub.HubError as error:
        return {"address": hub.endpoint(), TROUBLE: str(error)}
    return {"address": hub.endpoint(), "answer": f"has {model}", "seconds": round(time.perf_counter() - start, 2)}


def _example(name: str, weights: str | None) -> Report:
    row = find_model(name, weights)
    example: Report = {"model": row.name}
    folder = store.local_folder(row.official, weights) if row.weights == "folder" else weights
    if row.weights == "folder" and folder is None:
        return {**example, TROUBLE: f"The weights of {row.name} are not on this machine; its first start downloads them."}
    photo = next(iter(find_examples()), None)
    if photo is None:
        return {**example, TROUBLE: "The example photos are missing; install the package again."}
    with mute():
        parser = parsing.load(row.name, weights=folder)  # named, a damaged cache is not fetched again
        parsed = parser(photo)
    return {
        **example,
        "title": parser.title,
        "photo": photo.name,
        "people": len(parsed.people),
        "parts": sorted({part.name for part in parsed.parts}),
        "milliseconds": {stage: round(time) for stage, time in parsed.timings.items()},
    }


def _guarded(look: Callable[[], Report]) -> Report:
    """What a look gives; where it fails, why: one part of the report never costs the others."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001, see above
        return {TROUBLE: explain(error)}


def without_home(report: Any) -> Any:
    """The same report, the home folder written as `~`."""
    if isinstance(report, dict):
        return {key: without_home(value) for key, value in report.items()}
    if isinstance(report, list):
        return [without_home(value) for value in report]
    home = str(Path.home())
    return report.replace(home, "~") if isinstance(report, str) and home != os.sep else report


def lines(report: Report) -> Iterator[str]:
    """The report for people: a line a part, indented as it is nested, a mark where something is wrong."""
    for name, value in report.items():
        yield from _lines(name, value, "")


def _lines(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        yield f"{indent}{name}"
        for inner, one in value.items():
            yield from _lines(inner, one, indent + "  ")
        return
    if isinstance(value, list | tuple):
        text = ", ".join(map(str, value))
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    else:
        text = "none" if value is None else str(value)
    yield one_line(f"{indent}{'! ' if name == TROUBLE else name + ': '}{text}")
