"""Three Gradio components of the page: the photo that goes in, the picture that comes out, and the list of parts beside it.

Gradio's own image component decodes and re-encodes some uploads before anybody has looked at them, and writes its output to a
folder. These hand on the uploaded bytes as they are, delete the file at once, and send pictures inside the answer.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final, Literal, TypedDict

import cv2
import gradio as gr
import numpy as np
from gradio.data_classes import ImageData
from gradio.i18n import I18nData
from gradio.utils import get_upload_folder
from numpy.typing import NDArray

from parsing.image import ImageError
from parsing.labels import BACKGROUND, GROUPS, PARTS

FOLDER: Final = Path(__file__).parent
LANGUAGES: Final = {"en": "name", "zh-CN": "name_zh"}
"""Languages of the page, each with the column of the class table that holds its part names."""
PART_NAMES: Final = [part.name for part in PARTS if part.index != BACKGROUND]
"""The 19 parts that can be ticked."""


def load_texts() -> dict[str, dict[str, str]]:
    """The page's texts by language, with the names that the part list shows added as "parts.names".

    Gradio translates whole strings only, so those names (classes, groups, buttons) travel as one string, separated by "|".
    """
    texts: dict[str, dict[str, str]] = json.loads((FOLDER / "texts.json").read_text(encoding="utf-8"))
    for language, column in LANGUAGES.items():
        keys = [f"group.{group}" for group in GROUPS] + ["parts.all", "parts.none", "parts.absent"]
        names = [getattr(part, column) for part in PARTS] + [texts[language][key] for key in keys]
        texts[language]["parts.names"] = "|".join(names)
    return texts


def encode(picture: NDArray[np.uint8], kind: Literal["png", "jpeg"]) -> bytes:
    """A uint8 picture, RGB (H, W, 3) or RGBA (H, W, 4), as the bytes of a file; PNG is compressed quickly rather than well."""
    settings = [cv2.IMWRITE_PNG_COMPRESSION, 1] if kind == "png" else [cv2.IMWRITE_JPEG_QUALITY, 90]
    order = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
    done, buffer = cv2.imencode(f".{kind}", cv2.cvtColor(picture, order), settings)
    if not done:
        raise ValueError(f"A picture of shape {picture.shape} cannot be written as {kind}.")
    return buffer.tobytes()


def shrink(photo: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """The photo, made smaller where its longer side has more than `longest` pixels."""
    height, width = photo.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return photo
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA)


def read_once(path: str) -> bytes:
    """The bytes of an uploaded file, which is deleted.

    Raises:
        ImageError: it is no upload, or is there no longer. A browser may name any path, and must not get at other files.
    """
    file = Path(path).resolve()
    if not file.is_relative_to(Path(get_upload_folder()).resolve()):
        raise ImageError("This is not an uploaded file; send the photo itself.", "missing")
    try:
        content = file.read_bytes()
        file.unlink(missing_ok=True)
    except (OSError, ValueError):
        raise ImageError("The uploaded file is gone; send the photo again.", "missing") from None
    return content


def _inline(picture: NDArray[np.uint8], kind: Literal["png", "jpeg"]) -> ImageData:
    address = f"data:image/{kind};base64," + base64.b64encode(encode(picture, kind)).decode()
    return ImageData(url=address, orig_name=f"parsing.{kind}")

from gradio.events import Dependency

class PhotoInput(gr.Image):
    """An image input. In: the bytes of the file exactly as it was sent, whatever it holds. Out: RGB pixels to preview."""

    PREVIEW: Final = 640
    """Longer side of the preview in pixels."""

    def preprocess(self, payload: ImageData | None) -> bytes | None:
        """Reads and deletes the uploaded file; None where there is none."""
        if payload is None or payload.path is None:
            return None
        try:
            return read_once(payload.path)
        except ImageError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def postprocess(self, value: NDArray[np.uint8] | None) -> ImageData | None:
        """A preview that every browser can show, of files that it could not (TIFF, CMYK) as well."""
        return None if value is None else _inline(shrink(value, self.PREVIEW), "jpeg")

    def get_block_name(self) -> str:
        """Which component of Gradio's front end draws this."""
        return "image"
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


class Picture(gr.Image):
    """An image output, RGB uint8 (H, W, 3), sent without loss and without touching a disk."""

    def postprocess(self, value: NDArray[np.uint8] | None) -> ImageData | None:
        """The picture as PNG inside the answer."""
        return None if value is None else _inline(value, "png")

    def get_block_name(self) -> str:
        """Which component of Gradio's front end draws this."""
        return "image"
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


class PartChoice(TypedDict):
    """Value of a `PartList`: names of the ticked parts, and each class's share in [0, 1] (None where there is no photo)."""

    ticked: list[str]
    shares: dict[str, float] | None


class PartList(gr.HTML):
    """Legend and part toggles in one: a real checkbox in the part's colour, its name, and its share of the person area.

    Its `input` event fires when somebody ticks something, never when the server sends shares.
    """

    def __init__(self, names: I18nData, elem_id: str) -> None:
        """
        Args:
            names: translated to "parts.names" of `load_texts`; it travels as the label, which Gradio translates.
            elem_id: id in the page.
        """
        super().__init__(
            value=PartChoice(ticked=PART_NAMES, shares=None),
            label=names,
            show_label=False,
            html_template=(FOLDER / "part_list.html").read_text(encoding="utf-8"),
            js_on_load=(FOLDER / "part_list.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            elem_id=elem_id,
            table=[{"name": part.name, "group": part.group, "color": f"rgb{part.color}"} for part in PARTS],
            groups=list(GROUPS),
        )

    def preprocess(self, payload: Any) -> list[str]:
        """Names of the ticked parts; unknown ones are left out, because a browser may send anything."""
        ticked = payload.get("ticked") if isinstance(payload, dict) else None
        return [name for name in PART_NAMES if isinstance(ticked, list) and name in ticked]

    def postprocess(self, value: PartChoice) -> PartChoice:
        """The value as it is."""
        return value

    def get_block_name(self) -> str:
        """Which component of Gradio's front end draws this."""
        return "html"
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component