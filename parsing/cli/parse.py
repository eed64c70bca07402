"""The command line, `python -m parsing PHOTO... -o FOLDER`: writes a coloured PNG for each photo, or what is asked for.
Other commands, such as `python -m parsing export`, are in files of their own beside this one.

Exit status 0; 1 where some photos failed, each with a line on standard error, while the others went on; 2 and one line where
nothing could be begun. What is only for the eyes, a progress bar and remarks on a download, appears at a terminal and nowhere
else. Files appear whole or not at all, so that `--resume` can go on after whatever happened.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from tqdm import tqdm

from parsing.cli import compare, doctor, export, score, video
from parsing.cli.gather import Gathering, data_set_file
from parsing.cli.options import read_options
from parsing.cli.photos import STDIN, PhotoFile, choose_places, files_at, find_photos
from parsing.cli.ray import connected, parse_on_cluster
from parsing.cli.results import STDOUT, Task, explain, make_folder, mute, parse_photos
from parsing.formats.table import FORMATS
from parsing.labels import part_index
from parsing.parser import Parser, load
from parsing.program import end_program, one_line

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of the signal."""
UNREAD: Final = 141
"""Likewise where nobody reads standard output any more, such as `head`, which has seen enough."""
COMMANDS: Final = {"export": export.main, "compare": compare.main, "doctor": doctor.main, "score": score.main}
"""What is not parsing photos, by the first word; each takes the words after it and gives the exit status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: the words after the program's name; None takes those of the process.

    Returns:
        Exit status 0, 1 where some photos failed, 130 after Ctrl-C, or 141 where nobody reads standard output any more.

    Raises:
        SystemExit: with status 2, after one line on standard error; with status 0 after the help.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        status = COMMANDS[words[0]](words[1:]) if words and words[0] in COMMANDS else run(read_options(words))
        print(end="", flush=True)  # what cannot be written shows here, not when Python ends
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at the end
        return UNREAD
    except Exception as error:  # noqa: BLE001, whatever it is, a script gets its one line
        end_program(explain(error))


def run(options: argparse.Namespace) -> int:
    """Does what the options ask for, and gives the exit status; raises ValueError, OSError or ImportError with a sentence for
    the user where nothing can be begun.
    """
    if options.output == STDOUT and sys.stdout is None:  # closed, as by >&-
        raise ValueError("Standard output is closed; give something else with -o.")
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
    if any(FORMATS[kind].gather for kind in options.kinds) and len({photo.name for photo in photos}) < len(photos):
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
