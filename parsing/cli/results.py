"""From photos to their files, for the command line on one machine and for each worker on many: opening, parsing, drawing,
writing, and the sentence that says what went wrong with one.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from parsing.cli.photos import STDIN, PhotoFile, files_at
from parsing.files import write_file
from parsing.formats.sample import Sample
from parsing.formats.table import FORMATS
from parsing.image import Photo, open_photo
from parsing.memory import is_out_of_memory
from parsing.parser import Parser
from parsing.render import grow_edges, restrict
from parsing.result import Parsing

STDOUT: Final = "-"
"""What stands for standard output where a file or a folder is named."""

Task = tuple[PhotoFile, str | None]
"""A photo and where its results lie below the folder, without a suffix; None for standard output."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a task.

    Attributes:
        task: which.
        trouble: one sentence on what went wrong, "" where nothing did.
        lines: by format, what data sets in one file keep of the photo.
    """

    task: Task
    trouble: str = ""
    lines: dict[str, bytes] = field(default_factory=dict)


def parse_photos(parser: Parser, tasks: Iterable[Task], options: argparse.Namespace) -> Iterator[Done]:
    """Parses photos and writes what was asked for; works ahead: photos are opened and drawn while the model is at others.

    Args:
        parser: the model.
        tasks: which photos, and where to.
        options: kinds, parts and how pictures are drawn, as `python -m parsing` reads them.

    Yields:
        What became of each task; one that fails does not stop the others.
    """

    def opened(task: Task) -> Photo:
        path = task[0].path
        with mute():
            return open_photo(sys.stdin.buffer.read() if path == STDIN else path)

    for outcome in parser.map(tasks, opened):
        task = outcome.source
        if outcome.photo is None or outcome.parsing is None:
            yield Done(task, explain(outcome.error))
            continue
        try:
            lines = write_results(outcome.photo.pixels, outcome.parsing, task, options)
        except BrokenPipeError:  # nobody reads standard output any more
            raise
        except Exception as error:  # noqa: BLE001, whatever it is, the other photos go on
            yield Done(task, explain(error))
        else:
            yield Done(task, lines=lines)


def write_results(pixels: NDArray[np.uint8], parsing: Parsing, task: Task, options: argparse.Namespace) -> dict[str, bytes]:
    """Writes a photo's results, one for each format asked for; to standard output where there are no files.

    Returns:
        By format, the line that a data set in one file keeps of the photo.
    """
    photo, place = task
    forms = [FORMATS[kind] for kind in options.kinds]
    separate = [form for form in forms if not form.gather]
    files = None if place is None else files_at(place, Path(options.output), [form.suffix for form in separate])
    chosen = restrict(parsing, options.parts, options.person) if options.parts or options.person else parsing
    sample = Sample(
        pixels,
        grow_edges(chosen, options.grow),
        photo.name,
        photo.folder,
        os.path.dirname(os.path.abspath(files[0])) if files else None,
        options.opacity,
        options.palette,
        options.view,
        options.feather,
        options.crop,
        options.color,
    )
    if files is None:
        sys.stdout.buffer.write(forms[0].make_file(sample))
        sys.stdout.buffer.flush()
        return {}
    lines = {form.name: form.encode(sample) for form in forms if form.gather}
    for file, form in zip(files, separate, strict=True):
        make_folder(file.parent)
        put_file(form.encode(sample), file)
    return lines


def explain(error: Exception | None) -> str:
    """What went wrong, in one sentence for the user."""
    if isinstance(error, ValueError | OSError | ImportError):
        return str(error)
    if error is not None and is_out_of_memory(error):
        return "The memory is not enough for this photo; make it smaller."
    logging.getLogger(__name__).debug("unexpected", exc_info=True)
    return f"The program itself failed ({type(error).__name__}: {error}); please report this."


@contextmanager
def mute() -> Iterator[None]:
    """Drops what libraries write to standard error by themselves; libtiff, for one, comments on every damaged file."""
    sys.stderr.flush()
    speaking = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    os.close(silence)
    try:
        yield
    finally:
        os.dup2(speaking, 2)
        os.close(speaking)


def make_folder(folder: Path) -> None:
    """Makes the folder where there is none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"The folder {folder.name!r} cannot be made: {error.strerror or error}.") from error


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Around whatever writes a file: its OSError becomes one with a sentence for the user."""
    try:
        yield
    except OSError as error:
        raise OSError(f"The file {file.name!r} cannot be written: {error.strerror or error}.") from error


def put_file(content: bytes, file: Path) -> None:
    """Writes a result; raises OSError with a sentence for the user."""
    with writing(file):
        write_file(content, file)
