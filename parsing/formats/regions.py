"""The annotations that a data set has for one photo: `Regions`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Regions = Callable[[], Iterator[tuple[str, NDArray[np.bool_]]]]
"""Gives each region's label and its mask, (H, W) bool, in the order of the data set. Masks are made one by one, as they are
asked for; where one cannot be read, ValueError with a sentence for the user is raised.
"""
