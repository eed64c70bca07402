"""A long video through the command line, with a model that takes no time: what memory it takes as it goes on, and whether the
sound is still in step at the end. `python -m benchmarks.long_video --minutes 10`; Linux tells the memory.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

import parsing
from parsing.cli import video
from parsing.cli.options import read_options
from parsing.labels import HUMAN, PARTS
from parsing.memory import peak_memory
from parsing.result import Parsing, Segment
from parsing.stages import OnStage

RATE: Final = 25
SAMPLES: Final = 48_000
SIZE: Final = (180, 320)


class Still:
    """A model that finds one person, in a shirt, in the middle; tells the memory of each minute of video."""

    name: Final = "still"
    title: Final = "Still"
    classes: Final = PARTS

    def __init__(self) -> None:
        self.frames = 0

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        if self.frames % (60 * RATE) == 0:
            print(f"minute {self.frames // 60 // RATE}: at most {peak_memory():.0f} MB since the last", flush=True)
            peak_memory(restart=True)
        self.frames += 1
        height, width = image.shape[:2]
        there = np.zeros((height, width), np.uint8)
        there[height // 4 : height * 3 // 4, width // 3 : width * 2 // 3] = 1
        people = [Segment.from_mask(there > 0, HUMAN, 0.9, 1)]
        parts = [Segment.from_mask(there > 0, 5, 0.9, 1)]
        return Parsing(there * np.uint8(5), parts, people, self.name, {}, there)


def write(path: Path, minutes: float) -> None:
    """Writes a video of moving noise with a tone."""
    with av.open(str(path), "w") as container:
        picture: Any = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        picture.width, picture.height, picture.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        tone: Any = container.add_stream("aac", rate=SAMPLES)
        noise = np.random.default_rng(0).integers(100, 130, (SIZE[0], 2 * SIZE[1], 3), dtype=np.uint8)
        for number in range(round(minutes * 60 * RATE)):
            left = number % SIZE[1]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(noise[:, left : left + SIZE[1]]), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(picture.encode(frame))
            first = number * SAMPLES // RATE
            wave = np.sin(np.arange(first, first + SAMPLES // RATE) * 440 * 2 * np.pi / SAMPLES) * 8000
            block = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], "s16", "mono")
            block.sample_rate, block.pts, block.time_base = SAMPLES, first, Fraction(1, SAMPLES)
            container.mux(tone.encode(block))
        container.mux(picture.encode())
        container.mux(tone.encode())


def times(path: Path) -> Iterator[tuple[str, Fraction, Fraction]]:
    """Kind, second and duration of each packet."""
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.pts is not None:
                yield packet.stream.type, packet.pts * packet.time_base, packet.duration * packet.time_base


def main() -> None:
    options = argparse.ArgumentParser(description="Memory and sound of a long video.")
    options.add_argument("--minutes", type=float, default=10.0)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip, out = Path(folder, "clip.mp4"), Path(folder, "out.mp4")
        write(clip, chosen.minutes)
        video.run(read_options([str(clip), "-o", str(out)]), lambda: parsing.Parser(Still()))
        print(f"to the end: at most {peak_memory():.0f} MB since the last")
        before, after = (sorted(times(path)) for path in (clip, out))
        alike = sum(one == other for one, other in zip(before, after, strict=True))
        print(f"{alike} of {len(before)} packets, of frames and of sound, have the time and duration that they had")


if __name__ == "__main__":
    main()
