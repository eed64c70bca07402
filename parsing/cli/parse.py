"""The command line, `python -m parsing PHOTO... -o FOLDER`: writes a coloured PNG for each photo, or what is asked for.
Other commands, such as `python -m parsing export`, are in files of their own beside this one.

Exit status 0; 1 where some photos failed, each with a line on standard error, while the others went on; 2 and one line where
nothing could be begun. What is only for the eyes, a progress bar and remarks on a download, appears at a terminal and nowhere
else. Files appear whole or not at all, so that `--resume` can go on after whatever happened.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Final

from tqdm import tqdm

from parsing.cli import compare, doctor, export, score, video
from parsing.cli.gather import Gathering, data_set_file
from parsing.cli.options import add_model_options
from parsing.cli.photos import STDIN, PhotoFile, choose_places, files_at, find_photos
from parsing.cli.ray import THIS_MACHINE, connected, parse_on_cluster, read_address
from parsing.cli.results import STDOUT, Task, explain, make_folder, mute, parse_photos
from parsing.effects import WIDEST_EDGE
from parsing.formats.table import FORMATS
from parsing.labels import KNOWN_PARTS, part_index
from parsing.parser import Parser, load
from parsing.program import OptionParser, end_program, one_line
from parsing.render import COLOR, LIP, PALETTES, VIEWS

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of the signal."""
MOST_FRAMES_PER_SECOND: Final = 240
COMMANDS: Final = {"export": export.main, "compare": compare.main, "doctor": doctor.main, "score": score.main}
"""What is not parsing photos, by the first word; each takes the words after it and gives the exit status."""


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
        if words and words[0] in COMMANDS:
            return COMMANDS[words[0]](words[1:])
        return run(read_options(words))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001, whatever it is, a script gets its one line
        end_program(explain(error))


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for, checked as far as that needs neither a photo nor a model."""
    options = OptionParser(
        prog="python -m parsing",
        description="Colours the people in photos by part.",
        epilog="python -m parsing serve --help: the page. python -m parsing site --help: the page as static files."
        " python -m parsing export --help: M2FP as one ONNX file."
        " python -m parsing compare --help: M2FP beside ModelScope's own pipeline."
        " python -m parsing doctor: looks at this machine."
        " python -m parsing score --help: a model on photos whose right answer is known.",
    )
    options.add_argument(
        "photos",
        metavar="PHOTO",
        nargs="+",
        help="JPEG, PNG, WebP, BMP, TIFF or GIF; a folder of them; a pattern such as '*.jpg'; - for standard input; or a video:"
        " a file, a folder of numbered frames, or a camera, webcam:0",
    )
    options.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        required=True,
        help="where NAME.png is written for NAME.jpg; NAME-2.png where that would replace a photo or another result; - for"
        " standard output. Of a video one file, such as out.mp4",
    )
    options.add_argument(
        "--format",
        dest="kinds",
        action="append",
        choices=list(FORMATS),
        help="what to write; may be given several times (default: picture). "
        + ". ".join(f"{form.name}: {form.holds}" for form in FORMATS.values()),
    )
    for kind in ("picture", "json", "masks", "labels"):
        form = FORMATS[kind]
        options.add_argument(
            f"--{kind}", dest="kinds", action="append_const", const=kind, help=f"write NAME{form.suffix}, {form.holds}"
        )
    options.add_argument("--recursive", action="store_true", help="look into folders within folders too")
    options.add_argument("--resume", action="store_true", help="leave out photos whose results are all there")
    options.add_argument(
        "--parts", metavar="NAME,...", type=read_parts, action="extend", help="only these, such as Hair,Face (default: all)"
    )
    options.add_argument("--person", metavar="NUMBER", type=read_person, help="only this one, by the number that --json tells")
    options.add_argument(
        "--opacity", metavar="0..1", type=read_opacity, default=0.6, help="of the colours in the overlay (default: 0.6)"
    )
    options.add_argument(
        "--view",
        choices=VIEWS,
        default="overlay",
        help="overlay: colours over the photo (default); map: only colours; cutout: only the parts, the rest transparent; "
        "outlines; blur and pixelate: the parts made unrecognisable; recolor: the parts in other colours, shading kept",
    )
    options.add_argument(
        "--grow", metavar="PIXELS", type=read_grow, default=0, help="by which edges grow, or shrink: -64 to 64 (default: 0)"
    )
    options.add_argument(
        "--feather",
        metavar="PIXELS",
        type=read_feather,
        default=0,
        help="over which edges fade, 0 to 64 (default: 0)",
    )
    options.add_argument("--crop", action="store_true", help="of pictures only the rectangle around what is chosen")
    options.add_argument("--color", metavar="#RRGGBB", type=read_color, help="of everything chosen, instead of the palette's")
    options.add_argument("--palette", choices=list(PALETTES), default=LIP.name, help=f"default: {LIP.name}")
    options.add_argument(
        "--frames-per-second",
        metavar="NUMBER",
        type=read_rate,
        help="of a video that is made of a folder of frames, such as 25 or 30000/1001",
    )
    options.add_argument("--mute", action="store_true", help="a video without its sound")
    add_model_options(options)
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
    if not (chosen.weights or os.environ.get("PARSING_WEIGHTS")):  # weights of one's own may name classes of their own
        try:
            for name in chosen.parts or ():
                part_index(name, KNOWN_PARTS)
        except ValueError as error:
            options.error(f"argument --parts: {error}")
    return chosen


def read_parts(text: str) -> list[str]:
    """Part names with commas between them; whether the model has them is seen once it is there."""
    return text.split(",")


def read_person(number: str) -> int:
    """A person's number, from 1."""
    if not re.fullmatch("0*[1-9][0-9]{0,5}", number):
        raise argparse.ArgumentTypeError(f"people are numbered from 1, but this is {number!r}")
    return int(number)


