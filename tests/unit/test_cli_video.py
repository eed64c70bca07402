"""`python -m parsing` with videos: what is written, in step with what came in."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from support.clips import frames_of, picture, sound_of, times_of, write_clip
from support.striped_model import Stripes

import parsing
from parsing.cli import parse as cli


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stripes:
    """Stands in for every model; the working folder is empty."""
    monkeypatch.chdir(tmp_path)
    stripes = Stripes()
    monkeypatch.setattr(cli, "load", lambda name, **options: parsing.Parser(stripes))
    return stripes


def written(folder: str = ".") -> set[str]:
    return {file.name for file in Path(folder).iterdir()}


def assert_alike(one: np.ndarray, other: np.ndarray, within: float = 4) -> None:
    """On average; codecs lose a little."""
    assert one.shape == other.shape
    assert np.abs(one.astype(int) - other).mean() < within


@pytest.mark.parametrize("view", ["overlay", "map"])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".gif"])
def test_each_frame_is_what_composite_draws(suffix: str, view: str, model: Stripes) -> None:
    write_clip("clip.mp4")
    assert cli.main(["clip.mp4", "-o", f"deep/out{suffix}", "--view", view]) == 0
    assert written("deep") == {f"out{suffix}"}
    assert model.calls == 10
    for number, frame in enumerate(frames_of(f"deep/out{suffix}")):
        assert_alike(frame, parsing.composite(picture(number), Stripes()(picture(number)), view=view), within=8)


def test_options_are_those_of_photos() -> None:
    write_clip("clip.mp4", count=2)
    arguments = ["--parts", "Hair,Pants", "--opacity", "1", "--grow", "2", "--feather", "2", "--color", "#c2185b"]
    assert cli.main(["clip.mp4", "-o", "out.mp4", *arguments]) == 0
    options: dict[str, Any] = {"parts": ["Hair", "Pants"], "opacity": 1, "grow": 2, "feather": 2, "color": "#c2185b"}
    assert_alike(frames_of("out.mp4")[0], parsing.composite(picture(0), Stripes()(picture(0)), **options))


@pytest.mark.parametrize(("suffix", "around"), [(".mp4", 255), (".gif", None), (".webm", None)])
def test_a_cutout_is_transparent_where_the_file_can_be_else_white(suffix: str, around: int | None) -> None:
    write_clip("clip.mp4", count=2)
    assert cli.main(["clip.mp4", "-o", f"out{suffix}", "--view", "cutout"]) == 0
    expected = parsing.composite(picture(0), Stripes()(picture(0)), view="cutout")
    with av.open(f"out{suffix}") as container:
        decoder: Any = av.CodecContext.create("libvpx-vp9", "r") if suffix == ".webm" else container.streams.video[0]
        frame = next(frame for packet in container.demux(video=0) for frame in decoder.decode(packet))
        found = frame.to_ndarray(format="rgba")
    assert_alike(found[..., 3], np.full_like(expected[..., 3], 255) if around else expected[..., 3])
    there = expected[..., 3] > 0
    assert_alike(found[there][:, :3], expected[there][:, :3])
    if around:
        assert_alike(found[~there], np.full_like(found[~there], around))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".gif"])
def test_times_are_kept_where_frames_last_differently_long(suffix: str) -> None:
    write_clip("clip.mp4", durations=[1, 3, 1, 1, 5, 2, 1, 1, 1, 3])
    assert cli.main(["clip.mp4", "-o", f"out{suffix}"]) == 0
    assert [time for time, _ in times_of(f"out{suffix}")] == [time for time, _ in times_of("clip.mp4")]


def test_sound_is_copied_to_the_byte_and_the_tick() -> None:
    write_clip("clip.mp4", sound="aac")
    assert cli.main(["clip.mp4", "-o", "out.mp4"]) == 0
    assert sound_of("out.mp4") == sound_of("clip.mp4")
    assert times_of("out.mp4") == times_of("clip.mp4")
    with av.open("clip.mp4") as before, av.open("out.mp4") as after:
        assert [stream.duration for stream in after.streams] == [stream.duration for stream in before.streams]


@pytest.mark.parametrize(("source", "sound", "target"), [("a.mp4", "aac", "b.mkv"), ("a.webm", "libopus", "b.mp4")])
def test_sound_is_in_step_where_files_count_otherwise(source: str, sound: str, target: str) -> None:
    write_clip(source, codec="libvpx-vp9" if source.endswith("webm") else "libx264", sound=sound)
    assert cli.main([source, "-o", target]) == 0
    before, after = sound_of(source), sound_of(target)
    assert [content for *_, content in after] == [content for *_, content in before]
    (start_before, _), *_ = times_of(source)
    (start_after, _), *_ = times_of(target)
    for one, other in zip(before, after, strict=True):
        assert abs((one[0] - start_before) - (other[0] - start_after)) <= Fraction(1, 1000)  # WebM and MKV count milliseconds


@pytest.mark.parametrize(
    ("sound", "target", "codec"),
    [("aac", "b.webm", "opus"), ("libopus", "b.mov", "aac"), ("pcm_s16le", "b.mp4", "aac"), ("pcm_s16le", "b.webm", "opus")],
)
def test_sound_that_a_file_cannot_hold_is_coded_anew_in_step(sound: str, target: str, codec: str) -> None:
    write_clip("a.mkv", count=25, sound=sound)
    assert cli.main(["a.mkv", "-o", target]) == 0
    with av.open(target) as container:
        assert container.streams.audio[0].codec_context.name == codec
    before, after = sound_of("a.mkv"), sound_of(target)
    assert abs(after[0][0] - before[0][0]) < Fraction(1, 20)
    assert abs(sum(after[-1][:2]) - sum(before[-1][:2])) < Fraction(1, 20)


def test_a_recording_that_begins_at_some_hour_begins_at_once() -> None:
    write_clip("clip.ts", sound="aac", start=25 * 3600)
    assert cli.main(["clip.ts", "-o", "out.mp4"]) == 0
    (first, _), *_ = times_of("out.mp4")
    (heard, *_), *_ = sound_of("out.mp4")
    assert max(first, heard) < 1
    (first_before, _), *_ = times_of("clip.ts")
    (heard_before, *_), *_ = sound_of("clip.ts")
    assert abs((first - heard) - (first_before - heard_before)) <= Fraction(1, 1000)


def test_subtitles_may_outlast_the_video() -> None:
    with av.open("clip.mkv", "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        words = av.Packet(b"The end")
        words.stream = container.add_mux_stream("subrip")
        words.pts, words.dts, words.duration, words.time_base = 0, 0, 5000, Fraction(1, 1000)
        for number in range(10):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture(number), "rgb24").reformat(format="yuv420p")))
        container.mux([*video.encode(), words])
    assert cli.main(["clip.mkv", "-o", "out.mp4"]) == 0
    assert len(frames_of("out.mp4")) == 10


@pytest.mark.parametrize("target", ["out.gif", "out.mp4"])
def test_sound_is_left_out_where_it_has_no_place_or_is_not_wanted(target: str) -> None:
    write_clip("clip.mp4", sound="aac")
    assert cli.main(["clip.mp4", "-o", target, *(["--mute"] if target.endswith("mp4") else [])]) == 0
    with av.open(target) as container:
        assert not container.streams.audio


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_what_players_turn_is_upright(rotation: int) -> None:
    write_clip("clip.mp4", count=2, rotation=rotation)
    assert cli.main(["clip.mp4", "-o", "out.mp4", "--opacity", "0"]) == 0
    assert_alike(frames_of("out.mp4")[0], np.rot90(picture(0), rotation // 90))


@pytest.mark.parametrize(("target", "size"), [("out.mp4", (48, 62)), ("out.webm", (47, 61)), ("out.gif", (47, 61))])
def test_odd_sizes_get_a_row_and_a_column_more_where_they_must(target: str, size: tuple[int, int]) -> None:
    write_clip("clip.mp4", size=(47, 61), count=3)
    assert cli.main(["clip.mp4", "-o", target, "--opacity", "0"]) == 0
    found = frames_of(target)[0]
    assert found.shape[:2] == size
    assert_alike(found[:47, :61], picture(0, (47, 61)), within=8)


def test_a_line_of_json_for_each_frame() -> None:
    write_clip("clip.mp4", count=3)
    assert cli.main(["clip.mp4", "-o", "out.mp4", "--json", "--parts", "Hair,Pants"]) == 0
    assert written() == {"clip.mp4", "out.mp4", "out.jsonl"}
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [(line["frame"], line["time"]) for line in lines] == [(0, 0.0), (1, 0.04), (2, 0.08)]
    assert {part["name"] for part in lines[0]["parts"]} == {"Hair", "Pants"}
    assert [person["person"] for person in lines[2]["people"]] == [1]


@pytest.mark.parametrize("name", ["data:clip", "two\nlines", "😀 smile", "-o", "a%03d", "file,b|c"])
def test_whatever_a_file_is_called(name: str) -> None:
    write_clip("clip.mp4", count=2)
    Path("clip.mp4").rename(f"{name}.mp4")
    assert cli.main([f"./{name}.mp4", "-o", f"out/{name}.mkv"]) == 0
    assert written("out") == {f"{name}.mkv"}
    assert len(frames_of(Path("out", f"{name}.mkv").absolute())) == 2


@pytest.mark.parametrize(("number", "people"), [("1", [1]), ("2", [])])
def test_one_person_alone(number: str, people: list[int]) -> None:
    write_clip("clip.mp4", count=2)
    assert cli.main(["clip.mp4", "-o", "out.mp4", "--json", "--view", "map", "--person", number]) == 0
    line = json.loads(Path("out.jsonl").read_text().splitlines()[0])
    assert [person["person"] for person in line["people"]] == people
    assert (frames_of("out.mp4")[0].max() > 100) == bool(people)


@pytest.mark.parametrize("target", ["-", "lines.jsonl"])
def test_lines_alone(target: str, capfd: pytest.CaptureFixture[str]) -> None:
    write_clip("clip.mp4", count=3)
    assert cli.main(["clip.mp4", "-o", target, "--json"]) == 0
    said = capfd.readouterr().out
    assert len((said if target == "-" else Path(target).read_text()).splitlines()) == 3
    assert written() - {target} == {"clip.mp4"}


def test_a_gif_is_a_video_where_one_is_asked_for_else_a_photo() -> None:
    write_clip("clip.gif", codec="gif", durations=[1, 3, 1, 1, 5, 2, 1, 1, 1, 3])
    assert cli.main(["clip.gif", "-o", "out.gif"]) == 0
    assert [time for time, _ in times_of("out.gif")] == [time for time, _ in times_of("clip.gif")]
    assert cli.main(["clip.gif", "-o", "out"]) == 0
    assert written("out") == {"clip.png"}


def test_numbered_frames_are_a_video() -> None:
    Path("frames").mkdir()
    for number in range(12):
        Image.fromarray(picture(number)).save(f"frames/frame{number}.png")
    assert cli.main(["frames", "-o", "out.mp4", "--frames-per-second", "30000/1001", "--opacity", "0"]) == 0
    for number, frame in enumerate(frames_of("out.mp4")):
        assert_alike(frame, picture(number))
    assert times_of("out.mp4")[3] == (Fraction(3003, 30000), Fraction(1001, 30000))


class Device:
    """Stands in for OpenCV's camera: sees the square walk, then is unplugged."""

    def __init__(self, number: int) -> None:
        self.frames = iter(range(number))

    def read(self) -> tuple[bool, np.ndarray | None]:
        number = next(self.frames, None)
        return number is not None, None if number is None else picture(number)[..., ::-1]

    def get(self, what: int) -> float:
        return 25.0

    def release(self) -> None:
        pass


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C does what it does at a terminal; a program that a script has put in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_is_the_end_of_what_a_camera_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(Device):
        def read(self) -> tuple[bool, np.ndarray | None]:
            number = next(self.frames, 0)
            if number == 3:
                signal.raise_signal(signal.SIGINT)
            return True, picture(number)

    monkeypatch.setattr("cv2.VideoCapture", Endless)
    assert cli.main(["webcam:9", "-o", "out.mp4"]) == 0
    assert len(frames_of("out.mp4")) == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("rate", [25.0, 0.0, -1.0, math.inf, math.nan])
def test_a_camera_is_a_video_until_it_ends(rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.VideoCapture", Device)
    monkeypatch.setattr(Device, "get", lambda device, what: rate)
    assert cli.main(["webcam:5", "-o", "out.mp4", "--opacity", "0"]) == 0
    found = frames_of("out.mp4")
    assert len(found) == 4  # the first one told the size
    assert_alike(found[0], picture(1))
