"""Photos as Gradio's pages and programs upload them: multipart forms, each part a file, taken in while they come."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from parsing.web.server.uploads import Uploads

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

log = logging.getLogger(__name__)

MOST_FILES: Final = 32
NO_FORM: Final = "This is not a multipart form; send the photo in its field 'files'."
NO_ROOM: Final = "The server cannot keep the photo, because its disk is full or cannot be written to; try again later."


class _Form:
    """What a parser of multipart forms calls: each part becomes a file of its own, whatever its field is called."""

    def __init__(self, uploads: Uploads) -> None:
        self.uploads = uploads
        self.names: list[str] = []
        self.pieces: list[bytes] = []
        self.file: BinaryIO | None = None
        self.ended = False

    def on_part_begin(self) -> None:
        if len(self.names) == MOST_FILES:
            raise HTTPException(413, f"There are more than {MOST_FILES} parts in the form, the limit; send fewer at a time.")
        name, path = self.uploads.start()
        self.names.append(name)
        self.file = path.open("wb")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self.file is not None:
            self.file.write(data[start:end])

    def on_part_end(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None

    def on_end(self) -> None:
        self.ended = True


async def take_photos(request: Request, uploads: Uploads) -> list[str]:
    """The names under which the files of a form are kept from now on, in their order.

    Raises:
        HTTPException: 400 it is no form, 413 it has too many parts, 503 there is no room on disk.
        ClientDisconnect: it was broken off. Nothing is left of it in any of these cases.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise HTTPException(400, NO_FORM)
    form = _Form(uploads)
    names = ("on_part_begin", "on_part_data", "on_part_end", "on_end")
    callbacks = cast("MultipartCallbacks", {name: getattr(form, name) for name in names})
    parser = MultipartParser(options[b"boundary"], callbacks)
    try:
        async for chunk in request.stream():
            await run_in_threadpool(parser.write, chunk)
        if not form.ended:
            raise HTTPException(400, NO_FORM)
        for name in form.names:
            uploads.keep(name)
        return form.names
    except BaseException as error:
        form.on_part_end()
        for name in form.names:
            uploads.drop(name)
        if isinstance(error, MultipartParseError):
            raise HTTPException(400, NO_FORM) from None
        if isinstance(error, OSError):
            log.error("An upload could not be kept: %s", error.strerror)
            raise HTTPException(503, NO_ROOM, {"Retry-After": "60"}) from None
        raise
