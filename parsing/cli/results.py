"""From photos to their files, for the command line on one machine and for each worker on many: opening, parsing, drawing,
writing, and the sentence that says what went wrong with one.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from parsing.cli.photos import STDIN, Photo
from parsing.files import write_file
from parsing.formats.bundle import encode_masks
from parsing.formats.coco import encode_json
from parsing.image import open_image
from parsing.parser import Parser
from parsing.pictures import encode_labels, encode_picture
from parsing.render import PALETTES, composite
from parsing.result import Parsing

SUFFIXES: Final = {"picture": ".png", "json": ".json", "masks": ".zip", "labels": ".labels.png"}
"""What may be asked for, and how its files end."""

Task = tuple[Photo, list[Path] | None]
"""A photo and the files to write for it, one for each kind asked for; None for standard output."""


def parse_photos(parser: Parser, tasks: Iterable[Task], options: argparse.Namespace) -> Iterator[tuple[Task, str]]:
    """Parses photos and writes what was asked for; works ahead: photos are opened and drawn while the model is at others.

    Args:
        parser: the model.
        tasks: which photos, and where to.
        options: kinds, parts, opacity, palette and view, as `python -m parsing` reads them.

    Yields:
        Each task once it is done, and one sentence on what went wrong, "" where nothing did. One that fails does not stop the
        others.
    """
    begun: deque[Task] = deque()
    refused: deque[tuple[Task, str]] = deque()

    def opened() -> Iterator[NDArray[np.uint8]]:
        for task in tasks:
            path = task[0].path
            try:
                with mute():
                    pixels = open_image(sys.stdin.buffer.read() if path == STDIN else path)
            except Exception as error:  # noqa: BLE001, whatever it is, the other photos go on
                refused.append((task, explain(error)))
            else:
                begun.append(task)
                yield pixels

    for outcome in parser.map(opened()):
        while refused:
            yield refused.popleft()
        task = begun.popleft()
        try:
            if outcome.error:
                raise outcome.error
            write_results(outcome.image, outcome.parsing, task[1], options)
        except Exception as error:  # noqa: BLE001, as above
            yield task, explain(error)
        else:
            yield task, ""
    yield from refused


def write_results(pixels: NDArray[np.uint8], parsing: Parsing, files: list[Path] | None, options: argparse.Namespace) -> None:
    """Writes a photo's results, one for each kind asked for; to standard output where there are no files."""
    makers: dict[str, Callable[[NDArray[np.uint8], Parsing, argparse.Namespace], bytes]] = {
        "picture": draw,
        "json": lambda _, parsing, __: encode_json(parsing),
        "masks": lambda _, parsing, __: encode_masks(parsing),
        "labels": lambda _, parsing, options: encode_labels(parsing.labels, PALETTES[options.palette].colors),
    }
    contents = (makers[kind](pixels, parsing, options) for kind in options.kinds)
    if files is None:
        sys.stdout.buffer.write(next(contents))
        sys.stdout.buffer.flush()
        return
    make_folder(files[0].parent)
    for file, content in zip(files, contents, strict=True):
        put_file(content, file)


def draw(pixels: NDArray[np.uint8], parsing: Parsing, options: argparse.Namespace) -> bytes:
    """The coloured picture as a PNG."""
    picture = composite(
        pixels, parsing, parts=options.parts, opacity=options.opacity, palette=options.palette, view=options.view
    )
    return encode_picture(picture, "png")


def explain(error: Exception) -> str:
    """What went wrong, in one sentence for the user."""
    if isinstance(error, ValueError | OSError | ImportError):
        return str(error)
    if isinstance(error, MemoryError):
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


def put_file(content: bytes, file: Path) -> None:
    """Writes a result; raises OSError with a sentence for the user."""
    try:
        write_file(content, file)
    except OSError as error:
        raise OSError(f"The file {file.name!r} cannot be written: {error.strerror or error}.") from error


def one_line(sentence: str) -> str:
    """The sentence without line breaks and whatever else a terminal might obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in sentence)
