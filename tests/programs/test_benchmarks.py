"""The speed benchmark end to end, on small photos and the golden model folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import speed

FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"


def test_contestants_take_turns_and_the_table_compares_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(speed, "SIZES", {"96x64": (96, 64)})
    photos = speed.write_photos(tmp_path, people=(1, 2))
    assert list(photos) == ["96x64, 1 person", "96x64, 2 people"]
    medians = speed.measure(["modelscope", "m2fp", "lite"], photos, FOLDER, rounds=1)
    assert list(medians) == [(photo, name) for photo in photos for name in ("modelscope", "m2fp", "lite")]
    for (_, name), row in medians.items():
        stages = sum(value for stage, value in row.items() if stage not in ("total", "peak", "render"))
        assert 0 < stages <= row["total"]
        assert ("network" in row) == (name != "lite")
    lines = list(speed.table(medians))
    assert len(lines) == 2 + 6
    assert "| 96x64, 1 person | modelscope |" in lines[2]
    assert lines[2].count("1.0 x") == 1
