"""Strangers' photos are decoded in a process of their own, `decoder_process.py`, whose memory and time are limited: a decoder
that crashes, hangs or swells costs one photo. The pixels come back through memory that both processes see.

Where the system has no such limits (Windows), the server decodes by itself.
"""

from __future__ import annotations

import json
import mmap
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

import parsing
from parsing.image import MAX_PIXELS, ImageError

SECONDS: Final = 15.0
"""For one photo; 50 megapixels take two to four on one core."""
START_SECONDS: Final = 60.0
"""For the process to start, on a busy machine."""
CRASHED: Final = "The picture cannot be decoded; save it again as an ordinary JPEG."
TOO_SLOW: Final = "The picture takes too long to decode; save it again as an ordinary JPEG."


class Decoder:
    """The process, started when it is first needed and again after it has been lost. Thread-safe: one photo at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pixels: IO[bytes] | None = None

    def start(self) -> None:
        """Starts the process ahead of the first photo; returns at once."""
        if self.separate:
            threading.Thread(target=self._ready, name="start the decoder", daemon=True).start()

    @property
    def separate(self) -> bool:
        """Whether this system can limit a process."""
        return os.name == "posix"

    def __call__(self, content: bytes, most_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
        """The pixels of a picture file, as `parsing.open_image` gives them.

        Raises:
            ImageError: as `parsing.open_image`, or it took too long, or ended the process.
        """
        if not self.separate:
            return parsing.open_image(content, most_pixels)
        with self._lock:
            try:
                process, pixels = self._started()
                answer = self._ask(process, content, most_pixels)
            except TimeoutError:
                self._end()
                raise ImageError(TOO_SLOW, "slow") from None
            except (OSError, ValueError):  # it is gone, or says nothing that makes sense
                self._end()
                raise ImageError(CRASHED, "damaged") from None
            if "error" in answer:
                raise ImageError(answer["error"], answer["kind"])
            shape = (answer["height"], answer["width"], 3)
            with mmap.mmap(pixels.fileno(), int(np.prod(shape)), access=mmap.ACCESS_READ) as shared:
                photo = np.frombuffer(shared, np.uint8).reshape(shape).copy()
            os.ftruncate(pixels.fileno(), 0)
            return photo

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._end()

    def _ready(self) -> None:
        with self._lock:
            try:
                self._started()
            except OSError:  # whoever sends the first photo starts another, or is told
                self._end()

    def _started(self) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        if self._process is not None and self._process.poll() is None and self._pixels is not None:
            return self._process, self._pixels
        self._end()
        pixels = _shared_memory()
        process = subprocess.Popen(
            [sys.executable, "-m", "parsing.web.server.decoder_process", str(pixels.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            pass_fds=[pixels.fileno()],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C is for the server, which then ends it
        )
        self._process, self._pixels = process, pixels
        _read_line(process, time.monotonic() + START_SECONDS)  # it has started
        return process, pixels

    def _ask(self, process: subprocess.Popen[bytes], content: bytes, most_pixels: int) -> dict[str, Any]:
        assert process.stdin is not None
        until = time.monotonic() + SECONDS
        process.stdin.write(json.dumps({"bytes": len(content), "most_pixels": most_pixels}).encode() + b"\n")
        view = memoryview(content)
        while view:
            view = view[process.stdin.write(view) :]
        answer: dict[str, Any] = json.loads(_read_line(process, until))
        return answer

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
        if self._pixels is not None:
            self._pixels.close()
        self._process = self._pixels = None


def _shared_memory() -> IO[bytes]:
    """A file without a name: in memory on Linux, elsewhere in the temporary folder."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("pixels"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def _read_line(process: subprocess.Popen[bytes], until: float) -> bytes:
    """What the process says, up to the end of a line.

    Raises:
        TimeoutError: it has not said it in time.
        OSError: it has ended.
    """
    assert process.stdout is not None
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, until - time.monotonic())):
                raise TimeoutError
            piece = process.stdout.read(65536)
            if not piece:
                raise OSError
            line += piece
    return line
