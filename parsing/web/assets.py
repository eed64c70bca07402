"""The page's own files, HTML, CSS, JavaScript and texts, which lie beside the code that needs them."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent


def read_file(name: str) -> str:
    """Text of a file below `parsing/web/`, such as "page/head.html"."""
    return (FOLDER / name).read_text(encoding="utf-8")
