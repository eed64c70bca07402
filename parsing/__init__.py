"""Human parsing on a CPU: `load` a model, call it with a photo, `composite` the result."""

from parsing.image import ImageError, Photo, open_image, open_photo
from parsing.labels import PARTS, Part
from parsing.parser import Parser, load
from parsing.render import Palette, composite
from parsing.result import Parsing, Segment

__version__ = "1.0.0"

__all__ = [
    "PARTS",
    "ImageError",
    "Palette",
    "Parser",
    "Parsing",
    "Part",
    "Photo",
    "Segment",
    "composite",
    "load",
    "open_image",
    "open_photo",
]
