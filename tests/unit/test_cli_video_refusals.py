"""`python -m parsing` with videos that cannot be read or written: one sentence, exit status 2, and nothing half-written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.clips import picture, write_clip
from support.refusals import assert_refused
from support.striped_model import Stripes

import parsing
from parsing.cli import parse as cli
from parsing.result import Parsing

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with videos, and with files that look like videos."""
    folder = tmp_path_factory.mktemp("files")
    write_clip(folder / "clip.mp4", sound="aac")
    write_clip(folder / "clip.webm", count=20, codec="libvpx-vp9")
    whole, cut = (folder / "clip.mp4").read_bytes(), (folder / "clip.webm").read_bytes()
    (folder / "damaged.mp4").write_bytes(whole[:-3000])
    (folder / "cut.webm").write_bytes(cut[: len(cut) * 4 // 5])
    (folder / "text.mp4").write_text("words")
    (folder / "there.mp4").write_text("somebody's")
    (folder / "clips").mkdir()
    for number, size in ((1, (20, 30)), (2, (20, 32))):
        Image.fromarray(np.zeros((*size, 3), np.uint8)).save(folder / f"clips/{number}.png")
    return folder


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Path) -> None:
    monkeypatch.setattr(cli, "load", lambda name, **options: parsing.Parser(Stripes()))
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.mp4", "-o", "out.mp4"], "There is no file 'absent.mp4'."),
        (["text.mp4", "-o", "out.mp4"], "The file 'text.mp4' is no video, or it is damaged"),
        (["damaged.mp4", "-o", "out.mp4"], "The file 'damaged.mp4' is no video, or it is damaged"),
        (["cut.webm", "-o", "out.webm"], "The video 'cut.webm' is cut off: of 0.8 seconds, "),
        (["webcam:99", "-o", "out.mp4"], "The camera 99 cannot be opened"),
        (["clip.mp4", "-o", "out"], "The result of a video is one file, .mp4,"),
        (["clip.mp4", "-o", "out.avi"], "but this is 'out.avi'"),
        (["clip.mp4", "-o", "out.jsonl"], "with --json"),
        (["clip.mp4", "-o", "-"], "Standard output takes lines of JSON"),
        (["clip.mp4", "-o", "clip.mp4"], "The result would replace the video 'clip.mp4' itself"),
        (["clip.mp4", "-o", "there.mp4"], "There is a file 'there.mp4' already"),
        (["clip.mp4", "-o", "clips"], "The result of a video is one file"),
        (["clip.mp4", "-o", "text.mp4/out.mp4"], "The folder 'text.mp4' cannot be made"),
        (["clip.mp4", "-o", "/proc/out.mp4"], "The video 'out.mp4' cannot be written"),
        (["clip.mp4", "clip.webm", "-o", "out.mp4"], "One video is parsed at a time"),
        (["clip.mp4", "-o", "out.mp4", "--masks"], "A video has two results"),
        (["clip.mp4", "-o", "out.mp4", "--crop"], "leave out --crop"),
        (["clip.mp4", "-o", "out.mp4", "--resume"], "leave out --resume"),
        (["clip.mp4", "-o", "out.mp4", "--frames-per-second", "25"], "is for a folder of frames"),
        (["clips", "-o", "out.mp4"], "Say it with --frames-per-second"),
        (["clips", "-o", "out.mp4", "--frames-per-second", "0"], "frames in a second are more than 0 and at most 240"),
        (["clips", "-o", "out.mp4", "--frames-per-second", "1/0"], "but this is '1/0'"),
        (
            ["clips", "-o", "out.mp4", "--frames-per-second", "9"],
            "The frame '2.png' is 32 by 20 pixels, but the first one is 30",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert_refused(arguments, said, capfd)
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_only_sound_is_no_video(capfd: pytest.CaptureFixture[str]) -> None:
    import av

    with av.open("clip.mp4") as source, av.open("sound.mp4", "w") as target:
        track = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio):
            if packet.dts is not None:
                packet.stream = track
                target.mux(packet)
    with pytest.raises(SystemExit):
        cli.main(["sound.mp4", "-o", "out.mp4"])
    assert capfd.readouterr().err == "There is no video in 'sound.mp4', only sound.\n"


@pytest.mark.parametrize("error", [RuntimeError("deep inside"), KeyboardInterrupt()])
def test_what_is_half_written_does_not_stay(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = 0

    def fail(*arguments: object, **options: object) -> np.ndarray:
        nonlocal frames
        frames += 1
        if frames > 5:
            raise error
        return picture(frames)

    monkeypatch.setattr("parsing.cli.video.composite", fail)
    if isinstance(error, KeyboardInterrupt):
        assert cli.main(["clip.mp4", "-o", "out/out.mp4", "--json"]) == cli.INTERRUPTED
    else:
        with pytest.raises(SystemExit):
            cli.main(["clip.mp4", "-o", "out/out.mp4", "--json"])
    assert list(Path("out").iterdir()) == []


def test_a_model_that_fails_ends_it(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    class Failing(Stripes):
        def __call__(self, *arguments: object) -> Parsing:
            raise MemoryError

    monkeypatch.setattr(cli, "load", lambda name, **options: parsing.Parser(Failing()))
    with pytest.raises(SystemExit):
        cli.main(["clip.mp4", "-o", "out.mp4"])
    assert "The memory is not enough" in capfd.readouterr().err
    assert not Path("out.mp4").exists()


def test_without_pyav_one_sentence_says_how_to_install_it(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['av'] = None; from parsing.cli.parse import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", hide, str(tmp_path / "clip.mp4"), "-o", str(tmp_path / "out.mp4")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "pip install '.[video]'" in ended.stderr
