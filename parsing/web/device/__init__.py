"""The embedded model in the browser: what it takes to parse photos on the visitor's own device, where they then stay.

The scripts beside this file are what `parsing.models.lite.lite` does, in JavaScript, in a worker; ONNX Runtime for browsers, in
`runtime/`, runs the network, which `network.py` has made ready for it. `parsing.web.modules` serves them. Nothing of it is sent
before somebody chooses it on the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

RUNTIME: Final = Path(__file__).parent / "runtime"
RUNTIME_FILES: Final = {
    "ort.js": RUNTIME / "ort.wasm.bundle.min.mjs",
    "ort.wasm.packed": RUNTIME / "ort-wasm-simd-threaded.wasm.gz",
    "ort.gpu.js": RUNTIME / "ort.webgpu.bundle.min.mjs",
    "ort.gpu.packed": RUNTIME / "ort-wasm-simd-threaded.asyncify.wasm.gz",
}
"""ONNX Runtime, for WebAssembly and for WebGPU, by its names in the scripts: names that no server takes for something else, or
unpacks on the way.
"""
