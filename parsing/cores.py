"""How many threads to compute with: one for each physical core that this process may use.

A container's share of a large machine shows in its control group only, and two threads on one core's halves are slower than one
at arithmetic. OMP_NUM_THREADS is how a cluster tells each of its workers what is theirs.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
_QUOTAS = ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")


def usable_cores() -> int:
    """Physical cores that this process may use, at least 1: by affinity, the quota of its container, and OMP_NUM_THREADS."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    siblings = {_read(_TOPOLOGY.format(processor)) or str(processor) for processor in allowed}
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(len(siblings), _quota(), int(wanted) if wanted.isdecimal() else len(siblings)))


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 matrices by itself, as far as Linux tells; elsewhere it is left at no."""
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(instruction_sets())  # the last is Arm's


def instruction_sets() -> list[str]:
    """The processor's sets of instructions, sorted, as Linux names them; none elsewhere."""
    lines = (line.partition(":") for line in _read("/proc/cpuinfo").splitlines())
    return sorted({word for name, _, words in lines if name.strip() in ("flags", "Features") for word in words.split()})


def _quota() -> int:
    """Whole cores that a Linux control group, version 2 or 1, grants; a very large number where there is no limit."""
    granted, _, period = _read(_QUOTAS[0]).partition(" ")  # "200000 100000" is two cores
    if not period:
        granted, period = _read(_QUOTAS[1]), _read(_QUOTAS[1].replace("quota", "period"))
    try:
        cores = math.ceil(int(granted) / int(period))
    except ValueError:  # "max", or no such file
        return 1 << 16
    return cores if cores > 0 else 1 << 16  # -1 is no limit


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
