"""Fetches ONNX Runtime for browsers into `parsing/web/device/runtime/`, where it already lies in every clone: this says
how it came there, and takes a newer one. `python -m tools.fetch_onnxruntime_web` needs npm; what it gets must have the
checksums below.
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from parsing.files import write_file
from parsing.web.device import RUNTIME

VERSION: Final = "1.30.0"
CHECKSUMS: Final = {
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    "ort.webgpu.bundle.min.mjs": "0730816731ce2cdfb06f273da065d4a1c7091eb9d1756a83b2916c8a89d015e2",
    "ort-wasm-simd-threaded.asyncify.wasm": "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da",
}
"""SHA-256 of each file as it is in the package."""


def main() -> None:
    """Fetches, checks and writes the files; ends with one sentence where that is not possible."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(
                ["npm", "pack", "--silent", f"onnxruntime-web@{VERSION}"], cwd=folder, check=True, capture_output=True
            )
        except (OSError, subprocess.CalledProcessError):
            sys.exit("npm could not fetch onnxruntime-web; is it installed, and does it reach its registry?")
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as package:
            for name, checksum in CHECKSUMS.items():
                content = package.extractfile(f"package/dist/{name}").read()
                if hashlib.sha256(content).hexdigest() != checksum:
                    sys.exit(f"{name} of onnxruntime-web {VERSION} is not the file that was checked; nothing more was written.")
                if name.endswith(".wasm"):
                    name, content = f"{name}.gz", gzip.compress(content, 9, mtime=0)
                write_file(content, RUNTIME / name)


if __name__ == "__main__":
    main()
