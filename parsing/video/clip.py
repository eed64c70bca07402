"""A video file, read by FFmpeg by way of PyAV."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import numpy as np

from parsing.extras import needs
from parsing.image import MAX_PIXELS, check_file
from parsing.pictures import on_white
from parsing.video.frames import Facts, Frame, OnSound

CLOCK: Final = 1_000_000
"""Units a second in which FFmpeg tells where a whole file begins and how long it lasts."""
TRUTHFUL: Final = ("mov", "matroska")
"""Families of files that say well how long they last."""
LEAST_SHARE: Final = 0.9
"""Of what such a file says it lasts, so much is in it; one with less was cut off."""
UNKNOWN_COLORS: Final = 2
"""FFmpeg's number for frames that do not say how their colours are coded."""
HIGH_DEFINITION: Final = 720
"""Rows from which such frames are taken to be coded as in ITU-R BT.709, as players do; with fewer, as in BT.601."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A video file. `open` reads it through once without decoding it, so that damage shows before hours of work.

    Attributes:
        facts: see `Facts`.
        path: where it lies.
        container: the open `av` container.
    """

    facts: Facts
    path: str
    container: Any = field(repr=False)

    @classmethod
    def open(cls, path: str) -> Clip:
        """Opens a file.

        Raises:
            ImportError: PyAV is missing; it says how to install it.
            ValueError: there is no such file, or it is no video, damaged, cut off, or too large; one sentence for the user.
            OSError: it cannot be read; likewise.
        """
        with needs("video"):
            import av
        check_file(path)
        name = os.path.basename(path)
        whole = os.path.abspath(path)  # FFmpeg would take "data:x.mp4" for an address
        with _readable(name):
            with av.open(whole) as container:
                first, count, end = _scan(container, name)
                lasts = container.duration
            if lasts and container.format.name.startswith(TRUTHFUL) and end < lasts / CLOCK * LEAST_SHARE:
                raise ValueError(f"The video {name!r} is cut off: of {lasts / CLOCK:.1f} seconds, {end:.1f} are there.")
            container = av.open(whole)
        video: Any = container.streams.video[0]
        shape = Fraction(video.sample_aspect_ratio or 1)
        upright = first.rotation % 180 == 0
        facts = Facts(
            size=(first.height, first.width) if upright else (first.width, first.height),
            time_base=Fraction(video.time_base),
            rate=Fraction(video.average_rate or 25),
            count=count,
            pixel_shape=shape if upright else 1 / shape,
            sounds=tuple(container.streams.audio),
        )
        return cls(facts, path, container)

    def frames(self, on_sound: OnSound) -> Iterator[Frame]:
        """The frames; times count from the file's beginning. Packets of sound come as the file has them between frames."""
        video = self.container.streams.video[0]
        starts = {stream: _start_of(self.container, stream) for stream in (video, *self.facts.sounds)}
        last = -1
        with self.container, _readable(os.path.basename(self.path)):
            for packet in self.container.demux(video, *self.facts.sounds):
                start = starts[packet.stream]
                if packet.stream is not video:
                    if packet.dts is not None:  # the last one is empty
                        packet.pts, packet.dts = packet.pts - start, packet.dts - start
                        on_sound(packet)
                    continue
                for frame in packet.decode():
                    time = last + 1 if frame.pts is None else max(frame.pts - start, last + 1)
                    yield Frame(_pixels_of(frame, self.facts.size), time, frame.duration)
                    last = time


def _scan(container: Any, name: str) -> tuple[Any, int, float]:
    """The first frame, how many there are, and the second at which the last packet ends."""
    videos = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not videos or videos[0] is not container.streams.video[0]:
        raise ValueError(f"There is no video in {name!r}, only {'sound' if container.streams.audio else 'other data'}.")
    size = videos[0].codec_context.width * videos[0].codec_context.height
    if size > MAX_PIXELS:
        raise ValueError(f"A frame of {name!r} has more than {MAX_PIXELS // 1_000_000} megapixels; make the video smaller.")
    first, count, end = None, 0, 0.0
    for packet in container.demux():  # subtitles, which may end last, count in how long a file says it lasts
        if packet.pts is not None:
            start = _start_of(container, packet.stream)
            end = max(end, float((packet.pts - start + (packet.duration or 0)) * packet.time_base))
        if packet.stream is videos[0]:
            count += packet.size > 0
            if first is None:
                first = next(iter(packet.decode()), None)
    if first is None:
        raise ValueError(f"No frame of {name!r} can be read; the video is damaged or of a kind that FFmpeg does not know.")
    return first, count, end


def _is_cover(stream: Any) -> bool:
    """Whether it is the picture on the cover of a record, which FFmpeg gives as a video of one frame."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _start_of(container: Any, stream: Any) -> int:
    """When the file begins, in the stream's units; a recording of television may begin at any hour."""
    return round(Fraction(max(container.start_time or 0, 0), CLOCK) / Fraction(stream.time_base))


def _pixels_of(frame: Any, size: tuple[int, int]) -> Any:
    """A frame's pixels, upright; one of another size, which some streams have, is brought to the size of the first."""
    height, width = size if frame.rotation % 180 == 0 else size[::-1]
    guessed = "ITU709" if frame.colorspace == UNKNOWN_COLORS and frame.height >= HIGH_DEFINITION else None
    if any(component.is_alpha for component in frame.format.components):
        pixels = on_white(frame.reformat(width, height, "rgba", src_colorspace=guessed).to_ndarray())
    else:
        pixels = frame.reformat(width, height, "rgb24", src_colorspace=guessed).to_ndarray()
    return np.ascontiguousarray(np.rot90(pixels, frame.rotation // 90))


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Around FFmpeg's work: its errors become sentences for the user."""
    from av.error import FFmpegError

    try:
        yield
    except FFmpegError as error:
        if isinstance(error, OSError):
            raise OSError(f"The video {name!r} cannot be read: {error.strerror or error}.") from error
        raise ValueError(f"The file {name!r} is no video, or it is damaged; FFmpeg cannot read it.") from error
