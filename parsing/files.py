"""Files that are whole or not there at all, files that one process has for itself, and the folder for what can be fetched or
made again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def cache_folder(name: str) -> Path:
    """A folder of the cache, whether it is there or not: below PARSING_CACHE, or else `~/.cache/parsing-m2fp`."""
    root = os.environ.get("PARSING_CACHE") or Path.home() / ".cache" / "parsing-m2fp"
    return Path(root) / name


def find_examples() -> list[Path]:
    """The example photos by name: below the page in an installed package, in `assets/examples` in a checkout."""
    package = Path(__file__).resolve().parent
    folders = package / "web" / "page" / "examples", package.parent / "assets" / "examples"
    return sorted(next(filter(Path.is_dir, folders), package).glob("*.[jp][pn]g"))


def write_file(content: bytes, path: str | os.PathLike[str]) -> None:
    """Writes a file so that nobody ever sees half of it: into a neighbour first, which then takes the name.

    Raises:
        OSError: the folder is missing, full or may not be written to.
    """
    with whole_file(path) as partial:
        partial.write_bytes(content)


def lock(file: int, wait: bool = False) -> bool:
    """Takes an open file, its descriptor, for this process until it is closed. False where another process has it and this one
    does not `wait`, and where the system or the disk has no locks.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The neighbour to write into; it takes the file's name at the end, unless something went wrong, and is gone then."""
    target = Path(path)
    # The end of the name tells two files apart that one thread writes at once; the whole of a long one would leave no room.
    partial = target.with_name(f".{target.name[-40:]}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield partial
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
