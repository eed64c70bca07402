"""Data sets in one file, such as COCO's: each parsed photo leaves a line, and the file is made of the lines at the end.

The lines are on the disk, because a million of them would fill the memory, and in a file of their own, `.NAME.lines`, so that
`--resume` goes on where an interrupted run has ended.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from parsing.cli.results import writing
from parsing.files import whole_file
from parsing.formats.table import FORMATS, Format

NAME: Final = "annotations"
"""What a data set's file is called, before the suffix of its format."""
TAB: Final = b"\t"
"""Between a photo's name, as JSON text, and its line; JSON has no tab in either."""


def data_set_file(form: Format, folder: Path) -> Path:
    """Where a data set is written that has all photos in one file."""
    return folder / (NAME + form.suffix)


@dataclass(frozen=True)
class Lines:
    """The lines of a journal, read again from the disk each time."""

    path: Path

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            for record in file:
                yield record.rstrip(b"\n").partition(TAB)[2]


class Journal:
    """The lines of one data set in the making.

    Args:
        form: a format that gathers.
        folder: where the data set is written.
        resume: whether lines of an earlier run count. A data set that is there whole stays as it is then.
    """

    def __init__(self, form: Format, folder: Path, resume: bool) -> None:
        self.form = form
        self.file = data_set_file(form, folder)
        self.path = folder / f".{self.file.name}.lines"
        self.whole = resume and self.file.is_file() and not self.path.exists()
        self.names = set(self._recover()) if resume and self.path.exists() else set()
        if not self.whole:
            with writing(self.file):
                self._stream = self.path.open("ab" if resume else "wb", buffering=0)

    def _recover(self) -> Iterator[str]:
        """The photos that have a line; the last one is dropped where it was cut off."""
        with writing(self.file), self.path.open("r+b") as file:
            end = 0
            for record in file:
                if not record.endswith(b"\n"):
                    file.truncate(end)
                    return
                end += len(record)
                yield json.loads(record.partition(TAB)[0])

    def has(self, name: str) -> bool:
        """Whether nothing is left to do for a photo."""
        return self.whole or name in self.names

    def add(self, name: str, line: bytes) -> None:
        """Keeps a photo's line; raises OSError with a sentence for the user."""
        if not self.has(name):
            record = json.dumps(name).encode() + TAB + line + b"\n"
            with writing(self.file):
                if self._stream.write(record) < len(record):  # so the system says that this was the last that the disk takes
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def finish(self) -> None:
        """Makes the data set's file of the lines; raises OSError with a sentence for the user."""
        if self.whole or self.form.gather is None:
            return
        with writing(self.file), whole_file(self.file) as partial, partial.open("wb") as file:
            file.writelines(self.form.gather(Lines(self.path)))
        self.close()
        self.path.unlink()

    def close(self) -> None:
        """Leaves the lines for `--resume`."""
        if not self.whole:
            self._stream.close()


class Gathering:
    """The journals of all formats asked for that gather; finished at the end of the block, unless something went wrong.

    Args:
        kinds: names of formats.
        folder: where data sets are written; None for standard output, which gathers nothing.
        resume: see `Journal`.
    """

    def __init__(self, kinds: Iterable[str], folder: Path | None, resume: bool) -> None:
        forms = [] if folder is None else [FORMATS[kind] for kind in kinds if FORMATS[kind].gather]
        self.journals = {form.name: Journal(form, folder, resume) for form in forms if folder is not None}

    def __enter__(self) -> Gathering:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for journal in self.journals.values():
            if error is None:
                journal.finish()
            else:
                journal.close()

    def has(self, name: str) -> bool:
        """Whether all data sets have the photo already."""
        return all(journal.has(name) for journal in self.journals.values())

    def add(self, name: str, lines: dict[str, bytes]) -> None:
        """Keeps a photo's lines, by format."""
        for kind, line in lines.items():
            self.journals[kind].add(name, line)