def read_opacity(number: str) -> float:
    """A number from 0 to 1."""
    try:
        opacity = float(number)
    except ValueError:
        opacity = -1.0
    if not 0.0 <= opacity <= 1.0:
        raise argparse.ArgumentTypeError(f"opacity lies between 0 and 1, but this is {number!r}")
    return opacity


def read_grow(number: str) -> int:
    """Pixels by which edges may grow or shrink."""
    return _read_pixels(number, -WIDEST_EDGE)


def read_feather(number: str) -> int:
    """Pixels over which edges may fade."""
    return _read_pixels(number, 0)


def _read_pixels(number: str, least: int) -> int:
    try:
        pixels = int(number)
    except ValueError:
        pixels = least - 1
    if not least <= pixels <= WIDEST_EDGE:
        raise argparse.ArgumentTypeError(f"pixels lie between {least} and {WIDEST_EDGE}, but this is {number!r}")
    return pixels


def read_rate(number: str) -> Fraction:
    """Frames in a second, also as a fraction."""
    try:
        rate = Fraction(number)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= MOST_FRAMES_PER_SECOND:
        raise argparse.ArgumentTypeError(
            f"frames in a second are more than 0 and at most {MOST_FRAMES_PER_SECOND}, but this is {number!r}"
        )
    return rate.limit_denominator(10_000)


def read_color(text: str) -> str:
    """A colour as #rrggbb."""
    if not re.fullmatch(COLOR, text):
        raise argparse.ArgumentTypeError(f"a colour is written as #rrggbb, such as #c2185b, but this is {text!r}")
    return text


def run(options: argparse.Namespace) -> int:
    """Does what the options ask for, and gives the exit status; raises ValueError, OSError or ImportError with a sentence for
    the user where nothing can be begun.
    """
    if video.is_video(options):
        return video.run(options, lambda: load_parser(options))
    folder = None if options.output == STDOUT else Path(options.output)
    photos = choose_photos(options, folder)  # before the model is loaded, which may take minutes
    with Gathering(options.kinds, folder, options.resume) as gathering:
        tasks = choose_tasks(photos, options, folder, gathering)
        return parse_tasks(tasks, options, gathering) if tasks else 0


def parse_tasks(tasks: list[Task], options: argparse.Namespace, gathering: Gathering) -> int:
    """Parses the photos, and gives the exit status; raises as `run` does."""
    failed, start = 0, time.monotonic()
    with connected(options.ray) if options.ray else nullcontext():
        parser = load_parser(options)
        parse = parse_on_cluster if options.ray else parse_photos
        # disable=None: only at a terminal. leave=False: an error's line stands alone.
        with tqdm(total=len(tasks), unit="photo", leave=False, disable=True if len(tasks) == 1 else None) as progress:
            for done in parse(parser, tasks, options):
                if done.trouble:
                    failed += 1
                    tqdm.write(one_line(f"{done.task[0].path}: {done.trouble}"), file=sys.stderr)
                gathering.add(done.task[0].name, done.lines)
                progress.update()
    if options.ray:
        print(f"{len(tasks) - failed} photos parsed, {failed} failed, in {time.monotonic() - start:.0f} s")
    return int(failed > 0)


def load_parser(options: argparse.Namespace) -> Parser:
    """The model that was asked for; part names in the options become its indices. Raises as `run` does."""
    with nullcontext() if sys.stderr.isatty() else mute():  # a download is worth watching, but not in a script's log
        parser = load(options.model, weights=options.weights, precision=options.precision, size=options.size)
    if options.parts:
        options.parts = [part_index(name, parser.classes) for name in options.parts]
    return parser


def choose_photos(options: argparse.Namespace, folder: Path | None) -> list[PhotoFile]:
    """The photos that are meant, and the folder for their results; raises ValueError or OSError as `run` does."""
    photos = find_photos(options.photos, options.recursive, folder)
    if folder is None and (len(photos) > 1 or len(options.kinds) > 1):
        raise ValueError("Standard output takes one result of one photo; give a folder with -o for more.")
    if options.ray and (folder is None or any(photo.path == STDIN for photo in photos)):
        raise ValueError("Standard input and output are on this machine alone; give files and a folder, or leave out --ray.")
    forms = [FORMATS[kind] for kind in options.kinds]
    suffixes = [form.suffix for form in forms]
    for form in forms:
        if suffixes.count(form.suffix) > 1:
            raise ValueError(f"Several formats that were asked for write NAME{form.suffix}; ask for one of them at a time.")
    if any(form.gather for form in forms) and len({photo.name for photo in photos}) < len(photos):
        raise ValueError(
            "Two photos have the same name, and in a data set each needs its own; name a folder above both, with --recursive."
        )
    if folder is not None:
        make_folder(folder)
    return photos


def choose_tasks(photos: list[PhotoFile], options: argparse.Namespace, folder: Path | None, gathering: Gathering) -> list[Task]:
    """The photos that are left to be parsed, each with the place of its results."""
    if folder is None:
        return [(photos[0], None)]
    forms = [FORMATS[kind] for kind in options.kinds]
    suffixes = [form.suffix for form in forms if not form.gather]
    reserved = [data_set_file(form, folder) for form in forms if form.gather]

    def is_done(photo: PhotoFile, place: str) -> bool:
        return gathering.has(photo.name) and all(map(Path.is_file, files_at(place, folder, suffixes)))

    tasks = zip(photos, choose_places(photos, folder, suffixes, reserved), strict=True)
    return [(photo, place) for photo, place in tasks if not (options.resume and is_done(photo, place))]
