"""Writing a video, by FFmpeg by way of PyAV: H.264 for MP4, MOV and MKV, VP9 for WebM, or a GIF.

A picture's time is kept as it is, so that a video whose frames last differently long goes on doing so. Sound is copied, and
coded anew only where the kind of file cannot hold it as it is. WebM and GIF keep what is transparent; in the others it is
white, as in a JPEG.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from parsing.extras import needs
from parsing.pictures import on_white
from parsing.video.frames import Facts

BT709: Final = 1
"""FFmpeg's number of these colours, and of their primaries and transfer; what players expect."""
LIMITED_RANGE: Final = 1
SOUND_RATE: Final = 48_000
"""Samples a second of sound that is coded anew."""
USUAL_LAYOUTS: Final = {"1 channels": "mono", "2 channels": "stereo", "6 channels": "5.1", "8 channels": "7.1"}
"""Of sound that says only how many channels it has, as in an AVI."""
GIF_TIME_BASE: Final = Fraction(1, 100)
SHORTEST_GIF_FRAME: Final = 2
"""Hundredths of a second; browsers show a frame of one hundredth for ten."""


@dataclass(frozen=True)
class Container:
    """A kind of file.

    Attributes:
        form: what FFmpeg calls it.
        codec: of its frames.
        options: of the codec; as good as the eye can tell, and so quick that parsing takes most of the time.
        holds: codecs of sound that it can hold; empty where it can hold any.
        sound: codec by which other sound is coded anew; None where there is no place for sound.
        transparent: whether it can hold transparent pixels.
        even: whether width and height have to be even.
    """

    form: str
    codec: str
    options: dict[str, str]
    holds: tuple[str, ...] = ()
    sound: str | None = "aac"
    transparent: bool = False
    even: bool = False


