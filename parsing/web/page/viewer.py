"""The viewer as a component of Gradio, and what the page's script may call."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import isawaitable
from typing import Any, Final

import gradio as gr
from gradio.i18n import I18nData

from parsing.formats.table import FORMATS
from parsing.labels import PARTS, Part
from parsing.web.viewer.markup import color_tables, describe_classes, viewer_html

ON_LOAD: Final = """
const modules = new URL(props.modules, document.baseURI);
window.parsingViewer = import(new URL("page/connection.js", modules)).then(
  ({ Connection }) => new Connection({ element, props, server, watch }),
);
"""


def viewer(words: I18nData, classes: tuple[Part, ...], server_functions: list[Callable[..., Any]], modules: str) -> gr.HTML:
    """The component. Its value is the last message to the page, see `photo_message`, and never comes back.

    Args:
        words: the text "words" of `load_texts`; it travels as the label, which Gradio translates.
        classes: what the list of parts shows until a photo comes with those of the model that parsed it.
        server_functions: `begin_photo`, `first_photo`, `earlier_photo`, `parse_frame` and `save_file` of `Handlers`.
        modules: `modules_folder()`, where the modules are served.
    """
    return gr.HTML(
        value=None,
        label=words,
        html_template=viewer_html(FORMATS.values()),
        js_on_load=ON_LOAD,
        server_functions=[_plain(function) for function in server_functions],
        apply_default_css=False,
        elem_id="viewer",
        modules=modules,
        table=describe_classes(classes),
        lite_table=describe_classes(PARTS),
        **color_tables(),
    )


def _plain(method: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A method as a function, because Gradio marks what a page may call, and a method takes no mark."""

    @wraps(method)
    async def call(sent: Any) -> Any:
        answer = method(sent)
        return await answer if isawaitable(answer) else answer

    return call
