"""`python -m parsing`, or `human-parsing` where the package is installed.

`serve` is the page, in `parsing.web.serve`, and `site` the page as files, in `parsing.web.site.build`; all else is the command
line, in `parsing.cli.parse`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from parsing.cli import parse
from parsing.extras import needs
from parsing.program import end_program
from parsing.web.site.build import main as site


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program.

    Args:
        arguments: the words after its name; None takes those of the process.

    Returns:
        The exit status; it may also end with SystemExit, as `parsing.cli.parse.main` does.
    """
    if sys.stderr is None:  # closed, as by 2>&-
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, until the program ends
        os.dup2(sys.stderr.fileno(), 2)  # what `mute` silences; where others are closed too, the file has got another number
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["site"]:
        try:
            return site(words[1:])
        except KeyboardInterrupt:
            return parse.INTERRUPTED
        except (ValueError, OSError) as error:
            end_program(str(error))
    if words[:1] != ["serve"]:
        return parse.main(words)
    try:
        with needs("web"):
            from parsing.web.serve import main as serve
    except ImportError as error:
        end_program(str(error))
    serve(words[1:])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
