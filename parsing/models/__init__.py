"""The table of models: what each is called, which options it takes, and how it is loaded.

`parsing.load`, the command line, `python app.py`, REST and the page's menu read it. A model is added by a file with a class
that is a `Model`, and by a row in `MODELS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from parsing.extras import needs
from parsing.labels import LIP_PARTS, PARTS, Part
from parsing.models.m2fp.network.config import PRECISIONS as M2FP_PRECISIONS
from parsing.models.m2fp.network.config import SHORT_SIDES
from parsing.models.m2fp.weights import Progress, local_folder
from parsing.result import Parsing
from parsing.stages import OnStage

PRECISIONS: Final = M2FP_PRECISIONS
"""Of a model's arithmetic; "auto" is the one that gives its own numbers."""
SIZES: Final = tuple(SHORT_SIDES)
"""Of a model's input."""
GIGABYTE: Final = 1 << 30


class Model(Protocol):
    """What stands behind a `Parser`. Its result has every field filled, timings from the model's own stages only."""

    @property
    def name(self) -> str:
        """The name in the table."""

    @property
    def title(self) -> str:
        """What the page calls it."""

    @property
    def classes(self) -> tuple[Part, ...]:
        """The classes of its label map, background first."""

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        """Parses one RGB uint8 (H, W, 3) picture; tells each of its stages as it begins."""


@runtime_checkable
class HasBfloat16(Protocol):
    """A model that can compute in bfloat16, too."""

    def in_bfloat16(self) -> Model:
        """The same model in bfloat16; what stays float32 is shared."""


@dataclass(frozen=True)
class ModelOptions:
    """How a model is to be loaded.

    Attributes:
        weights: a model folder, or the exported file for "m2fp-onnx"; None for PARSING_WEIGHTS, the cache, or a download.
        progress: told how far a download is: bytes that are there, bytes in all.
        precision: one of `PRECISIONS`.
        size: one of `SIZES`.
    """

    weights: str | os.PathLike[str] | None = None
    progress: Progress | None = None
    precision: str = "auto"
    size: str = "official"


@dataclass(frozen=True)
class ModelRow:
    """A row of the table: a model and what it can do.

    Attributes:
        name: what `load`, `--model` and REST call it.
        title: what the page calls it while it is not loaded; a loaded model has its own title, which may say more.
        load: makes the model; imports what that needs. It raises OSError or ImportError with a sentence for the user.
        weights: where they are: "inside" this package, in a ModelScope "folder", or in a "file" that has to be named.
        official: the official weights that a folder may be left out for, by their name in the cache.
        precisions: of its arithmetic.
        sizes: of its input.
        limits: what is said to those who ask for another precision or size.
        memory: bytes that a process with it needs.
        classes: of its label map, by the data set that it was trained on; a loaded model may know better.
    """

    name: str
    title: str
    load: Callable[[ModelOptions], Model]
    weights: Literal["inside", "folder", "file"] = "folder"
    official: str = "m2fp"
    precisions: tuple[str, ...] = ("auto",)
    sizes: tuple[str, ...] = ("official",)
    limits: str = "it has one precision and one size"
    memory: int = 5 * GIGABYTE // 2
    classes: tuple[Part, ...] = PARTS

    def check(self, options: ModelOptions) -> None:
        """Raises ValueError, with a sentence for the user, where the model does not take an option."""
        for option, value, known, taken in (
            ("precision", options.precision, PRECISIONS, self.precisions),
            ("size", options.size, SIZES, self.sizes),
        ):
            if value not in known:
                raise ValueError(f"There is no {option} {value!r}; there are {', '.join(known)}.")
            if value not in taken:
                raise ValueError(f"The model {self.name} takes no {option}={value}: {self.limits}.")
        if self.weights == "inside" and options.weights is not None:
            raise ValueError(f"The model {self.name} has its weights inside and takes no weights=; that belongs to m2fp.")
        if self.weights == "file" and options.weights is None:
            raise ValueError(f"The model {self.name} needs weights=, the file that 'python -m parsing export' wrote.")


def _load_lite(_: ModelOptions) -> Model:
    from parsing.models.lite.lite import Lite

    return Lite()


def _load_m2fp(options: ModelOptions) -> Model:
    with needs("m2fp"):
        from parsing.models.m2fp.m2fp import M2FP

    return M2FP.load(options.weights, False, options.progress, options.precision, options.size)


def _load_m2fp_single(options: ModelOptions) -> Model:
    with needs("m2fp"):
        from parsing.models.m2fp.m2fp import M2FP

    return M2FP.load(options.weights, True, options.progress, options.precision)


def _load_m2fp_onnx(options: ModelOptions) -> Model:
    with needs("m2fp"):
        from parsing.models.m2fp.onnx import OnnxM2FP

    assert options.weights is not None  # see `ModelRow.check`
    return OnnxM2FP.load(options.weights, options.size)


def _load_modelscope(options: ModelOptions) -> Model:
    with needs("m2fp"):
        from parsing.models.modelscope.engine import ModelScope

    return ModelScope.load(options.weights, options.progress)


MODELS: Final = {
    row.name: row
    for row in (
        ModelRow("lite", "Lite (embedded)", _load_lite, weights="inside", memory=GIGABYTE),
        ModelRow("m2fp", "M2FP ResNet-101 (official, CC BY-NC)", _load_m2fp, precisions=PRECISIONS, sizes=SIZES),
        ModelRow(
            "m2fp-single",
            "M2FP ResNet-101, one person (official, CC BY-NC)",
            _load_m2fp_single,
            official="m2fp-single",
            precisions=PRECISIONS,
            limits="it has one size of input",
            classes=LIP_PARTS,
        ),
        ModelRow(
            "m2fp-onnx",
            "M2FP ResNet-101, ONNX Runtime (official, CC BY-NC)",
            _load_m2fp_onnx,
            weights="file",
            precisions=("auto", "fp32"),
            sizes=SIZES,
            limits="it computes in fp32",
        ),
        ModelRow("modelscope", "M2FP, ModelScope's own pipeline (official, CC BY-NC)", _load_modelscope),
    )
}
"""The table, by name."""
NAMES: Final = ("auto", *MODELS)
"""What can be asked for."""


def find_model(name: str, weights: str | os.PathLike[str] | None = None) -> ModelRow:
    """The row of a name; "auto" is m2fp where its weights are given or already on this machine, else lite.

    Raises:
        ValueError: there is no such model.
        OSError: a folder was given, but it holds no model.
    """
    if name == "auto":
        name = "lite" if local_folder("m2fp", weights) is None else "m2fp"
    if name not in MODELS:
        raise ValueError(f"There is no model {name!r}; there are {', '.join(NAMES)}.")
    return MODELS[name]
