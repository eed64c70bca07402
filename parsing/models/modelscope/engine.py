"""M2FP as ModelScope's own pipeline computes it, for comparison: the reference engine.

The pipeline needs mmcv-full, Python 3.10 and torch 1.13 (`requirements-reference.txt`), which must not mix with the app's
packages. So it lives in an environment of its own, made by `make reference`, and in a process of its own, `worker`.
The weights are read here, safely, and handed over: that old torch would run whatever code a checkpoint brings along.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import subprocess
import tempfile
import weakref
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray

from parsing.labels import HUMAN, PARTS, Part
from parsing.memory import peak_memory
from parsing.models.m2fp import weights as store
from parsing.models.m2fp.decode import layer_people, owners
from parsing.models.m2fp.m2fp import open_folder
from parsing.models.modelscope import worker
from parsing.result import Parsing, Segment
from parsing.stages import OnStage, Stage, Stages

NAME: Final = "modelscope"
PYTHON: Final = Path(__file__).parents[3] / ".venv-reference" / "bin" / "python"
"""Of the environment that `make reference` makes."""
STAGES: Final = ("prepare", "network", "decode")

REPAIR: Final = "delete the folder .venv-reference and run 'make reference' again"
KILLED: Final = -9
"""Exit status of a process that Linux has stopped, which it does where memory runs out."""
SMALLER: Final = "the memory is not enough for this photo, of which it keeps all masks at once; make it smaller"
SOLUTIONS: Final = (
    (r"No module named 'mmcv\._ext'", f"its mmcv-full lacks the compiled part; {REPAIR}, where there is a C++ compiler"),
    (r"No module named 'pkg_resources'", "its setuptools is too new; in its environment, run: pip install 'setuptools<66'"),
    (r"(?:No module named '|requires the )([\w.]+)", f"its package {{}} is missing; {REPAIR}"),
    (r"tuple index out of range", f"its torch is too new for ModelScope 1.9.5, which needs torch 1.13.1; {REPAIR}"),
    (r"allocate memory|MemoryError", SMALLER),
)
"""What a process's last words look like, and what to say after "The reference engine has ended:"; the first that fits."""

log = logging.getLogger(__name__)


class EngineError(OSError):
    """The reference engine is not installed, or has ended; the message is one sentence for the user."""


class ModelScope:
    """Parses photos with ModelScope's pipeline; stands behind a `Parser`, which lets in one photo at a time.

    A photo that ends the process gets an error, the next one a new process.

    Attributes:
        name: "modelscope".
        title: what a page calls it.
        classes: what its configuration calls the classes.
        peak: most megabytes that the process had resident during the last photo; 0 where the system does not tell.
    """

    name = NAME
    title = "M2FP, ModelScope's own pipeline (official, CC BY-NC)"

    def __init__(self, folder: Path) -> None:
        """Starts the process with a model folder's weights, and waits until they are loaded.

        Raises:
            WeightsError: the weights are damaged, unsafe or of another network; one sentence for the user.
            EngineError: the process cannot be started, or has ended; likewise.
        """
        self.peak = 0.0
        self._folder = folder
        self._engine = Engine(folder)
        self.classes = self._engine.config.classes

    @classmethod
    def load(cls, weights: str | os.PathLike[str] | None = None, progress: store.Progress | None = None) -> ModelScope:
        """Loads the model of several people from a folder, from the cache, or from ModelScope; arguments as of `M2FP.load`.

        Raises:
            WeightsError, EngineError: as above.
        """
        find_python()  # before a download
        folder = store.local_folder("m2fp", weights)
        return cls(folder or store.fetch("m2fp", lambda fetched: open_folder(fetched, single_person=False)[1], progress))

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        """Parses one RGB uint8 (H, W, 3) picture; raises `EngineError` where the process ends over it."""
        if not self._engine.is_alive():
            self._engine = Engine(self._folder)
        Stages(on_stage).tell(Stage("network"))  # the process does not say when it comes to which
        answer, self.peak = self._engine.parse(image)
        return read_answer(answer, self._engine.config.num_parts, self.classes)


