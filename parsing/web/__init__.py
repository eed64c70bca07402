"""Everything that is served: the page, its viewer, the model in the browser, REST."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent


def read_file(name: str) -> str:
    """Text of a file in this folder, such as "page/head.html"."""
    return (FOLDER / name).read_text(encoding="utf-8")
