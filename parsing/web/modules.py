"""The page's JavaScript modules as files, beside what the model in the browser needs.

They lie under one address that changes with their content, so that a browser need never ask for one twice, and so that modules
of one version never meet those of another. Gradio runs a few lines when a component is drawn; those import what they need.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from parsing.models.lite.lite import GARMENTS_NAME, MODEL_FILE, garments_beside
from parsing.web.assets import FOLDER
from parsing.web.device import RUNTIME_FILES
from parsing.web.device.network import GRAPH, WEIGHTS, network_files
from parsing.web.device.settings import device_settings, lite_settings

FILES: Final = {
    **{f"{room}/{file.name}": file for room in ("viewer", "page", "device") for file in sorted((FOLDER / room).glob("*.js"))},
    **{f"device/{name}": file for name, file in RUNTIME_FILES.items()},
}
"""What is served, by its name in the modules."""
NETWORK: Final = (f"device/{GRAPH}", f"device/{WEIGHTS}", f"device/{GARMENTS_NAME}")
BINARY: Final = "application/octet-stream"
FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


@lru_cache
def modules_folder() -> str:
    """Where the files are served, relative to the page: "modules/", a word that changes with their content, and a slash."""
    digest = hashlib.sha256(json.dumps(lite_settings()).encode())
    digest.update(version("onnxruntime").encode())  # it makes the network ready for browsers, when one asks for it
    for file in (*FILES.values(), MODEL_FILE, garments_beside(MODEL_FILE)):
        digest.update(file.read_bytes() if file.is_file() else b"")
    return f"modules/{digest.hexdigest()[:16]}/"


def add_modules(app: FastAPI) -> None:
    """Serves the files, the network, and the device's settings as `device/settings.json`."""

    @app.get(f"/{modules_folder()}{{room}}/{{name}}", include_in_schema=False)
    def module(room: str, name: str) -> Response:
        path = f"{room}/{name}"
        try:
            if path == "device/settings.json":
                return Response(json.dumps(device_settings()), media_type="application/json", headers=FOREVER)
            if path in NETWORK:
                return Response(network_files()[name], media_type=BINARY, headers=FOREVER)
        except OSError as error:
            raise HTTPException(404) from error
        if path not in FILES or not FILES[path].is_file():
            raise HTTPException(404)
        kind = "text/javascript" if path.endswith(".js") else BINARY
        return FileResponse(FILES[path], media_type=kind, headers=FOREVER)
