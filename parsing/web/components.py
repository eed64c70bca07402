"""Gradio components of the page: the photo that goes in, the picture that comes out, the list of parts and the line of facts.

Gradio's own image component decodes and re-encodes some uploads before anybody has looked at them, and writes its output to a
folder. These hand on the uploaded bytes as they are, delete the file soon, and send the picture inside the answer.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from pathlib import Path
from typing import Any, Final, TypedDict

import cv2
import gradio as gr
import numpy as np
from gradio.data_classes import ImageData
from gradio.i18n import I18nData
from gradio.utils import get_upload_folder
from numpy.typing import NDArray

from parsing.image import ImageError
from parsing.labels import BACKGROUND, GROUPS, PARTS, Part

FOLDER: Final = Path(__file__).parent
KEPT_SECONDS: Final = 10.0
"""An upload is deleted so long after it was read: right after sending it, the browser asks for it again, to preview it."""
PART_NAMES: Final = [part.name for part in PARTS if part.index != BACKGROUND]
"""The 19 parts that can be ticked."""


def read_file(name: str) -> str:
    """Text of one of the files beside this one."""
    return (FOLDER / name).read_text(encoding="utf-8")


def load_texts() -> dict[str, dict[str, str]]:
    """The page's texts by language, "en" and "zh-CN", from `texts.json`, and the class table's names as "part.<name>".

    One more text, "words", holds them all as "key=text|key=text": Gradio translates one string for a component, and the
    templates of `part_list` and `facts_lines` need many.
    """
    texts: dict[str, dict[str, str]] = json.loads(read_file("texts.json"))
    for part in PARTS:
        texts["en"][f"part.{part.name}"] = part.name
        texts["zh-CN"][f"part.{part.name}"] = part.name_zh
    for words in texts.values():
        words["words"] = "|".join(f"{key}={text}" for key, text in words.items() if not key.startswith(("page.", "error.")))
    return texts


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """PNG of a uint8 picture, RGB (H, W, 3) or RGBA (H, W, 4); compressed quickly rather than well."""
    order = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
    done, buffer = cv2.imencode(".png", cv2.cvtColor(picture, order), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise ValueError(f"A picture of shape {picture.shape} cannot be written as PNG.")
    return buffer.tobytes()


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


def picture_output(label: I18nData) -> gr.Image:
    """An image output of RGB uint8 (H, W, 3), sent without loss and without touching a disk."""
    picture = gr.Image(
        label=label,
        show_label=False,
        interactive=False,
        buttons=["download", "fullscreen"],
        alt_text="The photo with its parts coloured",
        elem_id="picture",
    )
    picture.postprocess = _inline_png
    return picture


def _inline_png(picture: NDArray[np.uint8] | None) -> ImageData | None:
    if picture is None:
        return None
    return ImageData(url="data:image/png;base64," + base64.b64encode(encode_png(picture)).decode(), orig_name="parsing.png")


class PartChoice(TypedDict):
    """Value of a part list: names of the ticked parts, and each class's share in [0, 1] (None where there is no photo)."""

    ticked: list[str]
    shares: dict[str, float] | None


def part_list(words: I18nData) -> gr.HTML:
    """Legend and part toggles in one: a real checkbox in the part's colour, its name, and its share of the person area.

    Its value is a `PartChoice`. Its `input` event fires when somebody ticks something, never when the server sends shares.

    Args:
        words: the text "words" of `load_texts`; it travels as the label, which Gradio translates.
    """
    return gr.HTML(
        value=PartChoice(ticked=PART_NAMES, shares=None),
        label=words,
        html_template=read_file("part_list.html"),
        js_on_load=read_file("part_list.js"),
        apply_default_css=False,
        elem_id="parts",
        table=[_describe(part) for part in PARTS],
        groups=list(GROUPS),
    )


def _describe(part: Part) -> dict[str, str]:
    """What the list needs of a class; its tick is black or white, whichever stands out more (luminance as in WCAG 2)."""
    red, green, blue = (((channel / 255 + 0.055) / 1.055) ** 2.4 for channel in part.color)
    tick = "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "white"
    return {"name": part.name, "group": part.group, "color": f"rgb{part.color}", "tick": tick}


def ticked_parts(choice: Any) -> list[str]:
    """Names of the ticked parts in a part list's value; unknown ones are left out, because a browser may send anything."""
    ticked = choice.get("ticked") if isinstance(choice, dict) else None
    return [name for name in PART_NAMES if isinstance(ticked, list) and name in ticked]


class PhotoFacts(TypedDict):
    """Value of `facts_lines`: size in pixels, people counted, whether any part was found, model's title, milliseconds."""

    width: int
    height: int
    people: int
    found: bool
    model: str
    timings: dict[str, float]


def facts_lines(words: I18nData) -> gr.HTML:
    """The lines below the picture: who was found, by which model, how long each stage took.

    Its value is a `PhotoFacts`, or None before the first photo; `words` is as for `part_list`.
    """
    return gr.HTML(
        value=None,
        label=words,
        html_template=read_file("facts.html"),
        js_on_load=None,
        apply_default_css=False,
        elem_id="facts",
    )
