"""How a photo comes in, and what the page's parts share.

Gradio's own image component decodes and re-encodes some uploads before anybody has looked at them, and knows one place to drop
a photo. This one hands on only the name of the upload.
"""

from __future__ import annotations

from typing import Any, Final

import gradio as gr
from gradio.i18n import I18nData

from parsing.labels import BACKGROUND, PARTS, Part
from parsing.web.assets import read_file

PHOTO_ON_LOAD: Final = """
const module = import(new URL(props.modules + "page/upload.js", document.baseURI));
module.then(async ({ takePhotos }) => takePhotos({ element, props, trigger, upload }, await window.parsingViewer));
"""


def photo_input(words: I18nData, modules: str) -> gr.HTML:
    """Where photos come in: its value is the name of an upload, whatever it holds; None without a file.

    Args:
        words: the text "words" of `load_texts`; it travels as the label, which Gradio translates.
        modules: `modules_folder()`, where the modules are served.
    """
    photo = gr.HTML(
        value=None,
        label=words,
        html_template=read_file("page/photo_input.html"),
        js_on_load=PHOTO_ON_LOAD,
        apply_default_css=False,
        elem_id="photo",
        modules=modules,
    )
    # Gradio's own model asks for a file, which Gradio then looks for; the gate in front of Gradio leaves only a name.
    photo.data_model = None
    photo.api_info = lambda: {"type": "string"}  # type: ignore[method-assign]
    photo.preprocess = lambda name: name  # type: ignore[method-assign, assignment]
    return photo


def example_input() -> gr.Image:
    """What shows the example photos, by the names that the gate knows them by; nowhere stands the folder that they lie in."""
    photo = gr.Image(render=False)
    # Relative to the page, which a proxy may show below a path.
    photo.as_example = lambda name: {"path": name, "url": f"gradio_api/file={name}"}  # type: ignore[method-assign]
    return photo


def known_parts(names: Any, classes: tuple[Part, ...] = PARTS) -> list[str]:
    """The parts among what a browser names, in the order of the table of classes; it may send anything."""
    parts = [part.name for part in classes if part.index != BACKGROUND]
    return [name for name in parts if isinstance(names, list) and name in names]
