"""M2FP with the official weights (CC BY-NC 4.0, no commercial use): several people, or one (the LIP sibling).

What happens around the network is what ModelScope's pipeline does, so that the picture is the same: the resize of Pillow,
bilinear and antialiased, to a short side of 640; the mean and deviation of ImageNet; zeros right and below to a multiple of 32.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from parsing.files import cache_folder
from parsing.labels import PARTS
from parsing.models.m2fp import weights as store
from parsing.models.m2fp.decode import decode_instances, decode_pixels
from parsing.models.m2fp.download import DOCTOR
from parsing.models.m2fp.masks import Placement
from parsing.models.m2fp.network.config import SHORT_SIDES, ModelConfig
from parsing.models.m2fp.network.m2fp import STRIDE, M2FPNetwork
from parsing.models.m2fp.network.worker import compute
from parsing.result import Parsing
from parsing.stages import OnStage, Stages

Network = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From pictures (B, 3, H, W) to class logits (B, Q, classes + 1) and mask logits (B, Q, H/4, W/4), all float32."""

ASPECT: Final = 1333 / 640
"""Where the longer side would be more than so many times that, it decides the scale."""
MEAN: Final = (123.675, 116.28, 103.53)
DEVIATION: Final = (58.395, 57.12, 57.375)
CANVAS_GREY: Final = 128
"""What surrounds a single person on its canvas."""


class Pipeline:
    """What happens around M2FP's network, whoever computes that; stands behind a `Parser`, which lets in one photo at a time.

    Attributes:
        name: of the model, as in `parsing.models`.
        title: what the page calls it.
        classes: of its label map.
        config: what the model's configuration says.
        network: the network, ready for inference.
        short_side: one of `SHORT_SIDES`.
        note: what the title says of precision and size.
    """

    def __init__(
        self, name: str, config: ModelConfig, network: Network, short_side: int = SHORT_SIDES["official"], note: str = ""
    ) -> None:
        self.config = config
        self.network = network
        self.short_side = short_side
        self.note = note
        self.classes = config.classes
        self.name = name
        single = ", one person" if config.single_person else ""
        self.title = f"M2FP ResNet-{config.network.depth}{single}{note} (official, CC BY-NC)"

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        """Parses one RGB uint8 (H, W, 3) picture; tells its stages."""
        return compute(self._parse, image, Stages(on_stage))

    def _parse(self, image: NDArray[np.uint8], stages: Stages) -> Parsing:
        config = self.config
        with stages("prepare"):
            pixels, box = centre(image, config.canvas) if config.single_person else scale(image, self.short_side)
            x = to_input(pixels)  # (1, 3, h, w)
            placement = Placement(padded=(x.shape[2], x.shape[3]), box=box, photo=image.shape[:2])
        with stages("network"):
            class_logits, mask_logits = self.network(x)  # (1, Q, classes + 1), (1, Q, h/4, w/4)
        with stages("decode"):
            if config.instances:
                decoded = decode_instances(class_logits[0], mask_logits[0], placement, config.num_parts, config.part_threshold)
            else:
                decoded = decode_pixels(class_logits[0], mask_logits[0], placement)
        return Parsing(
            labels=decoded.labels,
            parts=decoded.parts,
            people=decoded.people,
            model=self.name,
            timings=stages.timings,
            person_of=decoded.person_of,
            classes=self.classes,
        )


class M2FP(Pipeline):
    """M2FP computed by PyTorch and the kernels in C: "m2fp", or "m2fp-single" for one person."""

    network: M2FPNetwork

    def __init__(
        self, config: ModelConfig, network: M2FPNetwork, short_side: int = SHORT_SIDES["official"], note: str = ""
    ) -> None:
        super().__init__("m2fp-single" if config.single_person else "m2fp", config, network, short_side, note)

    @classmethod
    def load(
        cls,
        weights: str | os.PathLike[str] | None = None,
        single_person: bool = False,
        progress: store.Progress | None = None,
        precision: str = "auto",
        size: str = "official",
    ) -> M2FP:
        """Loads the model: from a folder, from the cache, or, where neither has it, from ModelScope into the cache.

        Args:
            weights: a model folder in ModelScope's format; None for PARSING_WEIGHTS, the cache, or a download.
            single_person: the LIP sibling instead of the multi-person model.
            progress: told how far a download is: bytes that are there, bytes in all.
            precision: one of `PRECISIONS`; "fp32" gives ModelScope's numbers, as does "auto"; "bf16" is faster and gives nearly
                the same picture.
            size: one of `SHORT_SIDES`, of the network's input; "official" is ModelScope's, the others are faster and see less.

        Raises:
            WeightsError: the weights are out of reach, damaged, unsafe or of another network; one sentence for the user.
        """
        name = "m2fp-single" if single_person else "m2fp"

        def open_model(folder: Path) -> M2FP:
            config, found = open_folder(folder, single_person)
            network = compute(M2FPNetwork.from_weights, config.network, found, packed=True)
            model = cls(config, network, SHORT_SIDES[size], f", {size}" * (size != "official"))
            return model.in_bfloat16() if precision == "bf16" else model

        folder = store.local_folder(name, weights)
        if weights is None and folder == cache_folder(name):
            try:
                return open_model(folder)
            except store.WeightsError as error:
                store.log.warning("The cached weights are unusable and are fetched again: %s", error)
                store.discard(name)
                folder = None
        if folder is None:
            folder = store.fetch(name, lambda folder: open_folder(folder, single_person)[1], progress)
        return open_model(folder)

    def in_bfloat16(self) -> M2FP:
        """The same model in bfloat16; what stays float32 is shared."""
        return M2FP(self.config, compute(self.network.in_bfloat16), self.short_side, f"{self.note}, bfloat16")


