"""Which photos the command line is to parse, and what the files that it writes for them are called."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import Final

from parsing.image import ImageError, check_file

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
"""Of the files that are taken from a folder."""
STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """One photo to parse.

    Attributes:
        path: where it lies; "-" for standard input.
        place: what its results are called, without a suffix; below the folder that was named, as the photo is. A text, because
            a million paths would take 0.3 GB.
    """

    path: str
    place: str

    @property
    def name(self) -> str:
        """What data sets call it: its file's name, after the folders below the one that was named."""
        return PurePath(self.place).with_name(PurePath(self.path).name).as_posix() if self.path != STDIN else "stdin"

    @property
    def folder(self) -> str | None:
        """Absolute path of the folder below which `name` is; None for standard input."""
        return os.path.abspath(self.path)[: -len(self.name) - 1] or os.sep if self.path != STDIN else None


def find_photos(named: Iterable[str], recursive: bool, output: Path | None) -> list[PhotoFile]:
    """The photos that are meant by files, folders, patterns such as `*.jpg`, and "-" for standard input; in that order.

    Args:
        named: what was written on the command line.
        recursive: whether folders within folders count.
        output: the folder of results, whose files are no photos; None for standard output.

    Raises:
        ImageError: there is no such file, no photo in a folder, nothing that a pattern fits, or standard input is closed.
        ValueError: results would lie among the photos of a folder.
    """
    photos = []
    for name in named:
        if name == STDIN:
            if sys.stdin is None:  # closed, as by <&-
                raise ImageError("Standard input is closed; give a file.", "missing")
            photos.append(PhotoFile(STDIN, "stdin"))
        elif os.path.isdir(name):
            photos += _in_folder(Path(name), recursive, output)
        elif glob.has_magic(name) and not os.path.exists(name):
            fitting = sorted(path for path in glob.glob(name, recursive=recursive) if not os.path.isdir(path))
            if not fitting:
                raise ImageError(f"No file fits {name!r}.", "missing")
            photos += [PhotoFile(path, Path(path).stem) for path in fitting]
        else:
            check_file(name)
            photos.append(PhotoFile(name, Path(name).stem))
    return photos


def _in_folder(folder: Path, recursive: bool, output: Path | None) -> Iterator[PhotoFile]:
    """The photos in a folder, by name; hidden ones and results are none."""
    results = None if output is None else output.resolve()
    if folder.resolve() == results:
        raise ValueError(f"The results would lie among the photos of {folder.name!r}; choose another folder with -o.")
    found = False
    for here, folders, files in os.walk(folder):
        kept = (name for name in folders if recursive and not name.startswith(".") and Path(here, name).resolve() != results)
        folders[:] = sorted(kept)
        for name in sorted(files):
            path = Path(here, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith("."):
                found = True
                yield PhotoFile(str(path), path.relative_to(folder).with_suffix("").as_posix())
    if not found:
        deeper = "" if recursive else "; --recursive looks into the folders within"
        raise ImageError(f"There is no photo in the folder {folder.name!r}{deeper}.", "missing")


def choose_places(
    photos: Sequence[PhotoFile], folder: Path, suffixes: Sequence[str], reserved: Iterable[Path] = ()
) -> Iterator[str]:
    """Where each photo's results lie below a folder, without a suffix: the photo's own place, with a number where one of the
    files would be another photo's, a photo itself, or reserved.

    Args:
        photos: all of them.
        folder: the folder of the results.
        suffixes: one for each file that a photo has there.
        reserved: files that are no photo's.

    Yields:
        The photo's `place` itself where it has no number, because a million texts more would take 0.1 GB.
    """
    kept = {str(file).casefold() for file in reserved}
    taken: set[str] = set()
    # x.labels.png may be the label map of x, or the picture of x.labels.
    middles = {long.removesuffix(short) for long in suffixes for short in suffixes if long != short and long.endswith(short)}

    @cache
    def inputs() -> set[tuple[int, int] | None]:  # asked for only where a file exists already
        return {_identity(photo.path) for photo in photos}

    def is_free(place: str) -> bool:
        folded = place.casefold()
        if folded in taken or any(folded + middle in taken for middle in middles):
            return False
        if any(folded.endswith(middle) and folded.removesuffix(middle) in taken for middle in middles):
            return False
        for file in files_at(place, folder, suffixes):
            there = _identity(file)
            if str(file).casefold() in kept or (there and there in inputs()):
                return False
        return True

    for photo in photos:
        place, number = photo.place, 1
        while not is_free(place):
            number += 1
            place = f"{photo.place}-{number}"
        taken.add(place.casefold())  # some file systems do not tell a.png from A.png
        yield place


def files_at(place: str, folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """The files of one photo's results, one for each suffix."""
    return [folder / (place + suffix) for suffix in suffixes]


def _identity(path: str | Path) -> tuple[int, int] | None:
    """What tells a file from all others, whatever it is called; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
