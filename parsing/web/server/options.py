"""The options of `python app.py`: from the command line, else from environment variables, else what is usual."""

from __future__ import annotations

import argparse
import os
import re
import socket

from parsing.models import NAMES, SIZES
from parsing.program import OptionParser, end_program


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """`host`, `port`, `model`, `weights`, `size`, `auth` ("user:password" or None), `address`, `mcp` and the
    lists `origins`, `hosts` and `frames`. Ends the program with one sentence where one of them cannot be meant.
    """
    environment = os.environ.get
    options = OptionParser(
        prog="python -m parsing serve",
        description="Serves the page, as python app.py does. Every option may also come from an environment variable.",
    )
    hosted = "0.0.0.0" if environment("SPACE_ID") else "127.0.0.1"  # noqa: S104, a Space is reached from without
    options.add_argument(
        "--host",
        default=environment("PARSING_HOST") or environment("GRADIO_SERVER_NAME") or hosted,
        help="address to listen on, 0.0.0.0 for every one; PARSING_HOST (default: this machine only)",
    )
    options.add_argument(
        "--port",
        default=environment("PARSING_PORT") or environment("GRADIO_SERVER_PORT") or "7860",
        help="PARSING_PORT (default: 7860)",
    )
    options.add_argument(
        "--model",
        default=environment("PARSING_MODEL") or "auto",
        help="auto: lite at once, m2fp as soon as it is here; lite: m2fp only when somebody chooses it on the page; another,"
        f" of {', '.join(NAMES[2:])}: nothing is served without it; PARSING_MODEL (default: auto)",
    )
    options.add_argument(
        "--weights",
        metavar="FOLDER",
        default=environment("PARSING_WEIGHTS") or None,
        help="model folder in ModelScope's format for M2FP, instead of a download; PARSING_WEIGHTS",
    )
    options.add_argument(
        "--size",
        choices=SIZES,
        default=environment("PARSING_SIZE") or "official",
        help="of M2FP's input: official sees most, fast is fastest; PARSING_SIZE (default: official)",
    )
    options.add_argument(
        "--auth",
        metavar="USER:PASSWORD",
        default=environment("PARSING_AUTH") or None,
        help="asked for by the page and by REST; better in PARSING_AUTH, where no list of processes shows it (default: none)",
    )
    options.add_argument(
        "--origins",
        metavar="ADDRESS,...",
        default=environment("PARSING_ORIGINS") or "",
        help="web sites whose scripts may use REST, such as https://example.org, or * for all; PARSING_ORIGINS (default: none)",
    )
    options.add_argument(
        "--hosts",
        metavar="NAME,...",
        default=environment("PARSING_HOSTS") or "",
        help="names under which it answers, beside this machine's own, names without a dot and numbers; .example.org for all"
        " below it, * for any; PARSING_HOSTS (default: none more)",
    )
    options.add_argument(
        "--frames",
        metavar="ADDRESS,...",
        default=environment("PARSING_FRAMES") or "",
        help="web sites that may show the page in a frame, or * for all; PARSING_FRAMES (default: none, on a Space its own)",
    )
    options.add_argument(
        "--address",
        default=environment("PARSING_ADDRESS") or "",
        help="where visitors find the page behind a proxy, such as https://example.org/parsing, or only /parsing;"
        " PARSING_ADDRESS (default: as they ask for it)",
    )
    options.add_argument(
        "--mcp",
        action="store_true",
        default=environment("PARSING_MCP", "") not in ("", "0"),
        help="offer tools to language models at /mcp, by the Model Context Protocol; PARSING_MCP=1 (default: no)",
    )
    chosen = options.parse_args(arguments)
    if not (chosen.port.isdecimal() and 1 <= int(chosen.port) <= 65535):
        end_program(f"The port must be a number from 1 to 65535, but it is {chosen.port!r}.")
    chosen.port = int(chosen.port)
    if chosen.size not in SIZES:  # argparse does not look at what comes from the environment
        end_program(f"There is no size {chosen.size!r}; there are {', '.join(SIZES)}.")
    if chosen.auth is not None and not all(chosen.auth.partition(":")):
        end_program("--auth and PARSING_AUTH take a user and a password with a colon between them.")
    if chosen.address and not re.fullmatch(r"(https?://[\w.:\[\]-]+)?(/[\w./~-]*)?", chosen.address):
        end_program(
            "--address and PARSING_ADDRESS take an address such as https://example.org/parsing, or a path such as /parsing."
        )
    if any(re.search(r"[;\s]", name) for name in chosen.frames.split(",") if name.strip()):
        end_program("--frames and PARSING_FRAMES take addresses such as https://example.org, with commas between them.")
    chosen.origins, chosen.frames = _split(chosen.origins), _split(chosen.frames)
    chosen.hosts = _split(chosen.hosts)
    return chosen


def _split(addresses: str) -> list[str]:
    """What stands between commas, without slashes at its end."""
    return [address.strip().rstrip("/") for address in addresses.split(",") if address.strip()]


def check_address(host: str, port: int) -> None:
    """Ends the program with one sentence where nobody could listen there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError):
        end_program(f"Port {port} on {host} cannot be used; is it taken? Choose another with --port, or another --host.")
