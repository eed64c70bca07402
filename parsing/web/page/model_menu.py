"""The model menu: which model parses the photos, and how far M2FP is.

Its module asks the server about M2FP once when the page opens, then every second, but only while M2FP is being loaded. These
questions pass by the queue, in which photos wait.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import gradio as gr
from gradio.i18n import I18nData

from parsing.models import MODELS
from parsing.web.assets import read_file
from parsing.web.server.background import BackgroundLoader
from parsing.web.server.models import ServedModels

THIS_MACHINE: Final = ("127.0.0.1", "::1")
"""Where the operator sits: who may begin a download again that has failed."""


ON_LOAD: Final = """
import(new URL(props.modules + "page/model_menu.js", document.baseURI)).then(
  ({ ModelMenu }) => new ModelMenu({ element, props, server, trigger }, () => window.parsingViewer),
);
"""


def model_menu(words: I18nData, models: ServedModels, loader: BackgroundLoader, modules: str) -> gr.HTML:
    """Four choices as radio buttons, a box for a faster M2FP, a line on M2FP's licence, and one on how far the model is.

    Its `input` event fires when somebody chooses, and when M2FP has become ready while it is chosen; not for "device", in which
    the server has no part. Its value is a dict with "choice", one of "auto", "m2fp", "lite" and "device", "operator", whether
    the page is open on the server's own machine, "faster", whether M2FP is to compute in bfloat16, "device", how far the model
    in the browser is, and the fields of `LoadState`. The box is there only where the model can do that and the processor has
    instructions for it.

    Args:
        words: the text "words" of `load_texts`; it travels as the label, which Gradio translates.
        models: whose `choice` is chosen when the page opens.
        loader: M2FP's; choosing "auto" or "m2fp" starts it.
        modules: `modules_folder()`, where the modules are served.
    """

    def model_state(start: Any, request: gr.Request) -> dict[str, Any]:
        direct = "x-forwarded-for" not in request.headers  # behind a proxy, everybody seems to sit here
        operator = direct and request.client is not None and request.client.host in THIS_MACHINE
        if start is True and (operator or loader.state.phase == "idle"):
            loader.start()
        return {**state(), "operator": operator}

    def state() -> dict[str, Any]:
        title = MODELS[loader.name].title if loader.parser is None else loader.parser.title
        return {**asdict(loader.state), "title": title}

    return gr.HTML(
        value={"choice": models.choice, "faster": False, "device": {}, "operator": False, **state()},
        label=words,
        html_template=read_file("page/model_menu.html"),
        js_on_load=ON_LOAD,
        server_functions=[model_state],
        apply_default_css=False,
        elem_id="models",
        lite_title=models.lite.title,
        offers_faster=models.offers_faster,
        modules=modules,
    )


def chosen_name(value: Any) -> str | None:
    """The name of the model that a menu's value, which a browser may have made up, asks for; None where it has no value."""
    if not value:
        return None
    return "lite" if isinstance(value, dict) and value.get("choice") == "lite" else "auto"


def wants_faster(value: Any) -> bool:
    """Whether a menu's value asks for M2FP in bfloat16."""
    return isinstance(value, dict) and value.get("faster") is True
