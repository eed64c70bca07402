"""The options of `python -m parsing`, and those that its commands have in common: which model."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from parsing.cli.ray import LOCAL_CLUSTER, read_address
from parsing.effects import WIDEST_EDGE
from parsing.formats.table import FORMATS
from parsing.labels import KNOWN_PARTS, part_index
from parsing.models import NAMES, PRECISIONS, SIZES
from parsing.program import OptionParser
from parsing.render import COLOR, LIP, PALETTES, VIEWS

MOST_FRAMES_PER_SECOND: Final = 240


def add_model_options(options: argparse.ArgumentParser) -> None:
    """Adds --model, --weights, --precision and --size, as `parsing.load` takes them."""
    options.add_argument("--model", choices=NAMES, default="auto", help="default: auto, m2fp where it is, else lite")
    options.add_argument(
        "--weights", metavar="FOLDER", help="a ModelScope model folder, for the M2FP models; for m2fp-onnx the exported file"
    )
    options.add_argument(
        "--precision", choices=PRECISIONS, default="auto", help="of M2FP; bf16 is faster (default: auto, fp32)"
    )
    options.add_argument("--size", choices=SIZES, default="official", help="of M2FP's input (default: official)")


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
    _add_drawing_options(options)
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
        const=LOCAL_CLUSTER,
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


def _add_drawing_options(options: argparse.ArgumentParser) -> None:
    """Adds what `restrict`, `grow_edges` and `composite` take."""
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
