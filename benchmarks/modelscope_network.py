"""ModelScope's own M2FP, as its package has it, for comparison: the class, the steps of its pipeline, and nothing else.

The pipeline itself needs mmcv-full, which does not build against a current torch, and a dozen packages more. On a CPU, what it
takes from mmcv is one function in plain PyTorch, the weighted sum of deformable attention; it stands here. Packages whose
`__init__` would import the rest are passed by.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

PASSED_BY = (
    "models",
    "models.cv",
    "models.cv.image_human_parsing",
    "models.cv.image_human_parsing.m2fp",
    "models.cv.image_human_parsing.backbone",
    "models.cv.image_instance_segmentation",
    "models.cv.image_instance_segmentation.maskdino",
    "models.cv.image_colorization",
    "models.cv.image_colorization.ddcolor",
    "models.cv.image_colorization.ddcolor.utils",
)


def sum_of_samples(value: Tensor, sizes: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Deformable attention's sum by `grid_sample`. Values (B, T, heads, C), places (B, Q, heads, levels, points, 2), 0 to 1."""
    batch, _, heads, channels = value.shape
    queries, levels, points = places.shape[1], places.shape[3], places.shape[4]
    samples = []
    for level, part in enumerate(value.split([int(height * width) for height, width in sizes], dim=1)):
        height, width = map(int, sizes[level])
        picture = part.permute(0, 2, 3, 1).reshape(batch * heads, channels, height, width)
        grid = 2 * places[:, :, :, level].transpose(1, 2).flatten(0, 1) - 1  # (B * heads, Q, points, 2)
        samples.append(functional.grid_sample(picture, grid, align_corners=False))  # (B * heads, C, Q, points)
    shares = weights.transpose(1, 2).reshape(batch * heads, 1, queries, levels * points)
    mixed = (torch.stack(samples, dim=-2).flatten(-2) * shares).sum(-1)  # (B * heads, C, Q)
    return mixed.view(batch, heads * channels, queries).transpose(1, 2).contiguous()


def load_class() -> type[torch.nn.Module]:
    """ModelScope's class `M2FP`."""
    package = importlib.util.find_spec("modelscope")
    if package is None or package.origin is None:
        raise SystemExit("ModelScope's package is missing; install requirements.txt.")
    root = Path(package.origin).parent

    class CompiledSum:
        """What mmcv has for a GPU; ModelScope's code takes the plain function where this fails."""

        @staticmethod
        def apply(*_: object) -> None:
            raise RuntimeError("not compiled")

    def module(name: str, **contents: Any) -> ModuleType:
        made = ModuleType(name)
        vars(made).update(contents)
        sys.modules[name] = made
        return made

    class Registry:
        def register_module(self, *_: object, **__: object) -> Any:
            return lambda registered: registered

    class TorchModel(torch.nn.Module):
        def __init__(self, model_dir: str) -> None:
            super().__init__()

    module("mmcv")
    module("mmcv.ops")
    module(
        "mmcv.ops.multi_scale_deform_attn",
        MultiScaleDeformableAttnFunction=CompiledSum,
        multi_scale_deformable_attn_pytorch=sum_of_samples,
    )
    for name in PASSED_BY:
        module(f"modelscope.{name}").__path__ = [str(root.joinpath(*name.split(".")))]
    module("modelscope.models.base", TorchModel=TorchModel, Tensor=Tensor)
    module("modelscope.models.builder", MODELS=Registry())
    helpers = root / "models/cv/image_instance_segmentation/maskdino_swin.py"  # of which one class is used
    source = helpers.read_text(encoding="utf-8")
    images = module("modelscope.models.cv.image_instance_segmentation.maskdino_swin", torch=torch, F=functional)
    exec(compile(source[source.index("class ImageList") :], str(helpers), "exec"), vars(images))
    from modelscope.models.cv.image_human_parsing.backbone import deeplab_resnet

    build = deeplab_resnet.build_resnet_deeplab_backbone
    sys.modules["modelscope.models.cv.image_human_parsing.backbone"].build_resnet_deeplab_backbone = build
    from modelscope.models.cv.image_human_parsing.m2fp_net import M2FP

    return M2FP


class ModelScopeParser:
    """Does what ModelScope's pipeline does with a photo, step for step."""

    def __init__(self, folder: str) -> None:
        section = json.loads((Path(folder) / "configuration.json").read_text())["model"]
        self.network = load_class()(folder, **{name: value for name, value in section.items() if name != "type"}).eval()

    def __call__(self, photo: Image.Image) -> dict[str, float]:
        """Milliseconds by stage."""
        start = time.perf_counter()
        width, height = photo.size
        scale = min(640 / min(width, height), 1333 / max(width, height))
        resized = photo.resize((int(width * scale + 0.5), int(height * scale + 0.5)), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1).contiguous().float()
        prepared = time.perf_counter()
        with torch.no_grad():
            raw = self.network({"batched_inputs": [{"width": width, "height": height, "image": pixels}]})
            computed = time.perf_counter()
            found = self.network.postprocess(raw)["eval_result"][0]["parsing"]
            masks = [(one["mask"] > 0).float().numpy() for one in found["part_outputs"] + found["human_outputs"]]
        del masks
        finished = time.perf_counter()
        stages = {"prepare": prepared - start, "network": computed - prepared, "decode": finished - computed}
        return {stage: seconds * 1000 for stage, seconds in stages.items()}
