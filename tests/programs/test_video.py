"""A short video through the program as it is installed, with the embedded model: pictures, sound and lines of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
from support.clips import frames_of, sound_of, times_of, write_clip

import parsing
from parsing.files import find_examples

ROOT = Path(__file__).parents[2]
COUNT = 8


def write_walk(path: Path, tone: Path) -> list[np.ndarray]:
    """A video in which the photographer moves to the right, with the sound of another one; gives its frames."""
    photo = parsing.open_image(next(file for file in find_examples() if file.stem == "photographer"))
    small = cv2.resize(photo, (160, 160), interpolation=cv2.INTER_AREA)
    frames = [np.roll(np.pad(small, ((0, 0), (20, 60), (0, 0)), "edge"), 3 * number, axis=1) for number in range(COUNT)]
    with av.open(str(tone)) as source, av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "16"})
        video.width, video.height, video.pix_fmt = 240, 160, "yuv420p"
        track = container.add_stream_from_template(source.streams.audio[0])
        for pixels in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")))
        container.mux(video.encode())
        for packet in source.demux(source.streams.audio):
            if packet.dts is not None:
                packet.stream = track
                container.mux(packet)
    return frames


def test_a_short_video_from_end_to_end(tmp_path: Path) -> None:
    clip, out = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    write_clip(tmp_path / "tone.mp4", COUNT, sound="aac")
    frames = write_walk(clip, tmp_path / "tone.mp4")
    command = [sys.executable, "-m", "parsing", str(clip), "-o", str(out), "--model", "lite", "--view", "map", "--json"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert {file.name for file in tmp_path.iterdir()} == {"tone.mp4", "clip.mp4", "out.mp4", "out.jsonl"}
    assert times_of(out) == times_of(clip)
    assert sound_of(out) == sound_of(clip)

    lines = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(COUNT))
    assert {line["model"] for line in lines} == {"lite"}
    assert all([person["person"] for person in line["people"]] == [1] for line in lines)
    assert all("Hair" in {part["name"] for part in line["parts"]} for line in lines)

    colored = frames_of(out)[0].max(axis=2) > 40
    expected = parsing.load("lite")(frames[0]).labels > 0
    assert (colored == expected).mean() > 0.97
