"""How M2FP's official files come to this machine: from ModelScope, by its own client, or from a mirror, where the environment
variable PARSING_MIRROR has its address.

A mirror is any folder of a web server, such as that of a model repository, with `configuration.json` and either
`model.safetensors`, as in this project's cache (253 MB), or `pytorch_model.pt` as ModelScope has it (758 MB). "{model}" in the
address stands for the model's name. A download that broke off goes on where it ended, as long as the server's ETag or date says
that the file is still the same (RFC 9110, If-Range).
"""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import ssl
import time
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from parsing.models.m2fp import hub
from parsing.models.m2fp.hub import Progress

CONFIGURATION: Final = "configuration.json"
CHECKPOINT: Final = "pytorch_model.pt"
SLIM: Final = "model.safetensors"
TRIES: Final = 5
"""How often a mirror is asked for a file until it is whole."""
PAUSE_SECONDS: Final = 2.0
TIMEOUT_SECONDS: Final = 60
"""For which a mirror may be silent."""
BROKEN: Final = (URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
"""What a mirror out of reach, or a connection that ends, raises; other OSErrors are the disk's."""

DOCTOR: Final = "'python -m parsing doctor' tells more."
"""Where a sentence is not enough."""

log = logging.getLogger(__name__)


class WeightsError(OSError):
    """The weights are out of reach, damaged, unsafe or of another network; the message is one sentence for the user."""


def download(name: str, folder: Path, progress: Progress | None = None) -> None:
    """Fetches a model's configuration and its weights, `SLIM` or `CHECKPOINT`.

    Args:
        name: "m2fp" or "m2fp-single".
        folder: where they go, and what is left of an earlier try.
        progress: told how far it is; the terminal always shows it.

    Raises:
        WeightsError: out of reach, or broken off. Another call goes on where this ended.
        OSError: the disk is full or cannot be written.
    """
    mirror = os.environ.get("PARSING_MIRROR")
    source = "the mirror that PARSING_MIRROR names" if mirror else "ModelScope"
    log.warning("Downloading M2FP's official weights (CC BY-NC 4.0: no commercial use) from %s", source)
    if mirror:
        _from_mirror(mirror.replace("{model}", name), folder, progress)
    else:
        _from_modelscope(name, folder, progress)


def _from_mirror(address: str, folder: Path, progress: Progress | None) -> None:
    if not address.startswith(("https://", "http://")):
        raise WeightsError("PARSING_MIRROR takes an address that begins with https://; for a folder there is PARSING_WEIGHTS.")
    try:
        for wanted in ((CONFIGURATION,), (SLIM, CHECKPOINT)):
            if not any(_fetch(f"{address.rstrip('/')}/{file}", folder / file, progress) for file in wanted):
                raise WeightsError(f"The mirror that PARSING_MIRROR names has no {' and no '.join(wanted)}.")
    except (*BROKEN, ValueError) as error:  # ValueError: no address at all
        log.debug("download failed", exc_info=True)
        if isinstance(error, HTTPError):
            check, why = "the address, which the mirror does not serve", f"status {error.code}"
        else:
            check, why = "the address and the connection", type(error).__name__
        raise WeightsError(
            f"M2FP's weights could not be downloaded from the mirror that PARSING_MIRROR names: check {check}, and start again,"
            f" which goes on where it stopped ({why})."
        ) from error


def _fetch(address: str, file: Path, progress: Progress | None) -> bool:
    """Fetches a file, in several tries where needed; False where the server has none of that name."""
    for remaining in reversed(range(TRIES)):
        try:
            _go_on(address, file, progress)
            return True
        except HTTPError as error:
            if error.code == http.client.NOT_FOUND:
                return False
            if error.code < 500 or not remaining:
                raise
        except BROKEN:
            if not remaining:
                raise
        time.sleep(PAUSE_SECONDS)
    return False


def _go_on(address: str, file: Path, progress: Progress | None) -> None:
    """Fetches what is missing of a file; until it is whole, it has a name of its version, so that versions never mix."""
    answer = _ask(address)
    if answer.headers.get_content_type() == "text/html":
        answer.close()
        raise WeightsError(
            "Something between this machine and the mirror that PARSING_MIRROR names, or the mirror itself, answered with a web"
            " page instead of a file: log in with a browser where the network asks for it, check the address, and start again."
        )
    version = answer.headers["ETag"] or answer.headers["Last-Modified"]
    total = int(answer.headers["Content-Length"] or 0)
    partial = file.with_name(f"{file.name}.{hashlib.sha256((version or '').encode()).hexdigest()[:16]}.part")
    there = partial.stat().st_size if version and partial.exists() else 0
    if 0 < there < total:
        answer.close()
        answer = _ask(address, {"Range": f"bytes={there}-", "If-Range": version})
    if answer.status != http.client.PARTIAL_CONTENT:
        there = 0
    from tqdm import tqdm  # here, for who imports the package mostly downloads nothing

    # disable=None: only a terminal sees it
    bar = tqdm(desc=file.name, total=total or None, initial=there, unit="B", unit_scale=True, disable=None)
    with answer, bar, partial.open("ab" if there else "wb") as arriving:
        while block := answer.read(1 << 20):
            arriving.write(block)
            there += len(block)
            bar.update(len(block))
            if progress is not None:
                progress(there, total)
    if there < total:  # the connection ended, which read() does not mention
        raise http.client.IncompleteRead(b"", total - there)
    partial.replace(file)


def _ask(address: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    request = Request(address, headers={"User-Agent": "human-parsing", **(headers or {})})  # noqa: S310, the operator names it
    answer: http.client.HTTPResponse = urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
    return answer


def _from_modelscope(name: str, folder: Path, progress: Progress | None) -> None:
    try:
        hub.fetch(name, folder, [CONFIGURATION, CHECKPOINT], progress)
    except hub.HubError as error:
        raise WeightsError(f"{error} {DOCTOR}") from error
    except ImportError as error:
        raise WeightsError(
            "Downloading M2FP's weights needs ModelScope's client; install it with 'pip install modelscope', or give a local"
            " model folder."
        ) from error
