"""The embedded model in the browser: what it takes to parse photos on the visitor's own device, where they then stay.

The scripts beside this file are what `parsing.models.lite.lite` does, in JavaScript, in a worker; ONNX Runtime for browsers, in
`runtime/`, runs the network. `parsing.web.modules` serves them. Nothing of it is sent before somebody chooses it on the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import gradio as gr
from gradio.i18n import I18nData

from parsing.models.lite.lite import MODEL_FILE
from parsing.web.assets import read_file

RUNTIME: Final = Path(__file__).parent / "runtime"
DATA: Final = {
    "ort.mjs": RUNTIME / "ort.wasm.bundle.min.mjs",
    "ort.wasm.gz": RUNTIME / "ort-wasm-simd-threaded.wasm.gz",
    "lite.onnx": MODEL_FILE,
}
"""What the scripts fetch, by its name there."""


def device_input(words: I18nData) -> gr.HTML:
    """Where photos come in while they are parsed on the device; out of sight otherwise. `page.js` listens to it.

    Args:
        words: the text "words" of `load_texts`; it travels as the label, which Gradio translates.
    """
    return gr.HTML(
        value=None,
        label=words,
        html_template=read_file("device/input.html"),
        apply_default_css=False,
        elem_id="device-photo",
    )
