"""`load` and `Parser`: from a model's name to a function that parses photos."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, overload

from parsing.image import ImageSource, Photo, open_photo
from parsing.labels import Part
from parsing.models import Model, ModelOptions, find_model
from parsing.models.m2fp.weights import Progress
from parsing.result import Parsing
from parsing.stages import OnStage, Stage, Stages

Source = TypeVar("Source")
Image = TypeVar("Image", bound=ImageSource)


@dataclass(frozen=True, eq=False)
class Outcome(Generic[Source]):
    """What became of one of several photos.

    Attributes:
        source: what was given.
        photo: as it was opened; None where something went wrong.
        parsing: None likewise.
        error: what went wrong, an `ImageError` where the photo could not be opened; else None.
    """

    source: Source
    photo: Photo | None = None
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
            image: a path, the bytes of an image file, a PIL image, an RGB uint8 array (H, W, 3), or what `open_photo` gave.
            on_stage: told each stage as it begins: "open", unless the photo is open, then the model's own.

        Raises:
            ImageError: it is not an image, it is damaged, or it is too large; the message is one sentence for the user.
        """
        if not isinstance(image, Photo):
            Stages(on_stage).tell(Stage("open"))
        photo = open_photo(image)
        with self._lock:
            parsing = self.model(photo.pixels, on_stage)
        return replace(parsing, timings={"open": photo.milliseconds, **parsing.timings})

    @overload
    def map(self, sources: Iterable[Image]) -> Iterator[Outcome[Image]]: ...

    @overload
    def map(self, sources: Iterable[Source], opened: Callable[[Source], Photo]) -> Iterator[Outcome[Source]]: ...

    def map(self, sources: Iterable[Any], opened: Callable[[Any], Photo] = open_photo) -> Iterator[Outcome[Any]]:
        """Parses several photos, in the order given. While the model works on one, the caller draws the one before, and opens
        the next by asking for more. At most four are in memory, whatever their number. One that fails does not stop the others.

        Args:
            sources: what `opened` takes.
            opened: opens one, in the caller's thread; by default whatever `open_photo` takes.
        """

        def parse(source: Any, photo: Photo) -> Outcome[Any]:
            try:
                return Outcome(source, photo, self(photo))
            except Exception as error:  # noqa: BLE001, the caller gets it, and the other photos go on
                return Outcome(source, error=error)

        def begin(source: Any) -> Future[Outcome[Any]]:
            try:
                photo = opened(source)
            except Exception as error:  # noqa: BLE001, likewise
                refused: Future[Outcome[Any]] = Future()
                refused.set_result(Outcome(source, error=error))
                return refused
            return thread.submit(parse, source, photo)

        pending: deque[Future[Outcome[Any]]] = deque()
        remaining = iter(sources)
        with ThreadPoolExecutor(1, "photo") as thread:
            try:
                while True:
                    pending.extend(begin(source) for source in itertools.islice(remaining, 3 - len(pending)))
                    if not pending:
                        return
                    yield pending.popleft().result()
            finally:  # whoever stops asking waits for no more than the photo at work
                for future in pending:
                    future.cancel()


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
