"""`python -m parsing export --weights FOLDER -o m2fp.onnx`: M2FP as one ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from parsing.models.m2fp.onnx_export import export
from parsing.program import OptionParser


def main(arguments: Sequence[str]) -> int:
    """The command, `arguments` being the words after `export`; gives exit status 0, or raises ValueError, OSError or
    ImportError with a sentence.
    """
    options = OptionParser(prog="python -m parsing export", description="Writes M2FP as one ONNX file.")
    options.add_argument("--weights", metavar="FOLDER", help="a ModelScope model folder (default: the downloaded weights)")
    options.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="the ONNX file to write")
    chosen = options.parse_args(arguments)
    export(chosen.weights, chosen.output)
    print(
        f"{chosen.output}: {chosen.output.stat().st_size / 1e6:.0f} MB, for load('m2fp-onnx', weights={str(chosen.output)!r})"
    )
    return 0