class Engine:
    """A process of `worker`, loaded and waiting; it ends with this object, or with the program.

    Attributes:
        config: what the model's configuration says.
    """

    def __init__(self, folder: Path) -> None:
        """Starts it with a model folder's weights; raises what `ModelScope` does."""
        python = find_python()
        self.config, weights = open_folder(folder, single_person=False)
        if not self.config.instances:
            raise store.WeightsError("These weights tell no people apart; the reference engine is for those that do.")
        self._words = tempfile.TemporaryFile()  # noqa: SIM115, it is there as long as the process
        with tempfile.TemporaryDirectory(prefix="parsing-") as temporary:
            torch.save({"model": weights}, Path(temporary, store.CHECKPOINT))
            Path(temporary, store.CONFIGURATION).write_text(
                store.configuration_with_sizes(folder, self.config.network), encoding="utf-8"
            )
            command = [str(python), "-I", worker.__file__, temporary]
            try:
                self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words)
            except OSError as error:
                raise EngineError(f"The reference environment's Python cannot be started; {REPAIR}.") from error
            self._end = weakref.finalize(self, _end, self._process)
            self._receive()

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def parse(self, photo: NDArray[np.uint8]) -> tuple[dict[str, NDArray[Any]], float]:
        """What `worker.WatchedPipeline` says of an RGB uint8 (H, W, 3) photo, and the most megabytes it had resident."""
        peak_memory(self._process.pid, restart=True)
        with contextlib.suppress(OSError):  # whoever does not read has ended, and below it shows why
            worker.send(cast(BinaryIO, self._process.stdin), photo=photo)
        return self._receive(), peak_memory(self._process.pid)

    def _receive(self) -> dict[str, NDArray[Any]]:
        try:
            return worker.receive(cast(BinaryIO, self._process.stdout))
        except EOFError:
            status = self._process.wait()
            self._end()
            self._words.seek(0)
            words = self._words.read().decode(errors="replace").strip()
            log.debug("the reference engine has ended with status %d:\n%s", status, words)
            raise EngineError(f"The reference engine has ended: {explain(status, words)}.") from None


def find_python() -> Path:
    """The Python of the reference environment: what PARSING_REFERENCE names, else that of `make reference`.

    Raises:
        EngineError: there is none.
    """
    python = Path(os.environ.get("PARSING_REFERENCE") or PYTHON)
    if not python.is_file():
        raise EngineError(
            "The reference engine is not installed: run 'make reference', or set PARSING_REFERENCE to its environment's Python."
        )
    return python


def explain(status: int, words: str) -> str:
    """Why a process has ended, and what to do.

    Args:
        status: its exit status, negative the signal that ended it.
        words: what it wrote to standard error.
    """
    if status == KILLED:
        return SMALLER
    last = "\n".join(words.splitlines()[-3:])  # an exception's message may take a few lines
    for pattern, solution in SOLUTIONS:
        if found := re.search(pattern, last):
            return solution.format(*found.groups())
    kind = re.search(r"^[A-Z]\w+(?=:|$)", last, re.MULTILINE)
    return f"the reason is not known ({kind.group() if kind else f'status {status}'}); {REPAIR}"


def read_answer(answer: dict[str, NDArray[Any]], num_parts: int, classes: tuple[Part, ...] = PARTS) -> Parsing:
    """From what `worker.WatchedPipeline` says of a photo to what `M2FP` says of it.

    Args:
        answer: the arrays.
        num_parts: the class of this index is a whole person.
        classes: the model's table.
    """
    labels, found, masks = answer["labels"], answer["classes"], answer["masks"]  # found: (N,) the class of each mask
    part_places, person_places = np.flatnonzero(found != num_parts).tolist(), np.flatnonzero(found == num_parts).tolist()
    overlaps = [[int(np.bitwise_count(masks[part] & masks[person]).sum()) for person in person_places] for part in part_places]

    def segment(place: int, label: int, person: int | None) -> Segment:
        mask = np.unpackbits(masks[place], axis=1, count=labels.shape[1]).view(bool)
        return Segment.from_mask(mask, label, float(answer["scores"][place]), person)

    people = [segment(place, HUMAN, number) for number, place in enumerate(person_places, start=1)]
    owned = zip(part_places, owners(torch.tensor(overlaps)), strict=True)
    parts = [segment(place, int(found[place]), owner) for place, owner in owned]
    timings = dict(zip(STAGES, answer["milliseconds"].tolist(), strict=True))
    return Parsing(labels, parts, people, NAME, timings, layer_people(parts, people, labels.shape), classes)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process, which has nothing to lose, and closes its pipes."""
    process.kill()
    process.communicate()
