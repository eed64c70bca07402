"""Uploads: whose they are, how long they stay, and that nothing else is ever read in their place."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import parsing
from parsing import files
from parsing.web.server import uploads
from parsing.web.server.uploads import Uploads


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Uploads:
    monkeypatch.setattr(uploads.tempfile, "tempdir", str(tmp_path))
    return Uploads()


def add(kept: Uploads, content: bytes) -> str:
    return kept.add(content).name


def test_only_the_user_of_the_server_may_look_into_the_folder(kept: Uploads) -> None:
    name = add(kept, b"content")
    assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((kept.folder / name).stat().st_mode) == 0o600


def test_equal_photos_are_two_files(kept: Uploads) -> None:
    first, second = add(kept, b"content"), add(kept, b"content")
    assert first != second
    assert kept.read(first) == kept.read(second) == b"content"


def test_a_file_that_was_read_is_deleted_soon(kept: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "READ_SECONDS", 0.0)
    read, unread = add(kept, b"one"), add(kept, b"two")
    assert kept.read(read) == b"one"
    kept.sweep()
    assert not (kept.folder / read).exists()
    assert kept.find(unread) == kept.folder / unread
    with pytest.raises(parsing.ImageError, match="gone; send the photo again"):
        kept.read(read)


def test_a_file_that_nobody_asks_for_is_deleted(kept: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "UNREAD_SECONDS", 0.0)
    name = add(kept, b"content")
    kept.sweep()
    assert not (kept.folder / name).exists()
    assert kept.find(name) is None


def test_the_oldest_give_way(kept: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 10)
    first, second = add(kept, b"12345678"), add(kept, b"123")
    assert kept.find(first) is None
    assert kept.read(second) == b"123"


def test_no_other_file_is_read_whatever_it_is_called(kept: Uploads, tmp_path: Path) -> None:
    secret = tmp_path / ("0" * 32)
    secret.write_text("secret")
    for name in (str(secret), f"../{secret.name}", secret.name, "", "in-use", f"{kept.folder}/../{secret.name}", "/dev/zero"):
        with pytest.raises(parsing.ImageError, match=r"not an uploaded file|is gone"):
            kept.read(name)
        assert kept.find(name) is None
    assert secret.read_text() == "secret"


def test_a_picture_of_the_server_is_found_by_its_path(kept: Uploads) -> None:
    path = kept.add(b"picture", ".png")
    assert kept.find(str(path)) == path
    assert path.suffix == ".png"


def test_closing_leaves_nothing(kept: Uploads, tmp_path: Path) -> None:
    add(kept, b"content")
    kept.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(files.fcntl is None, reason="Windows cleans up by itself")
def test_the_next_start_removes_what_a_killed_process_has_left(tmp_path: Path) -> None:
    program = "from parsing.web.server.uploads import Uploads; import os; Uploads().add(b'x'); os._exit(9)"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program], env=environment, cwd=Path(__file__).parents[2], check=False)
        assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(files.fcntl is None, reason="Windows cleans up by itself")
def test_a_start_does_not_remove_the_folder_of_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(uploads.tempfile, "tempdir", str(tmp_path))
    lock = files.fcntl.flock

    def lock_late(file: int, how: int) -> None:
        monkeypatch.setattr(files.fcntl, "flock", lock)
        Uploads()
        lock(file, how)

    monkeypatch.setattr(files.fcntl, "flock", lock_late)
    assert Uploads().add(b"content").read_bytes() == b"content"


@pytest.mark.skipif(files.fcntl is None, reason="Windows has no such locks")
def test_a_disk_without_locks_takes_uploads_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(file: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(uploads.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(files.fcntl, "flock", refuse)
    earlier = Uploads().add(b"earlier")
    assert Uploads().add(b"content").read_bytes() == b"content"
    assert earlier.read_bytes() == b"earlier"
