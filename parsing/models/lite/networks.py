"""The two networks of the embedded model, run by ONNX Runtime: one for people and their parts, one for what somebody wears."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from parsing.inference_session import open_session
from parsing.labels import PARTS
from parsing.models.lite.people import votes

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

STRIDE: Final = 32
"""The networks take sides that are multiples of this."""
PART_STRIDE: Final = 2
PERSON_STRIDE: Final = 8
MIRROR: Final = [part.mirror for part in PARTS]


@dataclass(frozen=True)
class Answer:
    """What the first network says about a picture of (H, W).

    Attributes:
        parts: logits (20, H/2, W/2), `presence` included.
        heat: heatmap of person centres (H/8, W/8), in [0, 1].
        spots: at each cell the spot that it votes for, (2, H/8, W/8) x and y in network input pixels.
        presence: (20,) logarithm of the probability that a class is in the picture.
    """

    parts: NDArray[np.float32]
    heat: NDArray[np.float32]
    spots: NDArray[np.float32]
    presence: NDArray[np.float32]

    def mirrored(self) -> Answer:
        """The answer about the picture's mirror image turned into one about the picture: sides swapped, left for right."""
        last = self.heat.shape[1] * PERSON_STRIDE - 1
        x, y = self.spots[:, :, ::-1]
        return Answer(self.parts[MIRROR, :, ::-1], self.heat[:, ::-1], np.stack((last - x, y)), self.presence[MIRROR])


def mean(one: Answer, other: Answer) -> Answer:
    """What two answers about one picture say together."""
    half = np.float32(0.5)
    return Answer(
        (one.parts + other.parts) * half,
        (one.heat + other.heat) * half,
        (one.spots + other.spots) * half,
        (one.presence + other.presence) * half,
    )


class PartNetwork:
    """The first network: parts, and the centres of people.

    Attributes:
        title: what its file says of itself; None where it says nothing.
    """

    def __init__(self, file: Path) -> None:
        """Opens it; raises OSError, with a sentence for the user, where its file is missing or damaged."""
        self._session = _open(file)
        self.title: str | None = self._session.get_modelmeta().custom_metadata_map.get("title")

    def __call__(self, picture: NDArray[np.uint8]) -> Answer:
        """What it says about a picture, RGB uint8 (H, W, 3), its sides multiples of `STRIDE`."""
        parts, heat, offsets, presence = _run(self._session, picture)
        return Answer(parts[0], heat[0, 0], votes(offsets[0], PERSON_STRIDE), presence[0])


class GarmentNetwork:
    """The second network: which classes are on the person who fills a picture such as `PartNetwork`'s, and where."""

    def __init__(self, file: Path) -> None:
        """Opens it; raises as `PartNetwork`."""
        self._session = _open(file, where=True)

    def worn(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(20,) logarithms of the probability that each class is on the person; takes two thirds of the time of `parse`."""
        presence: NDArray[np.float32] = _run(self._session, picture, where=False)[1][0]
        return presence

    def parse(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits (20, H/2, W/2), presence included, and what `worn` gives."""
        parts, presence = _run(self._session, picture, where=True)
        return parts[0], presence[0]


def _open(file: Path, **asked: bool) -> InferenceSession:
    if not file.is_file():
        raise FileNotFoundError(f"The embedded model, {file.name}, is missing; fetch the repository again.")
    damaged = OSError(f"The embedded model, {file.name}, is damaged; fetch the repository again.")
    try:
        session = open_session(file)
        planes = _run(session, np.zeros((STRIDE, STRIDE, 3), np.uint8), **asked)
    except Exception as error:
        raise damaged from error
    if not all(np.isfinite(plane).all() for plane in planes):  # a weight that is no number spoils every answer
        raise damaged
    return session


def _run(session: InferenceSession, picture: NDArray[np.uint8], **asked: bool) -> list[NDArray[np.float32]]:
    questions = {name: np.array(value) for name, value in asked.items()}
    outputs: list[NDArray[np.float32]] = session.run(None, {"image": np.ascontiguousarray(picture[None]), **questions})
    return outputs
