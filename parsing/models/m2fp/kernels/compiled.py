"""The library of kernels: compiled where there is a C compiler, kept in the cache folder, and looked at before it is loaded.

A library's file is called by what it was made for (sources, flags, processor, compiler and its version) and by the hash of its
contents. So one that was cut off is seen before the system maps it, which would end the process. Only a file and a folder that
belong to this user, and that nobody else may write, are loaded from.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import shlex
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from parsing.cores import instruction_sets
from parsing.files import cache_folder

SOURCES: Final = ("winograd.c", "deformable.c", "attention.c", "norm.c", "masks.c")
HEADER: Final = "vectors.h"
FLAGS: Final = ("-O3", "-march=native", "-fopenmp", "-fPIC", "-shared")
LONGEST_COMPILING: Final = 120
"""Seconds."""
OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH

_POINTER, _INT, _FLOAT, _DOUBLE = ctypes.c_void_p, ctypes.c_int, ctypes.c_float, ctypes.c_double
SIGNATURES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "kernel_lanes": (_INT, ()),
    "attention_most_channels": (_INT, ()),
    "sample_most_points": (_INT, ()),
    "winograd_convolve": (None, (_POINTER,) * 5 + (_INT,) * 9),
    "deformable_sample": (None, (_POINTER,) * 5 + (_INT,) * 8),
    "masked_attention": (None, (_POINTER,) * 6 + (_INT,) * 7),
    "norm_of_sum": (None, (_POINTER,) * 5 + (_INT, _FLOAT) + (_INT,) * 3),
    "masks_widen": (None, (_POINTER,) * 4 + (_INT,) * 4),
    "masks_read": (_DOUBLE, (_POINTER,) * 3 + (_INT,) * 2 + (_POINTER, _INT)),
    "masks_add": (None, (_POINTER,) * 3 + (_INT,) * 2 + (_FLOAT,) * 2 + (_POINTER,) * 2 + (_INT,) * 2),
    "masks_close": (None, (_POINTER,) * 4 + (_INT,) * 5),
}
"""What each function of the library gives and takes, as the C files beside this one have it."""

log = logging.getLogger(__name__)


class KernelError(Exception):
    """The kernels cannot be had; the message is one sentence for the log."""


def open_library(is_right: Callable[[ctypes.CDLL], bool]) -> ctypes.CDLL | None:
    """The library from the cache, or compiled anew where there is none or where it is damaged; None where that fails too.

    Args:
        is_right: whether an opened library gives right answers.
    """
    compiler = shlex.split(os.environ.get("CC") or "cc")
    version = _version(compiler)
    kind = _hash(repr((compiler, FLAGS, platform.machine(), instruction_sets())).encode(), *_sources())
    try:
        folder = _own_folder(cache_folder("kernels"))
        for file in sorted(folder.glob(f"{kind}-{_hash(version) if version else '*'}-*.so")):
            try:
                return _open(file, is_right)
            except KernelError as error:
                log.warning("A compiled library of M2FP's C kernels is not used, and made anew: %s", error)
                file.unlink()
        if version is None:
            log.info("There is no C compiler %r; M2FP runs without its C kernels, slower", compiler[0])
            return None
        return _open(_compile(compiler, folder, f"{kind}-{_hash(version)}"), is_right)
    except (KernelError, OSError, subprocess.SubprocessError) as error:
        log.warning("M2FP runs without its C kernels, slower: %s", error)
        return None


def _sources() -> list[bytes]:
    return [(Path(__file__).parent / name).read_bytes() for name in (HEADER, *SOURCES)]


def _hash(*contents: bytes) -> str:
    return hashlib.sha256(b"".join(contents)).hexdigest()[:16]


def _version(compiler: list[str]) -> bytes | None:
    """What a compiler says of itself; None where there is none, as with CC=false."""
    try:
        return subprocess.run([*compiler, "--version"], check=True, capture_output=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _own_folder(folder: Path) -> Path:
    """The folder, made if need be. One in which others may write is closed to them and emptied.

    Raises:
        KernelError: it belongs to somebody else, or is no folder.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or not _is_ours(status):
        raise KernelError("the folder of the cache belongs to somebody else; set PARSING_CACHE to another")
    if status.st_mode & OTHERS_MAY_WRITE:
        log.warning("Others could write into the cache of M2FP's C kernels; it is closed to them and emptied")
        folder.chmod(0o700)
        for file in folder.iterdir():
            file.unlink()
    return folder


def _is_ours(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()  # Windows has no such numbers, nor these kernels


def _compile(compiler: list[str], folder: Path, name: str) -> Path:
    """Compiles into a file that appears complete or not at all."""
    here = Path(__file__).parent
    handle, partial = tempfile.mkstemp(".part", name, folder)
    os.close(handle)
    try:
        command = [*compiler, *FLAGS, *(str(here / source) for source in SOURCES), "-lm", "-o", partial]
        subprocess.run(command, check=True, capture_output=True, timeout=LONGEST_COMPILING)
        os.chmod(partial, 0o700)
        with open(partial, "rb") as written:
            digest = _hash(written.read())
            os.fsync(written.fileno())  # else a power cut may leave the name without the contents
        file = folder / f"{name}-{digest}.so"
        os.replace(partial, file)
    finally:
        Path(partial).unlink(missing_ok=True)
    return file


def _open(file: Path, is_right: Callable[[ctypes.CDLL], bool]) -> ctypes.CDLL:
    """Opens a library, after a look at the file; OpenMP's threads are PyTorch's own, because that is loaded already.

    Raises:
        KernelError: it is not ours alone, not complete, not such a library, or gives wrong answers.
    """
    status = file.lstat()
    if not stat.S_ISREG(status.st_mode) or not _is_ours(status) or status.st_mode & OTHERS_MAY_WRITE:
        raise KernelError("the file is not this user's alone")
    if not file.stem.endswith("-" + _hash(file.read_bytes())):
        raise KernelError("the file is not what was written")
    try:
        library = ctypes.CDLL(str(file))
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise KernelError(f"the file is no library of these kernels ({type(error).__name__})") from error
    if not is_right(library):
        raise KernelError("the library gives wrong answers")
    return library
