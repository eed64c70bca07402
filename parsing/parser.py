"""`load` and `Parser`: from a model's name to a function that parses photos."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from parsing.image import ImageSource, open_image
from parsing.labels import Part
from parsing.models import Model, ModelOptions, find_model
from parsing.models.m2fp.weights import Progress
from parsing.result import Parsing
from parsing.stages import OnStage, Stages

Source = TypeVar("Source", bound=ImageSource)


@dataclass(frozen=True, eq=False)
class Outcome(Generic[Source]):
    """What became of one of several photos.

    Attributes:
        image: as it was given.
        photo: RGB uint8 (H, W, 3); None where something went wrong.
        parsing: None likewise.
        error: what went wrong, an `ImageError` where the photo could not be opened; else None.
    """

    image: Source
    photo: NDArray[np.uint8] | None = None
    parsing: Parsing | None = None
    error: Exception | None = None


class Parser:
    """Parses photos with one model. Thread-safe: one photo at a time has all cores, others wait their turn."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def title(self) -> str:
        """What the page calls the model."""
        return self.model.title

    @property
    def classes(self) -> tuple[Part, ...]:
        """The classes of the model's label map, background first."""
        return self.model.classes

    def __call__(self, image: ImageSource, on_stage: OnStage | None = None) -> Parsing:
        """Parses a photo.

        Args:
            image: a path, the bytes of an image file, a PIL image, or an RGB uint8 array (H, W, 3).
            on_stage: told each stage as it begins: "open", then the model's own.

        Raises:
            ImageError: it is not an image, it is damaged, or it is too large; the message is one sentence for the user.
        """
        return self._open_and_parse(image, on_stage)[1]

    def map(self, images: Iterable[Source]) -> Iterator[Outcome[Source]]:
        """Parses several photos, in the order given; while the model works on one, the next is opened and the caller draws the
        one before. At most four are in memory, whatever their number. One that fails does not stop the others.
        """

        def parse(image: Source) -> Outcome[Source]:
            try:
                return Outcome(image, *self._open_and_parse(image))
            except Exception as error:  # noqa: BLE001, the caller gets it, and the other photos go on
                return Outcome(image, error=error)

        pending: deque[Future[Outcome[Source]]] = deque()
        remaining = iter(images)
        with ThreadPoolExecutor(2, "photo") as threads:
            try:
                while True:
                    pending.extend(threads.submit(parse, image) for image in itertools.islice(remaining, 3 - len(pending)))
                    if not pending:
                        return
                    yield pending.popleft().result()
            finally:  # whoever stops asking waits for no more than the photos at work
                for future in pending:
                    future.cancel()

    def _open_and_parse(self, image: ImageSource, on_stage: OnStage | None = None) -> tuple[NDArray[np.uint8], Parsing]:
        stages = Stages(on_stage)
        with stages("open"):
            photo = open_image(image)
        with self._lock:
            parsing = self.model(photo, on_stage)
        return photo, replace(parsing, timings={**stages.timings, **parsing.timings})


def load(
    name: str = "auto",
    *,
    weights: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    precision: str = "auto",
    size: str = "official",
) -> Parser:
    """Loads a model.

    Args:
        name: one of `parsing.models.NAMES`: "lite", embedded in this package; "m2fp", several people, or "m2fp-single", one
            person, with the official weights; "m2fp-onnx", m2fp as `python -m parsing export` wrote it, run by ONNX Runtime;
            "modelscope", m2fp as ModelScope's own pipeline computes it, in the environment that `make reference` sets up;
            "auto" is "m2fp" where its weights are given or already on this machine, else "lite".
        weights: a local ModelScope model folder for one of the M2FP models; None for the environment variable PARSING_WEIGHTS,
            the cache, or, unless the name is "auto", a download. For "m2fp-onnx" the file that was exported.
        progress: told how far a download is: bytes that are there, bytes in all.
        precision: of M2FP's arithmetic: "auto" and "fp32" give ModelScope's numbers; "bf16" takes a third less time where the
            processor has bfloat16 instructions, and gives nearly the same picture. `lite` has one precision.
        size: of M2FP's input: "official" has a short side of 640 pixels, "balanced" 512, "fast" 384. `lite` has one size.

    Raises:
        ValueError: there is no such model, precision or size, or an option was given to a model that does not have it.
        OSError: the weights cannot be found or read.
        ImportError: the model needs packages that are not installed; the message says which extra brings them.
    """
    options = ModelOptions(weights, progress, precision, size)
    row = find_model(name, weights)
    if name == "auto" and row.name == "lite":
        options = ModelOptions()  # what was asked of M2FP does not stand in its way
    row.check(options)
    return Parser(row.load(options))
