"""How much memory a process has taken at most, and how much is left, as Linux tells it; and what its end looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SIGNS: Final = (
    *("insufficient memory", "can't allocate memory", "cannot allocate memory", "failed to allocate memory"),
    *("not enough memory", "bad_alloc", "bad allocation"),
)
"""What OpenCV, PyTorch, the system and ONNX Runtime say, each in an error of its own."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, of whatever library, says that the memory does not suffice."""
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in SIGNS)


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


def free_memory() -> float:
    """Megabytes that programs can still have, as Linux tells it; 0 where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) / 1024
    except (OSError, StopIteration):
        return 0.0
