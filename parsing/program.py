"""What every program here has in common: what was wrong is said in one line on standard error, with exit status 2."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn


class OptionParser(argparse.ArgumentParser):
    """Reads options; argparse's own way of saying what was wrong with one takes several lines."""

    def error(self, message: str) -> NoReturn:
        end_program(message)


def end_program(sentence: str) -> NoReturn:
    """Says what was wrong, in one line whatever is in it, and ends the program with exit status 2."""
    print(one_line(sentence), file=sys.stderr)
    raise SystemExit(2)


def one_line(sentence: str) -> str:
    """The sentence without line breaks and whatever else a terminal might obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in sentence)
