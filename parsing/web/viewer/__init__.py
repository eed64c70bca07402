"""The viewer: the picture, the list of parts and everything to set, as one component that draws by itself.

The server sends a photo once, with its label map and its person map (`messages.py`); the modules beside this file recolour
them by the rule of `parsing.render`, so that no choice of part, opacity, palette, view or person travels. They know nothing of
Gradio and of the network: `parsing/web/page/connection.js` stands between.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import isawaitable
from typing import Any, Final

import gradio as gr
from gradio.i18n import I18nData

from parsing.formats.table import FORMATS, Format
from parsing.labels import GROUPS, PARTS, Part
from parsing.render import PALETTES
from parsing.web.assets import read_file
from parsing.web.viewer.messages import describe_classes

ON_LOAD: Final = """
const modules = new URL(props.modules, document.baseURI);
window.parsingViewer = import(new URL("page/connection.js", modules)).then(
  ({ Connection }) => new Connection({ element, props, server, watch }),
);
"""
SAVE_PLACE: Final = "<!-- a button for each format -->"


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
        html_template=read_file("viewer/viewer.html").replace(SAVE_PLACE, "".join(map(_save_button, FORMATS.values()))),
        js_on_load=ON_LOAD,
        server_functions=[_plain(function) for function in server_functions],
        apply_default_css=False,
        elem_id="viewer",
        modules=modules,
        table=describe_classes(classes),
        lite_table=describe_classes(PARTS),
        groups=list(GROUPS),
        palettes={name: palette.colors.tolist() for name, palette in PALETTES.items()},
    )


def _save_button(form: Format) -> str:
    """The button of a format, to be used once there is a photo; what the device cannot make is out of sight there."""
    kind = "" if form.on_device else ' class="from-server"'
    return f'<button type="button" data-save="{form.name}" data-text="save.{form.name}"{kind} disabled></button>'


def _plain(method: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A method as a function, because Gradio marks what a page may call, and a method takes no mark."""

    @wraps(method)
    async def call(sent: Any) -> Any:
        answer = method(sent)
        return await answer if isawaitable(answer) else answer

    return call
