"""The process that decodes strangers' photos: `python -m parsing.web.server.decoder_process FILE-NUMBER`.

On its input come a line of JSON, {"bytes", "most_pixels"}, and so many bytes of a picture file; the pixels go into the file of
that number, and a line of JSON to its output: {"height", "width"}, or {"error", "kind"} of an `ImageError`. It ends with its
input.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from typing import Any, Final

from PIL import Image

from parsing.image import ImageError, open_image

MOST_MEMORY: Final = 3_000_000_000
"""Bytes of address space; 50 megapixels with 16 bits and transparency take 1.2 GB."""
MOST_FILES: Final = 16
"""Open at once, so that no decoder opens many others."""


def limit() -> None:
    """Binds this process to what decoding takes."""
    for kind, most in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_NOFILE, MOST_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS does not limit address space
            resource.setrlimit(kind, (most, most))


def decode(content: bytes, most_pixels: int, pixels: int) -> dict[str, Any]:
    """What to answer on one photo, whose pixels are written into the file of the number `pixels`."""
    try:
        photo = open_image(content, most_pixels)
    except ImageError as error:
        return {"error": str(error), "kind": error.kind}
    view = photo.reshape(-1).data
    os.lseek(pixels, 0, os.SEEK_SET)
    while view:
        view = view[os.write(pixels, view) :]
    return {"height": photo.shape[0], "width": photo.shape[1]}


def main() -> None:
    """Answers one photo after the other."""
    pixels = int(sys.argv[1])
    Image.init()  # all decoders are loaded before nothing more may be opened
    limit()
    output = sys.stdout.buffer
    output.write(b"{}\n")
    output.flush()
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        content = sys.stdin.buffer.read(asked["bytes"])
        answer = decode(content, asked["most_pixels"], pixels)
        output.write(json.dumps(answer).encode() + b"\n")
        output.flush()


if __name__ == "__main__":
    main()
