"""The embedded model in the browser: what it takes to parse photos on the visitor's own device, where they then stay.

The scripts beside this file are what `parsing.models.lite.lite` does, in JavaScript, in a worker; ONNX Runtime for browsers, in
`runtime/`, runs the network. `parsing.web.modules` serves them. Nothing of it is sent before somebody chooses it on the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from parsing.models.lite.lite import MODEL_FILE

RUNTIME: Final = Path(__file__).parent / "runtime"
DATA: Final = {
    "ort.js": RUNTIME / "ort.wasm.bundle.min.mjs",
    "ort.wasm.packed": RUNTIME / "ort-wasm-simd-threaded.wasm.gz",
    "lite.onnx": MODEL_FILE,
}
"""What the scripts fetch, by its name there: names that no server takes for something else, or unpacks on the way."""
