"""How often a JPEG would be decoded: its scans are counted without decoding any (ISO/IEC 10918-1, annex B)."""

from __future__ import annotations

import re
from typing import BinaryIO, Final

SCAN: Final = b"\xff\xda"
"""The marker with which a scan begins."""
END: Final = 0xD9
_MARKER: Final = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
"""What stands before a segment with a length, or at the end; not the bytes of FF within a scan, nor its restarts."""


def has_more_scans(stream: BinaryIO, most: int) -> bool:
    """Whether a JPEG has more scans than `most`; the stream stays where it is."""
    position = stream.tell()
    stream.seek(0)
    content = stream.read()
    stream.seek(position)
    if content.count(SCAN) <= most:
        return False
    # Other data, such as a film that follows the picture, may hold these two bytes as well: marker by marker, until the end.
    scans, place = 0, 2
    while found := _MARKER.search(content, place):
        marker, place = found[0][1], found.end()
        if marker == END:
            return False
        scans += marker == SCAN[1]
        if scans > most:
            return True
        place += int.from_bytes(content[place : place + 2], "big")
    return False
