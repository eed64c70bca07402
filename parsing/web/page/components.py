"""How a photo comes in, and what the page's parts share: files of this folder, texts, uploads.

Gradio's own image component decodes and re-encodes some uploads before anybody has looked at them, and knows one place to drop
a photo. This one hands on only the name of the upload.
"""

from __future__ import annotations

import json
from typing import Any, Final

import gradio as gr
from gradio.i18n import I18nData

from parsing.formats.table import FORMATS
from parsing.labels import BACKGROUND, KNOWN_PARTS, PARTS, Part
from parsing.web.assets import read_file

HERE: Final = ("page.", "error.", "line.")
"""How texts begin that the server itself puts into the page."""


def load_texts() -> dict[str, dict[str, str]]:
    """The page's texts by language, "en" and "zh-CN", from `texts.json`, the names of all parts as "part.<name>", plainer in
    English where the file has them than the data set's, and what the Save menu calls each format as "save.<name>".

    One more text, "words", holds them all as "key=text|key=text": Gradio translates one string for a component, and the
    templates of the viewer and the model menu need many.
    """
    texts: dict[str, dict[str, str]] = json.loads(read_file("page/texts.json"))
    for part in KNOWN_PARTS:
        texts["en"].setdefault(f"part.{part.name}", part.name)
        texts["zh-CN"][f"part.{part.name}"] = part.name_zh
    for form in FORMATS.values():
        texts["en"][f"save.{form.name}"] = form.title
        texts["zh-CN"][f"save.{form.name}"] = form.title_zh
    for words in texts.values():
        words["words"] = "|".join(f"{key}={text}" for key, text in words.items() if not key.startswith(HERE))
    return texts


PHOTO_ON_LOAD: Final = """
const module = import(new URL(props.modules + "page/photo_input.js", document.baseURI));
module.then(async ({ PhotoInput }) => new PhotoInput({ element, props, trigger, upload }, await window.parsingViewer));
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
