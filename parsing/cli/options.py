"""What the commands have in common: which model, and the way to say what was wrong with an option."""

from __future__ import annotations

import argparse

from parsing.models import NAMES, PRECISIONS, SIZES


def add_model_options(options: argparse.ArgumentParser) -> None:
    """Adds --model, --weights, --precision and --size, as `parsing.load` takes them."""
    options.add_argument("--model", choices=NAMES, default="auto", help="default: auto, m2fp where it is, else lite")
    options.add_argument(
        "--weights", metavar="FOLDER", help="a ModelScope model folder, for the M2FP models; for m2fp-onnx the exported file"
    )
    options.add_argument(
        "--precision", choices=PRECISIONS, default="auto", help="of M2FP; bf16 is faster (default: auto, fp32)"
    )
    options.add_argument("--size", choices=SIZES, default="official", help="of M2FP's input (default: official)")
