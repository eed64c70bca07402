"""The command line, `python -m parsing PHOTO... -o FOLDER`: writes a coloured PNG for each photo, or what is asked for.
`python -m parsing export` is in `parsing.models.m2fp.export`, `python -m parsing compare` in `parsing.cli.compare`.

Exit status 0; 1 where some photos failed, each with a line on standard error, while the others went on; 2 and one line where
nothing could be begun. What is only for the eyes, a progress bar and remarks on a download, appears at a terminal and nowhere
else. Files appear whole or not at all, so that `--resume` can go on after whatever happened.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final, NoReturn

from tqdm import tqdm

from parsing.cli import compare
from parsing.cli.photos import STDIN, choose_targets, find_photos
from parsing.cli.ray import THIS_MACHINE, connected, parse_on_cluster, read_address
from parsing.cli.results import SUFFIXES, Task, explain, make_folder, mute, one_line, parse_photos
from parsing.labels import KNOWN_PARTS, part_index
from parsing.models import NAMES, PRECISIONS, SIZES
from parsing.models.m2fp import export
from parsing.parser import load
from parsing.render import LIP, PALETTES, VIEWS

STDOUT: Final = "-"
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
        epilog="python -m parsing serve --help: the page. python -m parsing export --help: M2FP as one ONNX file."
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
    options.add_argument("--model", choices=NAMES, default="auto", help="default: auto, m2fp where it is, else lite")
    options.add_argument(
        "--weights", metavar="FOLDER", help="a ModelScope model folder, for the M2FP models; for m2fp-onnx the exported file"
    )
    options.add_argument(
        "--precision", choices=PRECISIONS, default="auto", help="of M2FP; bf16 is faster (default: auto, fp32)"
    )
    options.add_argument("--size", choices=SIZES, default="official", help="of M2FP's input (default: official)")
    options.add_argument(
        "--ray",
        metavar="ADDRESS",
        nargs="?",
        const=THIS_MACHINE,
        type=read_address,
        help="on the machines of a Ray cluster: auto or HOST:PORT; without ADDRESS on this machine's cores, a model on each",
    )
    chosen = options.parse_intermixed_args(arguments)
    chosen.kinds = list(dict.fromkeys(chosen.kinds or ["picture"]))
    return chosen


def read_parts(text: str) -> list[str]:
    """Part names with commas between them; whether the model has them is seen once it is there."""
    names = text.split(",")
    try:
        for name in names:
            part_index(name, KNOWN_PARTS)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return names


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
    tasks = choose_tasks(options)  # before the model is loaded, which may take minutes
    if not tasks:
        return 0
    failed, start = 0, time.monotonic()
    with connected(options.ray) if options.ray else nullcontext():
        with nullcontext() if sys.stderr.isatty() else mute():  # a download is worth watching, but not in a script's log
            parser = load(options.model, weights=options.weights, precision=options.precision, size=options.size)
        if options.parts:
            options.parts = [part_index(name, parser.classes) for name in options.parts]
        parse = parse_on_cluster if options.ray else parse_photos
        # disable=None: only at a terminal. leave=False: an error's line stands alone.
        with tqdm(total=len(tasks), unit="photo", leave=False, disable=True if len(tasks) == 1 else None) as progress:
            for (photo, _), trouble in parse(parser, tasks, options):
                if trouble:
                    failed += 1
                    tqdm.write(one_line(f"{photo.path}: {trouble}"), file=sys.stderr)
                progress.update()
    if options.ray:
        print(f"{len(tasks) - failed} photos parsed, {failed} failed, in {time.monotonic() - start:.0f} s")
    return int(failed > 0)


def choose_tasks(options: argparse.Namespace) -> list[Task]:
    """The photos that are to be parsed, each with its files; raises ValueError or OSError as `run` does."""
    folder = None if options.output == STDOUT else Path(options.output)
    photos = find_photos(options.photos, options.recursive, folder)
    if folder is None:
        if len(photos) > 1 or len(options.kinds) > 1:
            raise ValueError("Standard output takes one result of one photo; give a folder with -o for more.")
        tasks: list[Task] = [(photos[0], None)]
    else:
        tasks = list(zip(photos, choose_targets(photos, folder, map(SUFFIXES.get, options.kinds)), strict=True))
        make_folder(folder)
    if options.ray and (folder is None or any(photo.path == STDIN for photo in photos)):
        raise ValueError("Standard input and output are on this machine alone; give files and a folder, or leave out --ray.")
    if options.resume:
        tasks = [task for task in tasks if task[1] is None or not all(file.is_file() for file in task[1])]
    return tasks


def refuse(sentence: str) -> NoReturn:
    """Says what was wrong, in one line whatever is in it, and ends the program with exit status 2."""
    print(one_line(sentence), file=sys.stderr)
    raise SystemExit(2)
