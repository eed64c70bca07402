"""What the calls of the page and of gradio_client may carry: shapes and sizes, checked before Gradio sees them.

Each check gives what goes on to Gradio, made anew from what was asked for: nothing else passes. A file is only ever a name;
whether it is an upload of this server, `Uploads` knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from parsing.web.server.allowed import SESSION
from parsing.web.server.uploads import NAME

Check = Callable[[Any], Any]

MOST_FRAME: Final = 2_000_000
"""Characters of a frame from the camera; the page's own are a tenth of that."""
MOST_JSON: Final = 3_000_000
"""Bytes of a call; photos are uploaded and only named."""
LARGEST_NUMBER: Final = 1_000_000_000


class WrongError(Exception):
    """The call is not one that the page or gradio_client makes; the message is one sentence."""


class UnknownError(WrongError):
    """There is nothing of that name."""


def read_json(body: bytes) -> dict[str, Any]:
    """The object that a body holds.

    Raises:
        WrongError: it holds none, or numbers that JSON does not have, such as NaN.
    """

    def reject(number: str) -> None:
        raise ValueError(number)

    try:
        found = json.loads(body, parse_constant=reject)
    except (ValueError, RecursionError):
        raise WrongError("This is not JSON.") from None
    if not isinstance(found, dict):
        raise WrongError("This is not a JSON object.")
    return found


def write_json(value: Any) -> bytes:
    """The bytes of a value as JSON.

    Raises:
        WrongError: there is a number without an end in it, or half of a character.
    """
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise WrongError("This is not JSON.") from None


def text(most: int) -> Check:
    """Checks for a string of so many characters at most."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise WrongError(f"A text of {most} characters at most is needed.")
        return value

    return check


def pattern(expression: str) -> Check:
    """Checks for a string that matches the expression as a whole."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(expression, value):
            raise WrongError("A name is not one that the page gives.")
        return value

    return check


def optional(inner: Check) -> Check:
    """Checks what `inner` checks, and lets null pass."""
    return lambda value: None if value is None else inner(value)


def flag(value: Any) -> bool:
    """Checks for true or false."""
    if not isinstance(value, bool):
        raise WrongError("True or false is needed.")
    return value


def number(value: Any) -> float:
    """Checks for a number between minus and plus `LARGEST_NUMBER`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
        raise WrongError("A number is needed.")
    return value


def whole(value: Any) -> int:
    """Checks for a whole number."""
    if isinstance(number(value), float) and value != int(value):
        raise WrongError("A whole number is needed.")
    return int(value)


def words(value: Any) -> list[str]:
    """Checks for a list of parts' names, 40 at most."""
    if not isinstance(value, list) or len(value) > 40:
        raise WrongError("A list of names is needed.")
    return [text(100)(name) for name in value]


def photo(value: Any) -> str:
    """The name of an upload, from a file as Gradio's pages and programs name it. What cannot be one becomes the empty name,
    which none has.
    """
    path = value.get("path") if isinstance(value, dict) else value
    return path if isinstance(path, str) and NAME.fullmatch(path) else ""


def fields(**checks: Check) -> Check:
    """An object with these fields, of which any may be left out; others are dropped."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise WrongError("A JSON object is needed.")
        return {name: one(value[name]) for name, one in checks.items() if name in value}

    return check


menu: Final = optional(fields(choice=text(20), faster=flag))
ticket: Final = optional(text(60))

CALLS: Final[Mapping[str, tuple[Check, ...]]] = {
    "upload": (optional(photo), menu, ticket),
    "example": (optional(whole), menu, ticket),
    "switch": (menu, ticket),
    "parse": (photo,),
    "recolor": (
        *(photo, optional(words), number, text(100), text(100), optional(whole)),
        *(whole, whole, flag, optional(text(100))),  # edges, crop, colour
    ),
}
"""What each function of the page, by its name there, takes."""

SERVER_CALLS: Final[Mapping[str, Check]] = {
    "begin_photo": ticket,
    "first_photo": ticket,
    "earlier_photo": fields(ticket=ticket, earlier=whole),
    "parse_frame": fields(ticket=ticket, jpeg=text(MOST_FRAME), mirrored=flag),
    "save_file": fields(
        ticket=ticket, form=text(20), parts=words, person=optional(whole), palette=text(100), grow=whole, feather=whole
    ),
    "model_state": flag,
}
"""What each function takes that the scripts of the page call, by its name."""


def check_call(body: dict[str, Any], name: str) -> list[Any]:
    """The data of a call of one of `CALLS`.

    Raises:
        WrongError: they are not what the function takes.
        UnknownError: there is no such function.
    """
    checks = CALLS.get(name)
    if checks is None:
        raise UnknownError("There is no such function.")
    data = body.get("data")
    if not isinstance(data, list) or len(data) != len(checks):
        raise WrongError(f"The function {name} takes a list 'data' of {len(checks)}.")
    return [check(value) for check, value in zip(checks, data, strict=True)]


def check_server_call(body: dict[str, Any]) -> dict[str, Any]:
    """A call of one of `SERVER_CALLS`, made anew.

    Raises:
        WrongError: it is not one that the page makes.
        UnknownError: there is no such function.
    """
    name = text(60)(body.get("fn_name"))
    if name not in SERVER_CALLS:
        raise UnknownError("There is no such function.")
    return {
        "data": SERVER_CALLS[name](body.get("data")),
        "fn_name": name,
        "component_id": whole(body.get("component_id")),
        "session_hash": pattern(SESSION)(body.get("session_hash")),
    }


def check_cancel(body: dict[str, Any]) -> dict[str, Any]:
    """A call that is taken back, made anew.

    Raises:
        WrongError: it is not one that gradio_client makes.
    """
    name = pattern(SESSION)
    return {
        "session_hash": name(body.get("session_hash")),
        "event_id": name(body.get("event_id")),
        "fn_index": whole(body.get("fn_index")),
    }
