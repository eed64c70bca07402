"""Has other tools read what is written for them: `python -m tools.prove_formats [PHOTO...]`, by default the example photos.

labelme, Label Studio's SDK and datumaro ask for other versions of packages than this project, so each is installed into an
environment of its own, in a temporary folder (2 GB, some minutes). Each reads its data set with its own code; the masks that it
makes of it are compared with the JSON documents of the same photos, pixel for pixel.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
READERS: Final = Path(__file__).parent / "readers"
TOOLS: Final = {
    "labelme": ("labelme==6.3.1", "pycocotools==2.0.11"),
    "label-studio": ("label-studio-sdk==2.1.2", "pycocotools==2.0.11"),
    "coco": ("datumaro==1.13.12", "pycocotools==2.0.11"),
}
"""What to install to prove each format."""


def main() -> int:
    """Reads the command line; gives 1 where a tool did not read what was meant."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("photos", nargs="*", default=[str(file) for file in sorted(ROOT.glob("assets/examples/*.jpg"))])
    options.add_argument("--model", default="lite")
    chosen = options.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        photos.mkdir()
        for photo in map(Path, chosen.photos):
            (photos / photo.name).write_bytes(photo.read_bytes())
        for name, packages in TOOLS.items():
            output = Path(folder, name)
            for form, place in (("json", output / "expected"), (name, output)):
                command = [sys.executable, "-m", "parsing", str(photos), "-o", str(place), "--format", form]
                subprocess.run([*command, "--model", chosen.model], cwd=ROOT, check=True)
            environment = Path(folder, f"{name}-environment")
            venv.create(environment, with_pip=True)
            python = environment / "bin" / "python"
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
            reader = READERS / f"{name.replace('-', '_')}.py"
            failed += subprocess.run([python, reader, output, photos], cwd=folder).returncode != 0
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
