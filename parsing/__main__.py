"""The command line, `python -m parsing PHOTO... -o FOLDER`: writes a coloured PNG for each photo, or what is asked for.
`python -m parsing export` is in `parsing.export`, `python -m parsing compare` in `parsing.compare`.

Exit status 0; 1 where some photos failed, each with a line on standard error, while the others went on; 2 and one line where
nothing could be begun. What is only for the eyes, a progress bar and remarks on a download, appears at a terminal and nowhere
else. Files appear whole or not at all, so that `--resume` can go on after whatever happened.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from parsing import compare, export
from parsing.cli_photos import STDIN, Photo, choose_targets, find_photos
from parsing.formats import encode_json, encode_labels, encode_masks, encode_picture, write_file
from parsing.image import open_image
from parsing.labels import part_index
from parsing.network.config import PRECISIONS, SHORT_SIDES
from parsing.parser import MODELS, load
from parsing.render import LIP, PALETTES, VIEWS, composite
from parsing.result import Parsing

STDOUT: Final = "-"
SUFFIXES: Final = {"picture": ".png", "json": ".json", "masks": ".zip", "labels": ".labels.png"}
"""What may be asked for, and how its files end."""
INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of the signal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: the words after the program's name; None takes those of the process.

    Returns:
        Exit status 0, 1 where some photos failed, or 130 after Ctrl-C.

    Raises:
        SystemExit: with status 2, after one line on standard error; with status 0 after the help.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if words[:1] == ["export"]:
            export.main(words[1:])
            return 0
        if words[:1] == ["compare"]:
            compare.main(words[1:])
            return 0
        return run(read_options(words))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001, whatever it is, a script gets its one line
        refuse(explain(error))


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for, checked as far as that needs neither a photo nor a model."""
    options = argparse.ArgumentParser(
        prog="python -m parsing",
        description="Colours the people in photos by part.",
        epilog="python -m parsing export --help: M2FP as one ONNX file."
        " python -m parsing compare --help: M2FP beside ModelScope's own pipeline.",
    )
    options.error = refuse  # argparse's own way takes several lines
    options.add_argument(
        "photos",
        metavar="PHOTO",
        nargs="+",
        help="JPEG, PNG, WebP, BMP, TIFF or GIF; a folder of them; a pattern such as '*.jpg'; - for standard input",
    )
    options.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        required=True,
        help="where NAME.png is written for NAME.jpg; NAME-2.png where that would replace a photo or another result; - for"
        " standard output",
    )
    for kind, what in (
        ("json", "sizes, parts and people with masks as COCO run lengths"),
        ("masks", "a ZIP of PNG masks"),
        ("labels", "the label map as an indexed PNG"),
        ("picture", "the coloured picture, beside those"),
    ):
        options.add_argument(
            f"--{kind}", dest="kinds", action="append_const", const=kind, help=f"write NAME{SUFFIXES[kind]}, {what}"
        )
    options.add_argument("--recursive", action="store_true", help="look into folders within folders too")
    options.add_argument("--resume", action="store_true", help="leave out photos whose results are all there")
    options.add_argument(
        "--parts", metavar="NAME,...", type=read_parts, action="extend", help="only these, such as Hair,Face (default: all)"
    )
    options.add_argument(
        "--opacity", metavar="0..1", type=read_opacity, default=0.6, help="of the colours in the overlay (default: 0.6)"
    )
    options.add_argument(
        "--view",
        choices=VIEWS,
        default="overlay",
        help="overlay: colours over the photo (default); map: only colours; cutout: only the parts, the rest transparent",
    )
    options.add_argument("--palette", choices=list(PALETTES), default=LIP.name, help=f"default: {LIP.name}")
    options.add_argument("--model", choices=MODELS, default="auto", help="default: auto, m2fp where it is, else lite")
    options.add_argument(
        "--weights", metavar="FOLDER", help="a ModelScope model folder, for the M2FP models; for m2fp-onnx the exported file"
    )
    options.add_argument(
        "--precision", choices=PRECISIONS, default="auto", help="of M2FP; bf16 is faster (default: auto, fp32)"
    )
    options.add_argument("--size", choices=SHORT_SIDES, default="official", help="of M2FP's input (default: official)")
    chosen = options.parse_intermixed_args(arguments)
    chosen.kinds = list(dict.fromkeys(chosen.kinds or ["picture"]))
    return chosen


