"""How a photo comes in, and what the page's parts share: files of this folder, texts, uploads.

Gradio's own image component decodes and re-encodes some uploads before anybody has looked at them. This one hands on the
uploaded bytes as they are, and deletes the file soon.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from pathlib import Path
from typing import Any, Final

import cv2
import gradio as gr
import numpy as np
from gradio.data_classes import ImageData
from gradio.i18n import I18nData
from gradio.utils import get_upload_folder
from numpy.typing import NDArray

from parsing.formats.table import FORMATS
from parsing.image import ImageError
from parsing.labels import BACKGROUND, KNOWN_PARTS, PARTS, Part
from parsing.web.assets import read_file

KEPT_SECONDS: Final = 10.0
"""An upload is deleted so long after it was read: right after sending it, the browser asks for it again, to preview it."""


def load_texts() -> dict[str, dict[str, str]]:
    """The page's texts by language, "en" and "zh-CN", from `texts.json`, the names of all parts as "part.<name>", and what
    the Save menu calls each format as "save.<name>".

    One more text, "words", holds them all as "key=text|key=text": Gradio translates one string for a component, and the
    templates of the viewer and the model menu need many.
    """
    texts: dict[str, dict[str, str]] = json.loads(read_file("page/texts.json"))
    for part in KNOWN_PARTS:
        texts["en"][f"part.{part.name}"] = part.name
        texts["zh-CN"][f"part.{part.name}"] = part.name_zh
    for form in FORMATS.values():
        texts["en"][f"save.{form.name}"] = form.title
        texts["zh-CN"][f"save.{form.name}"] = form.title_zh
    for words in texts.values():
        words["words"] = "|".join(f"{key}={text}" for key, text in words.items() if not key.startswith(("page.", "error.")))
    return texts


def find_examples() -> list[Path]:
    """The example photos by name: beside this file in an installed package, in `assets/examples` in a checkout."""
    page = Path(__file__).resolve().parent
    folders = page / "examples", page.parents[2] / "assets" / "examples"
    return sorted(next(filter(Path.is_dir, folders), page).glob("*.[jp][pn]g"))


def shrink(photo: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """The photo, made smaller where its longer side has more than `longest` pixels."""
    height, width = photo.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return photo
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA)


def read_upload(path: str) -> bytes:
    """The bytes of an uploaded file, which is deleted a few seconds later.

    Raises:
        ImageError: it is no upload, or is there no longer. A browser may name any path, and must not get at other files.
    """
    file = Path(path).resolve()
    if not file.is_relative_to(Path(get_upload_folder()).resolve()):
        raise ImageError("This is not an uploaded file; send the photo itself.", "missing")
    try:
        content = file.read_bytes()
    except OSError:
        raise ImageError("The uploaded file is gone; send the photo again.", "missing") from None
    timer = threading.Timer(KEPT_SECONDS, _delete, [file])
    timer.daemon = True  # what is left when the program ends, Gradio deletes
    timer.start()
    return content


def _delete(file: Path) -> None:
    """Deletes an upload, unless the same photo has come again since: then its own timer does."""
    with contextlib.suppress(OSError):
        if time.time() - file.stat().st_mtime >= KEPT_SECONDS:
            file.unlink()


def photo_input(label: I18nData) -> gr.Image:
    """An image input whose value is the bytes of the file exactly as it was sent, whatever it holds; None without a file."""
    photo = gr.Image(
        label=label,
        show_label=False,
        sources=["upload", "webcam", "clipboard"],
        height=200,
        buttons=[],
        elem_id="photo",
    )
    photo.preprocess = _take_photo
    return photo


def _take_photo(payload: ImageData | None) -> bytes | None:
    if payload is None or payload.path is None:
        return None
    try:
        return read_upload(payload.path)
    except ImageError as error:
        raise gr.Error(str(error), print_exception=False) from None


def known_parts(names: Any, classes: tuple[Part, ...] = PARTS) -> list[str]:
    """The parts among what a browser names, in the order of the table of classes; it may send anything."""
    parts = [part.name for part in classes if part.index != BACKGROUND]
    return [name for name in parts if isinstance(names, list) and name in names]
