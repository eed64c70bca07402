"""The benchmarks end to end: of speed, on small photos and the golden model folder, and of the site in a browser."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import pytest

from benchmarks import device, speed
from parsing.web.site.build import NOT_KEPT, site_files, write_site

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


@pytest.mark.alone
def test_a_visit_to_the_site_is_timed_and_the_table_has_the_medians(tmp_path: Path) -> None:
    files = site_files()
    write_site(files, tmp_path / "today")
    ((visit,),) = device.measure([tmp_path / "today"], rounds=1, photos=1)
    assert min(astuple(visit)) > 0
    assert visit.megabytes == pytest.approx(sum(len(files[name]) for name in files.keys() - set(NOT_KEPT)) / 1e6, rel=0.1)
    visits = [device.Visit(17.26, time, 2, 3, 4.4, 5, 6, 7) for time in (3000, 1000, 2000)]
    *_, line = device.table([tmp_path / "today"], [visits])
    assert line == "| today | 17.3 | 2000 | 2 | 3 | 4 | 5 | 6 | 7 |"