def open_folder(folder: Path, single_person: bool) -> tuple[ModelConfig, dict[str, Tensor]]:
    """A model folder's configuration and its network's weights, float32; where the two differ on sizes, the weights are right.

    Raises:
        WeightsError: a file is missing, damaged or unsafe, the two do not go together, or are of the other model.
    """
    section = store.read_configuration(folder)
    config = parse_config(section, single_person)  # what cannot be meant is said before a large file is opened
    if config.single_person != single_person:
        names = ("m2fp-single", "m2fp") if config.single_person else ("m2fp", "m2fp-single")
        raise store.WeightsError(f"These weights are those of {names[0]}, not of {names[1]}; choose the model {names[0]}.")
    found = store.read_weights(folder)
    config = parse_config(section, single_person, {name: tuple(weight.shape) for name, weight in found.items()})
    return config, store.choose_weights(found, weight_shapes(config))


def parse_config(section: dict[str, Any], single_person: bool, weights: store.Shapes | None = None) -> ModelConfig:
    """What the `model` section of a configuration says; raises `WeightsError` where that cannot be run or shown.

    Args:
        weights: shapes of the weights beside it, which say what the section leaves out; None before they are read, when the
            network's sizes are not yet certain; empty where the section alone says them all, as in an exported file.
    """
    try:
        config = ModelConfig.from_dict(section, single_person, weights)
    except ValueError as error:
        raise store.WeightsError(f"The model's {store.CONFIGURATION} is not one of this network: {error}. {DOCTOR}") from error
    classes = config.num_parts if config.instances else config.network.num_classes
    if classes > len(PARTS):
        raise store.WeightsError(f"The model has {classes} classes of parts, but only {len(PARTS)} can be shown.")
    if classes > config.network.num_classes:
        raise store.WeightsError(
            f"The model's num_parsing is {classes}, but its network knows {config.network.num_classes} classes only."
        )
    told = config.network.num_classes - 1  # the last is Human
    if weights is not None and config.instances and classes < told:
        raise store.WeightsError(f"The model's num_parsing is {classes}, but its network tells {told} classes apart.")
    return config


def scale(
    image: NDArray[np.uint8], short_side: int = SHORT_SIDES["official"]
) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    """Resizes a photo to a short side of 640 pixels, or less where the long side would pass 1333, or in proportion.

    Returns:
        RGB uint8 (h, w, 3) and its own extent x0, y0, x1, y1, as the network's input begins with it.
    """
    height, width = image.shape[:2]
    long_side = round(ASPECT * short_side)
    factor = short_side / min(height, width)
    # In the pipeline's own order of operations: the sizes are rounded from floats.
    new_height, new_width = (short_side, factor * width) if height < width else (factor * height, short_side)
    if max(new_height, new_width) > long_side:
        factor = long_side / max(new_height, new_width)
        new_height, new_width = new_height * factor, new_width * factor
    return _resize(image, max(int(new_width + 0.5), 1), max(int(new_height + 0.5), 1))


def centre(image: NDArray[np.uint8], canvas: tuple[int, int]) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    """Puts a photo into the middle of a grey canvas (width, height), made smaller where it is too large, never larger.

    Returns:
        RGB uint8 (h, w, 3) and the photo's x0, y0, x1, y1 in it. Where less than two pixels are missing both ways, the photo is
        returned without a canvas, as in the pipeline.
    """
    height, width = image.shape[:2]
    if width > canvas[0] or height > canvas[1]:
        fitting_width = int(canvas[1] * width / height)
        if height > canvas[1] and fitting_width <= canvas[0]:
            height, width = canvas[1], max(fitting_width, 1)
        else:
            height, width = max(int(canvas[0] * height / width), 1), canvas[0]
        image, _ = _resize(image, width, height)
    x0, y0 = (canvas[0] - width) // 2, (canvas[1] - height) // 2
    box = (x0, y0, x0 + width, y0 + height)
    if x0 == 0 and y0 == 0:
        return image, box
    around = ((y0, canvas[1] - height - y0), (x0, canvas[0] - width - x0), (0, 0))
    return np.pad(image, around, constant_values=CANVAS_GREY), box


def to_input(pixels: NDArray[np.uint8]) -> Tensor:
    """From RGB uint8 (h, w, 3) to float32 (1, 3, H, W): less the mean, over the deviation, zeros up to multiples of 32."""
    height, width = pixels.shape[:2]
    x = (torch.tensor(pixels) - torch.tensor(MEAN)) / torch.tensor(DEVIATION)  # (h, w, 3)
    x = functional.pad(x, (0, 0, 0, -width % STRIDE, 0, -height % STRIDE))  # (H, W, 3)
    return x.permute(2, 0, 1)[None]  # (1, 3, H, W), channels last in memory


def weight_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight; BatchNorm's counters of training steps are none."""
    with torch.device("meta"):
        entries = M2FPNetwork(config.network).state_dict()
    return {name: tuple(entry.shape) for name, entry in entries.items() if not name.endswith("num_batches_tracked")}


def _resize(image: NDArray[np.uint8], width: int, height: int) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized), (0, 0, width, height)
