"""Human parsing on a CPU: `load` a model, call it with a photo, `composite` the result."""

from parsing.labels import PARTS, Part

__all__ = ["PARTS", "Part"]
