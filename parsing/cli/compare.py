"""`python -m parsing compare PHOTO... [--weights FOLDER] [-o FOLDER]`: M2FP as computed here beside ModelScope's own pipeline.

Prints for each photo how far the two agree, how long each took and how much memory. Both have the same weights; ModelScope's
runs in the environment that `make reference` sets up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from parsing.cli.photos import choose_places, find_photos
from parsing.cli.results import make_folder, put_file
from parsing.image import ImageError, open_photo
from parsing.memory import peak_memory
from parsing.parser import load
from parsing.pictures import encode_picture
from parsing.program import OptionParser, one_line
from parsing.render import composite

if TYPE_CHECKING:
    from parsing.result import Parsing, Segment

SAME_MASK: Final = 0.99
"""Intersection over union from which two masks count as the same."""
SAME_SCORE: Final = 0.01
"""Difference up to which two scores count as the same."""
ROW: Final = "{:<24} {:>11} {:>14} {:>9} {:>8} {:>12} {:>8}"
HEADER: Final = ROW.format("photo", "same pixels", "same instances", "m2fp", "", "modelscope", "")
DIFFERENT: Final = (255, 0, 0)
"""Colour of the pixels that the two label maps disagree on."""


class HasPeak(Protocol):
    """What ModelScope's engine has beside what every model has: most megabytes resident during the last photo."""

    peak: float


@dataclass(frozen=True)
class Comparison:
    """How far M2FP and ModelScope's pipeline agree on one photo, or on several.

    Attributes:
        pixels: of the photo.
        same_pixels: those with the same class.
        instances: parts and people of the one that found more.
        same_instances: those that the other found too: same class, nearly the same mask and score.
        seconds: each one's time, M2FP's first.
        megabytes: most memory that each one's process had resident; 0 where the system does not tell.
    """

    pixels: int
    same_pixels: int
    instances: int
    same_instances: int
    seconds: tuple[float, float]
    megabytes: tuple[float, float]

    def line(self, title: str) -> str:
        """A line of the table."""
        seconds = [f"{value:.2f} s" for value in self.seconds]
        memory = [f"{value:.0f} MB" if value else "" for value in self.megabytes]
        agreement = f"{self.same_pixels / self.pixels:.3%}"
        return ROW.format(
            title, agreement, f"{self.same_instances} of {self.instances}", seconds[0], memory[0], seconds[1], memory[1]
        )


def main(arguments: Sequence[str]) -> int:
    """The command, `arguments` being the words after `compare`; gives exit status 0, or raises ValueError, OSError or
    ImportError with a sentence.
    """
    options = OptionParser(prog="python -m parsing compare", description="Compares M2FP with ModelScope's own pipeline.")
    options.add_argument("photos", metavar="PHOTO", nargs="+", help="image files, folders of them, patterns such as '*.jpg'")
    options.add_argument("--weights", metavar="FOLDER", help="a ModelScope model folder (default: the downloaded weights)")
    options.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        type=Path,
        help="where NAME.png is written: m2fp, modelscope, and in red where they differ",
    )
    chosen = options.parse_args(arguments)
    photos = find_photos(chosen.photos, recursive=False, output=chosen.output)
    targets: list[Path | None] = [None] * len(photos)
    if chosen.output:
        targets = [chosen.output / f"{place}.png" for place in choose_places(photos, chosen.output, [".png"])]
        make_folder(chosen.output)
    reference = load("modelscope", weights=chosen.weights)
    m2fp = load("m2fp", weights=chosen.weights)
    pipeline = cast("HasPeak", reference.model)
    print(HEADER, flush=True)
    rows: list[Comparison] = []
    for photo, target in zip(photos, targets, strict=True):
        try:
            opened = open_photo(photo.path)
        except ImageError as error:
            raise ValueError(f"{photo.path}: {error}") from error
        if not rows:  # the first call of each takes longer
            m2fp(opened), reference(opened)
        peak_memory(restart=True)
        ours = m2fp(opened)
        own_peak = peak_memory()
        theirs = reference(opened)
        rows.append(compare(ours, theirs, (own_peak, pipeline.peak)))
        print(rows[-1].line(one_line(Path(photo.path).name)), flush=True)
        if target:
            put_file(encode_picture(side_by_side(opened.pixels, ours, theirs), "png"), target)
    if len(rows) > 1:
        print(summarise(rows).line("all together"))
    return 0


def compare(ours: Parsing, theirs: Parsing, megabytes: tuple[float, float] = (0.0, 0.0)) -> Comparison:
    """Compares two parsings of one photo; times are those of the models, without opening the file."""
    found = [[*parsing.parts, *parsing.people] for parsing in (ours, theirs)]
    seconds = [sum(time for stage, time in parsing.timings.items() if stage != "open") / 1000 for parsing in (ours, theirs)]
    return Comparison(
        pixels=ours.labels.size,
        same_pixels=int((ours.labels == theirs.labels).sum()),
        instances=max(map(len, found)),
        same_instances=count_same(*found),
        seconds=(seconds[0], seconds[1]),
        megabytes=megabytes,
    )


def count_same(ours: Sequence[Segment], theirs: Sequence[Segment]) -> int:
    """How many segments of one list are in the other one too, whatever the order; each counts once."""
    left = list(theirs)
    for segment in ours:
        place = next((place for place, other in enumerate(left) if is_same(segment, other)), None)
        if place is not None:
            del left[place]
    return len(theirs) - len(left)


def is_same(one: Segment, other: Segment) -> bool:
    """Whether two segments are of one class, and masks and scores differ by little."""
    if one.label != other.label or abs(one.score - other.score) > SAME_SCORE:
        return False
    smaller, larger = sorted((one.area, other.area))
    if smaller < SAME_MASK * larger:  # saves most from being unpacked
        return False
    common = np.count_nonzero(one.mask & other.mask)
    return bool(common >= SAME_MASK * (smaller + larger - common))


def summarise(rows: Sequence[Comparison]) -> Comparison:
    """All photos together: sums, of seconds too, and the most memory."""
    ours, theirs = zip(*(row.seconds for row in rows), strict=True)
    own_megabytes, their_megabytes = zip(*(row.megabytes for row in rows), strict=True)
    return Comparison(
        pixels=sum(row.pixels for row in rows),
        same_pixels=sum(row.same_pixels for row in rows),
        instances=sum(row.instances for row in rows),
        same_instances=sum(row.same_instances for row in rows),
        seconds=(sum(ours), sum(theirs)),
        megabytes=(max(own_megabytes), max(their_megabytes)),
    )


def side_by_side(photo: NDArray[np.uint8], ours: Parsing, theirs: Parsing) -> NDArray[np.uint8]:
    """RGB uint8 (H, 3 W, 3): the photo coloured by each, and darkened, with the pixels in red on which they differ."""
    difference = photo // 3
    difference[ours.labels != theirs.labels] = DIFFERENT
    return np.hstack([composite(photo, ours), composite(photo, theirs), difference])
