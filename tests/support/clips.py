"""Small videos: a square that walks across a grey picture, with or without a tone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

TIME_BASE = Fraction(1, 12_800)
FRAME = 512
"""Of those units, 25 a second."""
SAMPLES = 48_000
"""Of the tone, in a second."""


def picture(number: int, size: tuple[int, int] = (64, 96)) -> NDArray[np.uint8]:
    """A frame, RGB uint8 (H, W, 3): the square is brown, and two pixels further to the right in each."""
    pixels = np.full((*size, 3), 128, np.uint8)
    pixels[20:40, 4 + 2 * number : 24 + 2 * number] = 200, 100, 50
    return pixels


def write_clip(
    path: Path | str,
    count: int = 10,
    size: tuple[int, int] = (64, 96),
    codec: str = "libx264",
    sound: str | None = None,
    durations: list[int] | None = None,
    rotation: int = 0,
    start: int = 0,
) -> None:
    """Writes a video.

    Args:
        path: the file; its suffix says what kind.
        count: frames.
        size: height and width.
        codec: of the frames.
        sound: codec of the tone; None for silence.
        durations: of each frame, in units of `FRAME`; None for 1 each.
        rotation: degrees by which players turn it, counterclockwise.
        start: when the first frame is shown, in units of `FRAME`.
    """
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=25, options={"crf": "10"} if codec == "libx264" else {})
        video.width, video.height = size[::-1]
        video.pix_fmt = "bgr8" if codec == "gif" else "yuv444p" if size[0] % 2 or size[1] % 2 else "yuv420p"
        video.codec_context.time_base = Fraction(1, 100) if codec == "gif" else TIME_BASE
        unit = 4 if codec == "gif" else FRAME
        if rotation:
            video.set_display_rotation(rotation)
        tone: Any = container.add_stream(sound, rate=SAMPLES) if sound else None
        time = start
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, size), "rgb24").reformat(format=video.pix_fmt)
            frame.pts, frame.time_base = time * unit, video.codec_context.time_base
            time += durations[number] if durations else 1
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if tone:
            for first in range(*(int(at * FRAME * SAMPLES * TIME_BASE) for at in (start, time)), 960):
                wave = np.sin(np.arange(first, first + 960) * 440 * 2 * np.pi / SAMPLES) * 8000
                block = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], "s16", "mono")
                block.sample_rate, block.pts, block.time_base = SAMPLES, first, Fraction(1, SAMPLES)
                container.mux(tone.encode(block))
            container.mux(tone.encode())


def frames_of(path: Path | str) -> list[NDArray[np.uint8]]:
    """The frames of a video as RGB uint8 (H, W, 3), not turned."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def times_of(path: Path | str) -> list[tuple[Fraction, Fraction]]:
    """Second and seconds of duration of each frame."""
    with av.open(str(path)) as container:
        return [(frame.pts * frame.time_base, frame.duration * frame.time_base) for frame in container.decode(video=0)]


def sound_of(path: Path | str) -> list[tuple[Fraction, Fraction, bytes]]:
    """Second, seconds of duration and content of each packet of sound."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams.audio) if packet.dts is not None]
        return [(packet.pts * packet.time_base, packet.duration * packet.time_base, bytes(packet)) for packet in packets]
