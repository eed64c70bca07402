"""Videos on the command line, `python -m parsing clip.mp4 -o out.mp4`: one video in; one out, or a line of JSON for each frame.

What comes in is a video file, a folder of numbered frames, or a camera, `webcam:0`, until Ctrl-C. Frames stream: four of them
are in memory, besides those that the codecs hold.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final, TextIO

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from parsing.cli.photos import SUFFIXES, find_photos
from parsing.cli.results import STDOUT, make_folder, mute, writing
from parsing.files import whole_file
from parsing.image import Photo
from parsing.parser import Parser
from parsing.render import composite, grow_edges
from parsing.video.clip import Clip
from parsing.video.frames import Facts, Frame, Video
from parsing.video.pictures import Camera, Pictures
from parsing.video.steady import Steady, Steadying
from parsing.video.writing import CONTAINERS, Writer

CAMERA: Final = re.compile(r"webcam:(\d{1,3})")
LINES: Final = ".jsonl"
OTHERS: Final = (".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".avi", ".wmv", ".flv", ".3gp", ".ogv")
"""Suffixes of videos that can be read, besides those that can be written."""
PHOTOS: Final = {*SUFFIXES} - {*CONTAINERS}
"""Suffixes of photos that are no videos."""


def is_video(options: argparse.Namespace) -> bool:
    """Whether the options speak of a video: one goes out, or one comes in, other than a GIF, which is a photo too."""
    return Path(options.output).suffix.lower() in (*CONTAINERS, LINES) or any(map(_is_clip, options.photos))


def _is_clip(name: str) -> bool:
    clips = {*CONTAINERS, *OTHERS} - {*SUFFIXES}
    return bool(CAMERA.fullmatch(name)) or (Path(name).suffix.lower() in clips and not os.path.isdir(name))


def run(options: argparse.Namespace, load_parser: Callable[[], Parser]) -> int:
    """Parses a video, and gives the exit status.

    Args:
        options: as `python -m parsing` reads them.
        load_parser: loads the model, once it is known that it will be needed; makes part names in the options indices.

    Raises:
        ValueError, OSError, ImportError: with a sentence for the user; nothing half-written is left.
    """
    video_file, lines_file = _choose_files(options)
    with ExitStack() as stack:
        video = _open_video(options)
        facts = replace(video.facts, sounds=()) if options.mute else video.facts
        parser = load_parser()
        lines = stack.enter_context(_lines(lines_file)) if lines_file else None
        writer = stack.enter_context(_writer(video_file, facts, options)) if video_file else None
        if isinstance(video, Camera):
            stack.enter_context(_ended_by_ctrl_c(video))
        # disable=None: only at a terminal. leave=False: an error's line stands alone.
        progress = stack.enter_context(tqdm(total=facts.count, unit="frame", leave=False, disable=None))
        for number, (frame, steady) in enumerate(_parse(video, parser, writer)):
            chosen = steady.only(options.parts, options.person)
            if writer:
                writer.add(_draw(frame, chosen, options), frame.time, frame.duration)
            if lines:
                seconds = round(float(frame.time * facts.time_base), 6)
                grown = replace(chosen, parsing=grow_edges(chosen.parsing, options.grow))
                lines.write(json.dumps({"frame": number, "time": seconds, **grown.describe()}) + "\n")
                lines.flush()
            progress.update()
    return 0


def _choose_files(options: argparse.Namespace) -> tuple[Path | None, Path | None]:
    """The files for the video and for the lines of JSON, None where there is none; "-" is standard output.

    Raises:
        ValueError: something was asked for that does not fit a video.
    """
    wants_lines = "json" in options.kinds
    for asked, said in (
        ({*options.kinds} - {"picture", "json"}, "A video has two results, the video itself and, with --json, lines of JSON"),
        (options.crop, "All frames of a video have one size; leave out --crop"),
        (options.resume, "A video is parsed from its first frame on; leave out --resume"),
        (options.ray, "The frames of a video are parsed one after the other, on this machine; leave out --ray"),
    ):
        if asked:
            raise ValueError(said + ".")
    if options.output == STDOUT:
        if options.kinds != ["json"]:
            raise ValueError("Standard output takes lines of JSON, with --json; for a video, give a file with -o.")
        return None, Path(STDOUT)
    file = Path(options.output)
    suffix = file.suffix.lower()
    if suffix not in CONTAINERS and not (suffix == LINES and wants_lines):
        raise ValueError(
            f"The result of a video is one file, {', '.join(CONTAINERS)} or, with --json, {LINES}; but this is"
            f" {file.name!r}. Give another name with -o."
        )
    lines_file = file.with_suffix(LINES) if wants_lines else None
    video_file = None if suffix == LINES else file
    for target in filter(None, (video_file, lines_file)):
        if target.exists() and any(os.path.exists(name) and target.samefile(name) for name in options.photos):
            raise ValueError(f"The result would replace the video {target.name!r} itself; give another name with -o.")
        if target.exists():
            raise ValueError(f"There is a file {target.name!r} already; give another name with -o, or delete it.")
    return video_file, lines_file


def _open_video(options: argparse.Namespace) -> Video:
    """The video that is meant; raises as `run` does."""
    named, rate = options.photos, options.frames_per_second
    is_folder = any(os.path.isdir(name) for name in named)
    if len(named) == 1 and not is_folder and Path(named[0]).suffix.lower() not in PHOTOS:
        if rate:
            raise ValueError("A video has its own number of frames in a second; --frames-per-second is for a folder of frames.")
        if camera := CAMERA.fullmatch(named[0]):
            with mute():
                return Camera.open(int(camera[1]))
        return Clip.open(named[0])
    if any(map(_is_clip, named)):
        raise ValueError("One video is parsed at a time; give the others to commands of their own.")
    photos = [photo.path for photo in find_photos(named, options.recursive, None)]
    if not rate:
        raise ValueError("How long is a frame shown? Say it with --frames-per-second, such as --frames-per-second 25.")
    return Pictures.open(photos, rate)


def _parse(video: Video, parser: Parser, writer: Writer | None) -> Iterator[tuple[Frame, Steady]]:
    """The frames, each with what was found; while the model is at one, the caller draws the one before."""
    steadying = Steadying()
    frames = video.frames(writer.add_sound if writer else lambda packet: None)
    for outcome in parser.map(_timed(frames), lambda timed: Photo(timed[0].pixels, timed[1])):
        if outcome.parsing is None:
            raise outcome.error or RuntimeError("a frame without a result")
        frame, _ = outcome.source
        yield frame, steadying(frame.pixels, outcome.parsing, float(frame.time * video.facts.time_base))


def _timed(frames: Iterable[Frame]) -> Iterator[tuple[Frame, float]]:
    """Frames, each with the milliseconds that reading it took."""
    start = time.perf_counter()
    for frame in frames:
        yield frame, (time.perf_counter() - start) * 1000
        start = time.perf_counter()


def _draw(frame: Frame, steady: Steady, options: argparse.Namespace) -> NDArray[np.uint8]:
    return composite(
        frame.pixels,
        steady.parsing,
        opacity=options.opacity,
        palette=options.palette,
        view=options.view,
        grow=options.grow,
        feather=options.feather,
        color=options.color,
    )


@contextmanager
def _writer(file: Path, facts: Facts, options: argparse.Namespace) -> Iterator[Writer]:
    """What writes the video; its file appears at the end of the block, unless something went wrong."""
    make_folder(file.parent)
    with whole_file(file) as partial:
        writer = Writer(partial, file.name, facts, options.view == "cutout")
        try:
            yield writer
        except BaseException:
            writer.abandon()
            raise
        writer.close()


@contextmanager
def _lines(file: Path) -> Iterator[TextIO]:
    """Where lines of JSON go; a file appears at the end of the block, unless something went wrong."""
    if str(file) == STDOUT:
        yield sys.stdout
        return
    make_folder(file.parent)
    with whole_file(file) as partial:
        with writing(file):
            stream = partial.open("w", encoding="utf-8")
        with stream:
            yield stream


@contextmanager
def _ended_by_ctrl_c(camera: Camera) -> Iterator[None]:
    """Until the end of the block, Ctrl-C is the end of what a camera sees; the second one ends the program."""

    def end(signal_number: int, at: FrameType | None) -> None:
        camera.ended.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
