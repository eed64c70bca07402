"""Files on disk for a short while: uploads that wait to be parsed, and pictures that wait to be fetched.

Each is a file of its own in a folder of this process, mode 700, under a random name that only its sender is told: two equal
photos are two files, so that none is deleted while another page still needs it. Whatever nobody asks for is gone after a while.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
import tempfile
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from parsing.files import lock
from parsing.image import ImageError

UNREAD_SECONDS: Final = 60.0
"""How long a file waits for whoever sent it to ask for something; a page asks at once."""
READ_SECONDS: Final = 10.0
"""How long it is kept after it was read: right after sending it, the browser asks for it again, to preview it."""
MOST_BYTES: Final = 1_000_000_000
MOST_FILES: Final = 1000
"""Of all files together; the oldest give way."""
NAME: Final = re.compile(r"[0-9a-f]{32}")
PREFIX: Final = "human-parsing-"
NOT_AN_UPLOAD: Final = "This is not an uploaded file; send the photo itself."
GONE: Final = "The uploaded file is gone; send the photo again."


@dataclass
class _Kept:
    size: int
    until: float


class Uploads:
    """The folder and what is in it. Thread-safe."""

    def __init__(self) -> None:
        _remove_leftovers()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
        mark = self.folder / "new"
        self._mark = os.open(mark, os.O_CREAT | os.O_RDWR, 0o600)
        if lock(self._mark):
            mark.rename(self.folder / "in-use")  # from here on others look at it
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def start(self) -> tuple[str, Path]:
        """A new name, and the file to write under it; `keep` or `drop` follows.

        Raises:
            OSError: the folder cannot be written to.
        """
        name = secrets.token_hex(16)
        path = self.folder / name
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return name, path

    def keep(self, name: str) -> None:
        """A file has been written in full and may be asked for from now on."""
        size = (self.folder / name).stat().st_size
        with self._lock:
            self._kept[name] = _Kept(size, time.monotonic() + UNREAD_SECONDS)
            self._bytes += size
            while self._bytes > MOST_BYTES or len(self._kept) > MOST_FILES:
                self._remove(next(iter(self._kept)))

    def drop(self, name: str) -> None:
        """A file is of no use any more, whole or not."""
        with self._lock:
            self._remove(name)

    def _remove(self, name: str) -> None:
        if name in self._kept:
            self._bytes -= self._kept.pop(name).size
        (self.folder / name).unlink(missing_ok=True)

    def add(self, content: bytes, suffix: str = "") -> Path:
        """A file that the server itself has made.

        Args:
            content: its bytes.
            suffix: of its name, such as ".png".

        Raises:
            OSError: there is no room for it.
        """
        name, path = self.start()
        try:
            path.write_bytes(content)
            path = path.rename(path.with_suffix(suffix))
        except OSError:
            self.drop(name)
            raise
        self.keep(path.name)
        return path

    def read(self, name: str) -> bytes:
        """The bytes of a file, which is gone a few seconds later.

        Raises:
            ImageError: there is none of that name, or there is none any more. No file is looked for by a name of another shape.
        """
        if not NAME.fullmatch(name):
            raise ImageError(NOT_AN_UPLOAD, "missing")
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None:
                kept.until = min(kept.until, time.monotonic() + READ_SECONDS)
        try:
            if kept is not None:
                return (self.folder / name).read_bytes()
        except OSError:
            pass
        raise ImageError(GONE, "missing")

    def find(self, text: str) -> Path | None:
        """The file that a page or a program asks to see again: by its name, or by the whole path where the server has made it.
        None where there is no such file; the path is only compared, never opened.
        """
        name = text.removeprefix(f"{self.folder}/")
        with self._lock:
            return self.folder / name if name in self._kept else None

    def sweep(self) -> None:
        """Removes what nobody has asked for in time."""
        now = time.monotonic()
        with self._lock:
            for name in [name for name, kept in self._kept.items() if kept.until < now]:
                self._remove(name)

    def close(self) -> None:
        """Removes everything, the folder too."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self._mark)


def _remove_leftovers() -> None:
    """Removes the folders of processes that have ended without a word: those whose mark nobody holds. Where there
    are no locks, none is: Windows cleans its temporary folder itself.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            about = folder.lstat()
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
                continue
            mark = os.open(folder / "in-use", os.O_RDWR | os.O_NOFOLLOW)
            try:
                if lock(mark):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(mark)
