"""How each of the two networks is trained: on which pictures, of which sizes, and how fast its encoder changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from training.network import GARMENT_VARIANT, VARIANT, GarmentNetwork, LiteNetwork


@dataclass(frozen=True)
class Shares:
    """Of the pictures, by kind (`training.augment`), and of labels that a model has made.

    Attributes:
        crops, close_ups, scenes: of people all of whose parts are labelled.
        wild_crops, wild_photos: of people anywhere.
        places: without people.
        pseudo: of the labelled people, those with the labels of a model, where there are both.
    """

    crops: float
    close_ups: float
    scenes: float
    wild_crops: float
    wild_photos: float
    places: float
    pseudo: float


@dataclass(frozen=True)
class Course:
    """How a network is trained.

    Attributes:
        network: its class.
        variant: of its encoder, unless told otherwise.
        shapes: height and width of its pictures, as often as they stand here.
        phases: share of the time until which it holds, scale of the pictures.
        encoder_share: of the learning rate, for the encoder, times the size of its values: AdamW's steps are of one size, and
            would soon undo what small values have learnt.
        shares: of the pictures.
    """

    network: type[LiteNetwork] | type[GarmentNetwork]
    variant: str
    shapes: tuple[tuple[int, int], ...]
    phases: tuple[tuple[float, float], ...]
    encoder_share: float
    shares: Shares


COURSES: Final = {
    "parts": Course(
        LiteNetwork,
        VARIANT,
        ((512, 224), (448, 256), (448, 256), (384, 320), (320, 320), (320, 384), (288, 416)),
        ((0.3, 0.5), (0.75, 0.75), (1.0, 1.0)),
        0.05,
        Shares(crops=0.34, close_ups=0.18, scenes=0.18, wild_crops=0.18, wild_photos=0.07, places=0.05, pseudo=0.25),
    ),
    "garments": Course(
        GarmentNetwork,
        GARMENT_VARIANT,
        ((512, 224), (448, 192), (448, 256), (384, 224), (384, 256), (352, 224), (320, 256), (320, 320), (288, 320)),
        ((0.4, 0.6), (1.0, 1.0)),
        0.2,
        Shares(crops=0.62, close_ups=0.14, scenes=0.0, wild_crops=0.22, wild_photos=0.0, places=0.02, pseudo=0.4),
    ),
}
"""By what `training.train --network` calls them."""
