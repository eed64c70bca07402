"""The one thread in which torch computes, whichever thread asks.

OpenMP gives each thread that computes a team of its own. As soon as the teams together have more threads than the machine has
cores, idle threads no longer spin but sleep between two operations, and everything takes half as long again (2.5 s instead of
1.6 s for M2FP on 2 cores, measured). A web server asks from many threads; here they all meet.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

import torch

from parsing.cores import usable_cores

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def compute(function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
    """Calls a function in torch's thread, in inference mode, and waits; what it raises is raised here."""
    return _executor().submit(torch.inference_mode()(function), *arguments, **named).result()


@cache
def _executor() -> ThreadPoolExecutor:
    _keep_freed_memory()
    return ThreadPoolExecutor(1, "torch", initializer=_prepare)


def _prepare() -> None:
    torch.set_num_threads(usable_cores())
    torch.set_flush_denormal(True)  # a thread's own setting, which its team takes over; tiny numbers would cost tenfold


def _keep_freed_memory() -> None:
    """Lets glibc keep what is freed for the next layer, instead of returning and asking again, a page fault for every 4 KB.

    35,000 faults and 0.3 s of 2.3 s less for each photo; the peak of memory stays the same. One arena for all threads, because
    another than the first ignores these settings.
    """
    most, trim_threshold, mmap_threshold, arena_max = 1 << 30, -1, -3, -8  # the numbers of <malloc.h>
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library has no such function
            library = ctypes.CDLL(None)
            for option, value in ((trim_threshold, most), (mmap_threshold, most), (arena_max, 1)):
                library.mallopt(option, value)