def read_parts(names: str) -> list[int]:
    """Class indices of part names with commas between them."""
    try:
        return [part_index(name) for name in names.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def read_opacity(number: str) -> float:
    """A number from 0 to 1."""
    try:
        opacity = float(number)
    except ValueError:
        opacity = -1.0
    if not 0.0 <= opacity <= 1.0:
        raise argparse.ArgumentTypeError(f"opacity lies between 0 and 1, but this is {number!r}")
    return opacity


def run(options: argparse.Namespace) -> int:
    """Does what the options ask for, and gives the exit status; raises ValueError, OSError or ImportError with a sentence for
    the user where nothing can be begun.
    """
    folder = None if options.output == STDOUT else Path(options.output)
    photos = find_photos(options.photos, options.recursive, folder)  # before the model is loaded, which may take minutes
    if folder is None:
        if len(photos) > 1 or len(options.kinds) > 1:
            raise ValueError("Standard output takes one result of one photo; give a folder with -o for more.")
        tasks: list[tuple[Photo, list[Path] | None]] = [(photos[0], None)]
    else:
        tasks = list(zip(photos, choose_targets(photos, folder, map(SUFFIXES.get, options.kinds)), strict=True))
        make_folder(folder)
    if options.resume:
        tasks = [task for task in tasks if task[1] is None or not all(file.is_file() for file in task[1])]
    if not tasks:
        return 0
    with nullcontext() if sys.stderr.isatty() else mute():  # a download is worth watching, but not in a script's log
        parser = load(options.model, weights=options.weights, precision=options.precision, size=options.size)
    progress = tqdm(total=len(tasks), unit="photo", leave=False, disable=True if len(tasks) == 1 else None)
    failed: list[Photo] = []

    def report(photo: Photo, error: Exception) -> None:
        failed.append(photo)
        tqdm.write(one_line(f"{photo.path}: {explain(error)}"), file=sys.stderr)
        progress.update()

    begun: deque[tuple[Photo, list[Path] | None]] = deque()

    def opened() -> Iterator[NDArray[np.uint8]]:
        for photo, files in tasks:
            try:
                with mute():
                    pixels = open_image(sys.stdin.buffer.read() if photo.path == STDIN else photo.path)
            except Exception as error:  # noqa: BLE001, whatever it is, the other photos go on
                report(photo, error)
            else:
                begun.append((photo, files))
                yield pixels

    # disable=None above: only at a terminal. leave=False: an error's line stands alone.
    with progress:
        for outcome in parser.map(opened()):  # which works ahead: it opens and draws photos while the model is at others
            photo, files = begun.popleft()
            try:
                if outcome.error:
                    raise outcome.error
                write_results(outcome.image, outcome.parsing, files, options)
            except Exception as error:  # noqa: BLE001, as above
                report(photo, error)
            else:
                progress.update()
    return int(bool(failed))


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
        try:
            write_file(content, file)
        except OSError as error:
            raise OSError(f"The file {file.name!r} cannot be written: {error.strerror or error}.") from error


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


def refuse(sentence: str) -> NoReturn:
    """Says what was wrong, in one line whatever is in it, and ends the program with exit status 2."""
    print(one_line(sentence), file=sys.stderr)
    raise SystemExit(2)


def one_line(sentence: str) -> str:
    """The sentence without line breaks and whatever else a terminal might obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in sentence)


if __name__ == "__main__":
    raise SystemExit(main())
