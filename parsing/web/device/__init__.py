"""The embedded model in the browser: what it takes to parse photos on the visitor's own device, where they then stay.

The scripts beside this file are what `parsing.models.lite.lite` does, in JavaScript, in a worker; ONNX Runtime for browsers, in
`runtime/`, runs the network. Nothing of it is sent before somebody chooses it on the page. The files' address
changes with their content, so that a browser need never ask for one twice.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Final

import gradio as gr
from fastapi import FastAPI
from gradio.i18n import I18nData
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from parsing.models.lite.lite import MODEL_FILE
from parsing.web.assets import read_file
from parsing.web.device.settings import lite_settings

RUNTIME: Final = Path(__file__).parent / "runtime"
FILES: Final = {
    **{file.name: file for file in sorted(Path(__file__).parent.glob("*.js"))},
    "ort.mjs": RUNTIME / "ort.wasm.bundle.min.mjs",
    "ort.wasm.gz": RUNTIME / "ort-wasm-simd-threaded.wasm.gz",
    "lite.onnx": MODEL_FILE,
}
"""What is served, by its name in the scripts."""
KINDS: Final = {".js": "text/javascript", ".mjs": "text/javascript"}
FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


@lru_cache
def device_folder() -> str:
    """Where the files are served, relative to the page: "device/" and a word that changes with their content, and a slash."""
    digest = hashlib.sha256(json.dumps(lite_settings()).encode())
    for file in FILES.values():
        digest.update(file.read_bytes() if file.is_file() else b"")
    return f"device/{digest.hexdigest()[:16]}/"


def add_device_files(app: FastAPI) -> None:
    """Serves the files, and the settings as `settings.json`."""

    @app.get(f"/{device_folder()}{{name}}", include_in_schema=False)
    async def device_file(name: str) -> Response:
        if name == "settings.json":
            return Response(json.dumps(lite_settings()), media_type="application/json", headers=FOREVER)
        if name not in FILES or not FILES[name].is_file():
            raise HTTPException(404)
        kind = KINDS.get(FILES[name].suffix, "application/octet-stream")
        return FileResponse(FILES[name], media_type=kind, headers=FOREVER)


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
