"""ModelScope's hub: its own client fetches a model's two files, resumes, and checks what it gets. Where that fails, one
sentence says what really was in the way: the connection is blamed only where it was the connection.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Final

REPOSITORIES: Final = {
    "m2fp": "cv_resnet101_image-multiple-human-parsing",
    "m2fp-single": "cv_resnet101_image-single-human-parsing",
}
OWNERS: Final = ("iic", "damo")
"""Today's owner of both models, and the one under which they were published."""
REVISIONS: Final = {"m2fp": ("v1.0.1", None), "m2fp-single": (None,)}
"""Tags to ask for, None for the newest state; the single-person model is known without one only."""

ELSEWHERE: Final = "or fetch the model folder another way and name it with --weights"

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes in all, from any thread."""

log = logging.getLogger(__name__)


class HubError(Exception):
    """The hub's files could not be had; the message is one sentence for the user."""


def fetch(name: str, folder: Path, files: list[str], progress: Progress | None = None) -> None:
    """Fetches files of a model.

    Args:
        name: a key of `REPOSITORIES`.
        folder: where they go, and what is left of an earlier try.
        files: their names.
        progress: told how far it is.

    Raises:
        HubError: they could not be had; another call goes on where this ended.
        OSError: the disk is full.
        ImportError: ModelScope's client is not installed.
    """
    tried: list[str] = []
    for model, revision in addresses(name):
        tried.append(model + (f" at {revision}" if revision else ""))
        try:
            _download(model, revision, folder, files, progress)
        except Exception as error:  # the client lets many kinds through: its own, those of requests and urllib3, the system's
            log.debug("download failed", exc_info=True)
            for cause in causes(error):
                if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise cause from error
            if is_unknown(error):
                continue
            raise HubError(explain(error)) from error
        if not (missing := [file for file in files if not (folder / file).is_file()]):
            return
        raise HubError(f"ModelScope's folder {model} has no {' and no '.join(missing)}.")
    raise _no_such_model(tried)


def check(name: str, seconds: float) -> str:
    """Asks the hub for the list of a model's files, and says under which address it has them.

    Raises:
        HubError: as `fetch`.
        ImportError: likewise.
    """
    import requests

    tried: list[str] = []
    for model, revision in addresses(name):
        tried.append(model + (f" at {revision}" if revision else ""))
        address = f"{endpoint()}/api/v1/models/{model}/repo/files"
        try:
            answer = requests.get(address, params={"Revision": revision or "master"}, timeout=seconds)
            answer.raise_for_status()
            answer.json()
        except requests.RequestException as error:
            if is_unknown(error):
                continue
            raise HubError(explain(error)) from error
        return tried[-1]
    raise _no_such_model(tried)


def addresses(name: str) -> Iterator[tuple[str, str | None]]:
    """Where a model may be, the likeliest place first: its name with an owner, and a tag."""
    return ((f"{owner}/{REPOSITORIES[name]}", revision) for owner in OWNERS for revision in REVISIONS[name])


def explain(error: BaseException) -> str:
    """What was in the way, and what to do."""
    import requests

    status = status_of(error) or 0
    kinds = causes(error)

    def of(*wanted: type[BaseException]) -> bool:
        return any(isinstance(kind, wanted) for kind in kinds)

    sentences = (  # the first that fits
        (
            status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED or of(requests.exceptions.ProxyError),
            "The proxy that this machine is set to use did not let the download through: check HTTPS_PROXY and HTTP_PROXY",
        ),
        (
            of(json.JSONDecodeError),
            "Something between this machine and ModelScope answered with a web page instead, as a network's login page does:"
            " log in with a browser and start again",
        ),
        (
            status == HTTPStatus.TOO_MANY_REQUESTS,
            "ModelScope has had too many requests from this address, which others may share (status 429): wait a few minutes"
            " and start again",
        ),
        (
            status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN),
            f"ModelScope does not hand out M2FP's weights to this machine (status {status}): try again later",
        ),
        (status >= HTTPStatus.INTERNAL_SERVER_ERROR, f"ModelScope itself has failed (status {status}): start again later"),
        (status > 0, f"ModelScope does not understand the request (status {status}): update this program"),
        (
            of(requests.exceptions.SSLError),
            "The connection to ModelScope could not be trusted, as its certificate is not valid here: check the clock, and what"
            " inspects this network's traffic",
        ),
        (
            any(parent.__name__ == "FileIntegrityError" for kind in kinds for parent in type(kind).__mro__),
            "M2FP's weights could not be downloaded from ModelScope: what arrived is not the file that it has, but perhaps a"
            " network's login page: log in with a browser and start again",
        ),
        (
            of(OSError),  # refused, not found, silent, broken off
            "M2FP's weights could not be downloaded from ModelScope: check the connection and start again, which goes on where"
            " it stopped",
        ),
    )
    unknown = "M2FP's weights could not be downloaded from ModelScope: start again"
    sentence = next((sentence for fits, sentence in sentences if fits), unknown)
    return f"{sentence}, {ELSEWHERE} ({type(error).__name__})."


def is_unknown(error: BaseException) -> bool:
    """Whether the hub answers that it has no such model or tag."""
    return status_of(error) in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND) or any(
        type(cause).__name__ in ("NotExistError", "RevisionNotFoundError") for cause in causes(error)
    )


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an error is about; None where no server has answered."""
    for cause in causes(error):
        for holder in (cause, getattr(cause, "response", None)):
            status = getattr(holder, "status_code", None)
            if isinstance(status, int) and status >= HTTPStatus.BAD_REQUEST:
                return status
    return None


def causes(error: BaseException) -> list[BaseException]:
    """An error, and those that it came from, those of single files among them."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop(0)
        if cause is None or cause in found:  # errors of several threads may be each other's context
            continue
        found.append(cause)
        waiting += [*getattr(cause, "failed_files", {}).values(), cause.__cause__ or cause.__context__]
    return found


def endpoint() -> str:
    """The hub's address, as ModelScope's client takes it."""
    return os.environ.get("MODELSCOPE_ENDPOINT") or "https://www.modelscope.cn"


def _no_such_model(tried: list[str]) -> HubError:
    return HubError(f"ModelScope has no such model; asked for were {', '.join(tried)}. Update this program, {ELSEWHERE}.")


def _download(model: str, revision: str | None, folder: Path, files: list[str], progress: Progress | None) -> None:
    from modelscope.hub.callback import ProgressCallback
    from modelscope.hub.snapshot_download import snapshot_download

    totals: dict[str, int] = {}
    done: dict[str, int] = {}
    lock = threading.Lock()

    class Report(ProgressCallback):  # type: ignore[misc]  # the client has no types
        """Sums the files up; the client makes one for each file."""

        def __init__(self, filename: str, file_size: int) -> None:
            super().__init__(filename, file_size)
            with lock:
                totals[filename], done[filename] = file_size, 0

        def update(self, size: int) -> None:
            with lock:
                done[self.filename] += size
                state = sum(done.values()), sum(totals.values())
            if progress is not None:
                progress(*state)

    snapshot_download(model, revision=revision, local_dir=str(folder), allow_file_pattern=files, progress_callbacks=[Report])
