"""The command line, `python -m parsing PHOTO... -o FOLDER`: parses photos and writes a coloured PNG for each.
`python -m parsing export` is in `parsing.export`.

Exit status 0; or 2 and one line on standard error that says what was wrong. What is only for the eyes, a progress bar and
remarks on a download, appears at a terminal and nowhere else.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final, NoReturn

from PIL import Image
from tqdm import tqdm

from parsing import export
from parsing.image import ImageError, check_file, open_image, write_png
from parsing.labels import part_index
from parsing.parser import MODELS, Parser, load
from parsing.render import VIEWS, composite

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of the signal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: the words after the program's name; None takes those of the process.

    Returns:
        Exit status 0, or 130 after Ctrl-C.

    Raises:
        SystemExit: with status 2, after one line on standard error; with status 0 after the help.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if words[:1] == ["export"]:
            export.main(words[1:])
        else:
            run(read_options(words))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (ValueError, OSError, ImportError) as error:
        refuse(str(error))
    except MemoryError:
        refuse("The memory is not enough for this photo; make it smaller.")
    except Exception as error:  # a fault of the program; a script still gets its one line
        logging.getLogger(__name__).debug("unexpected", exc_info=True)
        refuse(f"The program itself failed ({type(error).__name__}: {error}); please report this.")
    return 0


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for, checked as far as that needs neither a photo nor a model."""
    options = argparse.ArgumentParser(
        prog="python -m parsing",
        description="Colours the people in photos by part.",
        epilog="python -m parsing export --help: M2FP as one ONNX file.",
    )
    options.error = refuse  # argparse's own way takes several lines
    options.add_argument("photos", metavar="PHOTO", nargs="+", help="JPEG, PNG, WebP, BMP, TIFF or GIF")
    options.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        type=Path,
        required=True,
        help="where NAME.png is written for NAME.jpg; NAME-2.png where that would replace a photo or another result",
    )
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
    options.add_argument("--model", choices=MODELS, default="auto", help="default: auto, m2fp where it is, else lite")
    options.add_argument(
        "--weights", metavar="FOLDER", help="a ModelScope model folder, for the M2FP models; for m2fp-onnx the exported file"
    )
    return options.parse_intermixed_args(arguments)


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


def run(options: argparse.Namespace) -> None:
    """Does what the options ask for; raises ValueError, OSError or ImportError with a sentence for the user."""
    for photo in options.photos:  # before the model is loaded, which may take minutes
        check_file(photo)
    targets = choose_targets(options.photos, options.output)
    make_folder(options.output)
    with nullcontext() if sys.stderr.isatty() else mute():  # a download is worth watching, but not in a script's log
        parser = load(options.model, weights=options.weights)
    pairs = list(zip(options.photos, targets, strict=True))
    # disable=None: only at a terminal. leave=False: an error's line stands alone.
    for photo, target in tqdm(pairs, unit="photo", leave=False, disable=True if len(pairs) == 1 else None):
        draw(parser, photo, target, options)


def draw(parser: Parser, photo: str, target: Path, options: argparse.Namespace) -> None:
    """Parses one photo and writes its picture."""
    try:
        with mute():
            pixels = open_image(photo)
    except ImageError as error:
        raise ImageError(f"{photo}: {error}", error.kind) from None
    picture = composite(pixels, parser(pixels), parts=options.parts, opacity=options.opacity, view=options.view)
    try:
        write_png(Image.fromarray(picture), target)
    except OSError as error:
        raise OSError(f"The picture {target.name!r} cannot be written: {error.strerror or error}.") from error


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


def choose_targets(photos: Iterable[str], folder: Path) -> list[Path]:
    """A file in the folder for each photo, named after it; a number is added to a name that is another's or a photo's."""
    inputs = {_identity(Path(photo)) for photo in photos}
    taken: set[str] = set()
    targets = []
    for photo in photos:
        stem = Path(photo).stem
        name, number = f"{stem}.png", 1
        while name.casefold() in taken or _identity(folder / name) in inputs:
            number += 1
            name = f"{stem}-{number}.png"
        taken.add(name.casefold())  # some file systems do not tell a.png from A.png
        targets.append(folder / name)
    return targets


def make_folder(folder: Path) -> None:
    """Makes the folder where there is none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"The folder {folder.name!r} cannot be made: {error.strerror or error}.") from error


def refuse(sentence: str) -> NoReturn:
    """Says what was wrong, in one line whatever is in it, and ends the program with exit status 2."""
    print("".join(letter if letter.isprintable() else "?" for letter in sentence), file=sys.stderr)
    raise SystemExit(2)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from all others, whatever it is called; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


if __name__ == "__main__":
    raise SystemExit(main())
