"""Stands in for the reference environment's Python: runs the worker that it is given, with a pipeline like ModelScope's.

The network and its post-processing are ModelScope's own class; the pipeline around it, which needs the old packages, is retold.
A white photo runs out of memory.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image


class Pipeline:
    """As `modelscope.pipelines.cv.ImageHumanParsingPipeline`, as far as the worker looks."""

    def __init__(self, folder: str) -> None:
        from benchmarks.modelscope_network import load_class

        section = json.loads(Path(folder, "configuration.json").read_text())["model"]
        self.model = load_class()(folder, **{name: value for name, value in section.items() if name != "type"}).eval()

    def __call__(self, photo: Image.Image) -> dict[str, Any]:
        if np.asarray(photo).min() == 255:
            os.kill(os.getpid(), signal.SIGKILL)
        width, height = photo.size
        scale = min(640 / min(width, height), 1333 / max(width, height))
        resized = photo.resize((int(width * scale + 0.5), int(height * scale + 0.5)), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1).float()
        with torch.no_grad():
            raw = self.model({"batched_inputs": [{"width": width, "height": height, "image": pixels}]})
            return self.postprocess(self.model.postprocess(raw))

    def postprocess(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """From the network's instances to lists of names, scores and masks."""
        print("ModelScope says something here")
        found = inputs["eval_result"][0]["parsing"]
        instances = found["part_outputs"] + found["human_outputs"]
        return {
            "labels": [self.model.classes[instance["category_id"]] for instance in instances],
            "scores": [instance["score"] for instance in instances],
            "masks": [(instance["mask"] > 0).float().numpy() for instance in instances],
        }


def pipeline(task: str, model: str, device: str) -> Pipeline:
    """As ModelScope's function."""
    assert (task, device) == ("image-segmentation", "cpu")
    return Pipeline(model)


def main() -> None:
    """Runs `-I SCRIPT FOLDER`."""
    isolated, script, *rest = sys.argv[1:]
    assert isolated == "-I"
    pipelines = ModuleType("modelscope.pipelines")
    pipelines.pipeline = pipeline
    sys.modules["modelscope.pipelines"] = pipelines
    sys.argv = [script, *rest]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
