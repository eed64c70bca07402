"""How much memory a process has taken at most, as Linux tells it."""

from __future__ import annotations

from pathlib import Path


def peak_memory(process: int | str = "self", restart: bool = False) -> float:
    """Most megabytes resident since the process began, or since the last restart; 0 where the system does not tell.

    Args:
        process: its number; "self" is the caller's.
        restart: whether to count anew, from what is resident now.
    """
    try:
        if restart:
            Path(f"/proc/{process}/clear_refs").write_text("5")
        line = next(line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    except (OSError, StopIteration):
        return 0.0
