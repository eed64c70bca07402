"""Files that mean harm: mutations of good files in every format, bombs, polyglots. What bombs hold is small here."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image
from support.pictures import chunk

PIXELS = np.random.default_rng(12).integers(0, 256, (24, 40, 3), dtype=np.uint8)


def save(form: str, pixels: Any = PIXELS, mode: str = "RGB", **options: Any) -> bytes:
    """The bytes of an image file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, form, **options)
    return stream.getvalue()


SEEDS: dict[str, bytes] = {
    "jpeg": save("JPEG"),
    "jpeg progressive": save("JPEG", progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"),
    "jpeg cmyk": save("JPEG", mode="CMYK"),
    "png": save("PNG"),
    "png palette": save("PNG", mode="P", transparency=3),
    "png grey alpha": save("PNG", mode="LA"),
    "webp": save("WEBP"),
    "webp lossless": save("WEBP", lossless=True, mode="RGBA"),
    "bmp": save("BMP"),
    "bmp palette": save("BMP", mode="P"),
    "tiff": save("TIFF"),
    "tiff lzw": save("TIFF", compression="tiff_lzw"),
    "tiff deflate": save("TIFF", compression="tiff_adobe_deflate"),
    "tiff jpeg": save("TIFF", compression="jpeg"),
    "tiff fax": save("TIFF", mode="1", compression="group4"),
    "gif": save("GIF", mode="P"),
    "gif animated": save("GIF", mode="P", save_all=True, append_images=[Image.fromarray(PIXELS[::-1]).convert("P")]),
}


def mutate(seed: bytes, dice: random.Random) -> bytes:
    """The file with some of its bits flipped, a piece cut out, doubled, overwritten or its end gone."""
    data = bytearray(seed)
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        start = dice.randrange(len(data))
        length = dice.choice((1, 2, 4, 16, 200))
        match dice.randrange(6):
            case 0:
                data[start] ^= 1 << dice.randrange(8)
            case 1:
                data[start] = dice.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                del data[start : start + length]
            case 3:
                data[start:start] = data[start : start + length]
            case 4:
                data[start : start + length] = dice.randbytes(length)
            case 5 if start > 8:
                del data[start:]
        if not data:
            return b"\0"
    return bytes(data)


def mutations(count: int, seed: int = 1) -> Iterator[bytes]:
    """So many mutated files, the formats taking turns."""
    dice = random.Random(seed)
    seeds = list(SEEDS.values())
    for number in range(count):
        yield mutate(seeds[number % len(seeds)], dice)


def png(width: int, height: int, content: bytes, *extra: bytes) -> bytes:
    """A PNG, grey, of 8 bits, that says it is of this size, whatever it holds."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"".join((b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *extra, chunk(b"IDAT", content), chunk(b"IEND", b"")))


def deflated_zeros(count: int) -> bytes:
    return zlib.compress(bytes(count), 9)


def gif_bomb() -> bytes:
    small = bytearray(SEEDS["gif"])
    small[6:10] = struct.pack("<HH", 65_535, 65_535)
    return bytes(small)


def bmp_of(width: int, height: int) -> bytes:
    return SEEDS["bmp"][:18] + struct.pack("<ii", width, height) + SEEDS["bmp"][26:]


def jpeg_with_exif(size: int) -> bytes:
    """A JPEG with so many bytes of application data in front of its picture."""
    segment = b"\xff\xe1" + struct.pack(">H", 65_535) + b"Exif\0\0" + bytes(65_527)
    return SEEDS["jpeg"][:2] + segment * (size // len(segment)) + SEEDS["jpeg"][2:]


SVG = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>'
HOSTILE: dict[str, tuple[bytes, int]] = {
    "png bomb": (png(30_000, 30_000, deflated_zeros(1_000_000)), 413),
    "png bomb beyond counting": (png(2**31 - 1, 2**31 - 1, b""), 413),
    "png just too large": (png(10_000, 5_001, deflated_zeros(1000)), 413),
    "png of no width": (png(0, 10, b""), 422),
    "png cut short inside": (png(4000, 3000, deflated_zeros(1000)), 422),
    "png text bomb": (png(8, 8, deflated_zeros(72), chunk(b"zTXt", b"a\0\0" + deflated_zeros(80_000_000))), 422),
    "png profile bomb": (png(8, 8, deflated_zeros(72), chunk(b"iCCP", b"a\0\0" + deflated_zeros(80_000_000))), 422),
    "gif bomb": (gif_bomb(), 413),
    "bmp bomb": (bmp_of(60_000, 60_000), 413),
    "bmp of negative width": (bmp_of(-40, 24), 413),
    "enormous exif": (jpeg_with_exif(5_000_000), 200),
    "svg": (SVG, 415),
    "html": (b"<html><script>alert(1)</script></html>", 415),
    "zip": (b"PK\x03\x04" + bytes(100), 415),
    "pdf": (b"%PDF-1.7\n", 415),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(40), 415),
    "pickle": (b"\x80\x04\x95\x0f\0\0\0\0\0\0\0\x8c\x05posix\x94.", 415),
    "photoshop": (b"8BPS\0\x01" + bytes(40), 415),
    "jpeg and zip": (SEEDS["jpeg"] + b"PK\x03\x04" + bytes(100), 200),
    "gif and script": (SEEDS["gif"] + b"/*<script>alert(1)</script>*/", 200),
    "zeros": (bytes(100_000), 415),
}
"""Files and the status that each deserves."""
