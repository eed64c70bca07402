"""What REST says when something cannot be done: a status, and {"error": "one sentence"}."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Route

import parsing
from parsing.web.rest.answers import Error
from parsing.web.server.forms import NO_ROOM
from parsing.web.server.guard import error_answer
from parsing.web.server.memory import memory_told
from parsing.web.server.turns import Answer, BusyError, GoneError, StoppingError

log = logging.getLogger(__name__)

COME_AGAIN_SECONDS: Final = 30
"""After which to come again while a model is being loaded, or where memory or disk do not suffice."""

STATUSES: Final = {
    400: "not a multipart form",
    408: "the request came too slowly",
    413: "too many bytes or pixels",
    415: "not an image",
    422: "a field is missing or wrong, or the image is damaged",
    501: "the server lacks a package that the format needs",
    503: "no room in line, in memory or on disk, or the model is still being loaded; come again after `Retry-After` seconds",
}
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Error, "description": description} for status, description in STATUSES.items()
}


def add_refusals(rest: FastAPI) -> None:
    """Turns whatever is raised into an answer."""
    # Starlette asks for functions that take any exception, and calls them with those of their own class only.
    rest.add_exception_handler(RequestValidationError, _explain_field)  # type: ignore[arg-type]
    rest.add_exception_handler(HTTPException, _explain_status)  # type: ignore[arg-type]
    rest.add_exception_handler(BusyError, lambda _, busy: error_answer(503, str(busy), {"Retry-After": str(busy.seconds)}))
    rest.add_exception_handler(StoppingError, lambda _, stopping: error_answer(503, str(stopping), {"Retry-After": "60"}))
    rest.add_exception_handler(GoneError, lambda *_: Response(status_code=499))  # for nobody
    rest.add_exception_handler(Exception, lambda *_: error_answer(500, "The program itself failed; its log says why."))


def refuse_other_methods(rest: FastAPI) -> None:
    """Answers wrong methods with 405: the page is mounted behind these routes and would say that there is nothing."""
    for route in [route for route in rest.routes if isinstance(route, APIRoute)]:
        names = ", ".join(sorted(route.methods or ()))
        refusal = error_answer(405, f"This address answers {names} only.", {"Allow": names})
        rest.router.routes.append(Route(route.path, refusal))  # without methods of its own: for all that are left


def with_status(work: Callable[[], Answer]) -> Callable[[], Answer]:
    """The same work, with a status where a photo cannot be used or the memory does not suffice for it."""

    def telling() -> Answer:
        try:
            with memory_told():
                return work()
        except parsing.ImageError as error:
            headers = {"Retry-After": str(COME_AGAIN_SECONDS)} if error.status == 503 else None
            raise HTTPException(error.status, str(error), headers) from None

    return telling


def _explain_field(_: Request, error: RequestValidationError) -> Response:
    """The first field that is wrong, in a sentence."""
    first = error.errors()[0]
    field = next((str(step) for step in first["loc"] if step not in ("body", "query")), "")
    if field == "image" or not field:
        return error_answer(422, "Send the photo as a file in the field 'image' of a multipart form.")
    if first["type"] == "string_pattern_mismatch":
        return error_answer(422, f"The field {field!r} is wrong: a colour is written as #rrggbb, such as #c2185b.")
    return error_answer(422, f"The field {field!r} is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}.")


def _explain_status(_: Request, error: HTTPException) -> Response:
    if isinstance(error.__cause__, OSError):  # a large photo is put on disk while it comes
        log.error("A photo could not be kept: %s", error.__cause__.strerror)
        return error_answer(503, NO_ROOM, {"Retry-After": str(COME_AGAIN_SECONDS)})
    sentence = error.detail
    if error.status_code == 400 and sentence.startswith("Too many"):
        sentence = "The form has too many parts; send fewer at a time."
    elif error.status_code == 400:
        sentence = "This is not a multipart form; send the photo in its field 'image'."
    return error_answer(error.status_code, sentence, error.headers)