_H264: Final = {"preset": "veryfast", "crf": "18"}
_VP9: Final = {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"}
_MP4: Final = Container("mp4", "libx264", _H264, ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"), even=True)
CONTAINERS: Final = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": Container("mov", "libx264", _H264, ("aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le"), even=True),
    ".mkv": Container("matroska", "libx264", _H264, even=True),
    ".webm": Container("webm", "libvpx-vp9", _VP9, ("opus", "vorbis"), "libopus", transparent=True),
    ".gif": Container("gif", "gif", {}, transparent=True, sound=None),
}
"""By the suffix of the file."""


class Writer:
    """Writes one video.

    Args:
        path: the file, whatever it is called until it is whole.
        name: what it will be called; its suffix is one of `CONTAINERS`.
        facts: of the video that the pictures are made of.
        transparent: whether pictures are RGBA.

    Raises:
        ImportError: PyAV is missing; it says how to install it.
        OSError: the file cannot be written, also of the methods; one sentence for the user.
    """

    def __init__(self, path: Path, name: str, facts: Facts, transparent: bool) -> None:
        with needs("video"):
            import av
        self.name = name
        self.kind = CONTAINERS[Path(name).suffix.lower()]
        self.time_base = facts.time_base
        self.transparent = transparent and self.kind.transparent
        self.durations: dict[int, int] = {}  # of frames that the codec still has, by their time
        options = {"movflags": "+faststart"} if self.kind.form in ("mp4", "mov") else {}
        with _writable(name):
            self.container: Any = av.open(os.path.abspath(path), "w", format=self.kind.form, options=options)
        self.video: Any = self.container.add_stream(self.kind.codec, options=self.kind.options)
        self._describe(facts)
        self.coded_anew: set[Any] = set()
        self.sounds = {track: self._add_track(track) for track in facts.sounds if self.kind.sound}
        self.palettes: Any = _palette_graph(facts.size) if self.kind.form == "gif" else None
        self.next_gif_time = 0

    def _describe(self, facts: Facts) -> None:
        """Tells the codec what comes."""
        height, width = facts.size
        even = int(self.kind.even)
        codec = self.video.codec_context
        codec.width, codec.height = width + width % 2 * even, height + height % 2 * even
        codec.framerate = facts.rate
        if self.kind.form == "gif":
            codec.pix_fmt, codec.time_base = "pal8", GIF_TIME_BASE
            return
        codec.pix_fmt, codec.time_base = "yuva420p" if self.transparent else "yuv420p", facts.time_base
        codec.sample_aspect_ratio = facts.pixel_shape
        codec.colorspace = codec.color_primaries = codec.color_trc = BT709
        codec.color_range = LIMITED_RANGE

    def _add_track(self, track: Any) -> Any:
        """The track of the file for one of the video's; it has a codec of its own where that one is coded anew."""
        if not self.kind.holds or track.codec_context.codec.canonical_name in self.kind.holds:
            return self.container.add_stream_from_template(track)
        self.coded_anew.add(track)
        layout = USUAL_LAYOUTS.get(track.layout.name, track.layout.name)
        return self.container.add_stream(self.kind.sound, rate=SOUND_RATE, layout=layout)

    def add_sound(self, packet: Any) -> None:
        """Copies a packet of one of the tracks of `facts`, or codes it anew; a GIF has no sound."""
        track = self.sounds.get(packet.stream)
        if track is None:
            return
        with _writable(self.name):
            if packet.stream in self.coded_anew:
                for block in packet.decode():
                    self.container.mux(track.encode(block))
            else:
                packet.stream = track
                self.container.mux(packet)

    def add(self, picture: NDArray[np.uint8], time: int, duration: int) -> None:
        """Writes a picture, RGB or RGBA uint8 (H, W, C), that is shown at a time for so long, in the time base of `facts`."""
        from av import VideoFrame

        if picture.shape[2] == 4 and not self.transparent:
            picture = on_white(picture)
        if self.kind.even:
            height, width = picture.shape[:2]
            picture = np.asarray(cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
        frame: Any = VideoFrame.from_ndarray(picture, "rgba" if picture.shape[2] == 4 else "rgb24")
        if self.palettes is not None:
            self._add_to_gif(frame, time, duration)
            return
        frame = frame.reformat(format=self.video.codec_context.pix_fmt, dst_colorspace="ITU709")
        frame.pts, frame.duration, frame.time_base = time, duration, self.time_base
        self._encode(frame)

    def _add_to_gif(self, frame: Any, time: int, duration: int) -> None:
        """Gives a frame a palette of its own; leaves out one that browsers would show for too long."""
        unit = self.time_base / GIF_TIME_BASE
        time = round(time * unit)
        if time < self.next_gif_time:
            return
        self.next_gif_time = time + SHORTEST_GIF_FRAME
        frame = frame.reformat(format="rgba")
        frame.pts, frame.duration, frame.time_base = time, max(round(duration * unit), SHORTEST_GIF_FRAME), GIF_TIME_BASE
        self.palettes.push(frame)
        self._encode(self.palettes.pull())

    def _encode(self, frame: Any) -> None:
        """Hands a frame, or None at the end, to the codec, and what comes out to the file."""
        if frame is not None:
            self.durations[frame.pts] = frame.duration
        with _writable(self.name):
            for packet in self.video.encode(frame):
                packet.duration = self.durations.pop(packet.pts, 0)  # codecs drop that of the last frame
                self.container.mux(packet)

    def close(self) -> None:
        """Writes what the codec still has, and the file's end."""
        self._encode(None)
        with _writable(self.name):
            for track in self.coded_anew:
                self.container.mux(self.sounds[track].encode(None))
            self.container.close()

    def abandon(self) -> None:
        """Lets go of the file, which is worth nothing."""
        with suppress(Exception):
            self.container.close()


@contextmanager
def _writable(name: str) -> Iterator[None]:
    """Around FFmpeg's work: its errors become sentences for the user."""
    from av.error import FFmpegError

    try:
        yield
    except FFmpegError as error:
        raise OSError(f"The video {name!r} cannot be written: {error.strerror or error}.") from error


def _palette_graph(size: tuple[int, int]) -> Any:
    """FFmpeg's filters that find the best 256 colours of each RGBA frame, and give it those."""
    from av import VideoFormat
    from av.filter import Graph

    height, width = size
    graph = Graph()
    source = graph.add_buffer(width=width, height=height, format=VideoFormat("rgba"), time_base=GIF_TIME_BASE)
    split, sink = graph.add("split"), graph.add("buffersink")
    colors = graph.add("palettegen", "stats_mode=single")
    drawing = graph.add("paletteuse", "new=1:alpha_threshold=128")
    source.link_to(split)
    split.link_to(colors, 0, 0)
    split.link_to(drawing, 1, 0)
    colors.link_to(drawing, 0, 1)
    drawing.link_to(sink)
    graph.configure()
    return graph
