"""How many cores are ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from parsing import cores


@pytest.mark.parametrize(
    ("quota", "wanted", "expected"),
    [
        ("max 100000", "", 4),
        ("200000 100000", "", 2),
        ("50000 100000", "", 1),
        ("150000 100000", "", 2),
        ("", "", 4),
        ("", "3", 3),
        ("", "9", 4),
        ("", "0", 1),
        ("", "many", 4),
    ],
)
def test_cores_are_counted_by_affinity_siblings_quota_and_what_is_wanted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str, wanted: str, expected: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    for processor in range(8):  # four cores of two threads each
        (tmp_path / str(processor)).write_text(f"{processor // 2 * 2}-{processor // 2 * 2 + 1}\n")
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "_TOPOLOGY", f"{tmp_path}/{{}}")
    monkeypatch.setattr(cores, "_QUOTAS", (f"{tmp_path}/cpu.max", f"{tmp_path}/absent"))
    assert cores.usable_cores() == expected


@pytest.mark.parametrize(
    ("flags", "native"),
    [("flags : fpu avx512f avx512_bf16 sse", True), ("Features : fp asimd bf16", True), ("flags : avx2", False)],
)
def test_bfloat16_instructions_are_read_from_the_flags(monkeypatch: pytest.MonkeyPatch, flags: str, native: bool) -> None:
    monkeypatch.setattr(cores, "_read", lambda _: flags)
    assert cores.has_bfloat16() == native
