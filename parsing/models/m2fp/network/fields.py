"""Reading the values of a configuration that others wrote: null is as good as absent, and whatever cannot be meant is refused
with the name of its field.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST_QUOTE = 60
"""Characters of a value that are repeated in a sentence."""


class Fields:
    """One section of a configuration. Every method raises ValueError, naming the field, where its value cannot be meant.

    Args:
        values: the section, as parsed from JSON; None where there is none.
        name: the section's, "" for the outermost.
    """

    def __init__(self, values: Any, name: str = "") -> None:
        if not isinstance(values or {}, Mapping):
            raise ValueError(f"{name} is {quote(values)}, which is not of the expected type, a section")
        self._values: Mapping[str, Any] = values or {}
        self._name = name

    def section(self, name: str) -> Fields:
        """A section inside this one."""
        return Fields(self._values.get(name), self._full(name))

    def value(self, name: str, default: Any = None) -> Any:
        """What stands under the name, of any type; the default where nothing or null does."""
        value = self._values.get(name)
        return default if value is None else value

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number in a range; 6, 6.0 and "6" are the same."""
        number = self._number(name, default, "a whole number")
        if number != number // 1:
            raise ValueError(f"{self._full(name)} is {quote(number)}, which is not of the expected type, a whole number")
        return int(self._within(name, number, least, most))

    def share(self, name: str, default: float) -> float:
        """A number from 0 to 1."""
        return float(self._within(name, self._number(name, default, "a number"), 0, 1))

    def flag(self, name: str, default: bool) -> bool:
        """A truth value; true, 1 and "true" are the same."""
        value = self.value(name, default)
        word = str(value).strip().lower()
        if not isinstance(value, bool | int | str) or word not in ("true", "false", "1", "0"):
            raise ValueError(f"{self._full(name)} is {quote(value)}, which is not of the expected type, true or false")
        return word in ("true", "1")

    def only(self, name: str, supported: Sequence[Any]) -> None:
        """Makes sure that a value, where there is one, is among those that can be computed."""
        value = self.value(name, supported[0])
        if sorted_names(value) not in supported:
            raise ValueError(f"{self._full(name)} is {quote(value)}, only {' or '.join(map(repr, supported))} is supported")

    def sizes(self, name: str, default: Sequence[int], least: int, most: int) -> tuple[int, ...]:
        """As many whole numbers as the default has; where there are several such lists, the first."""
        value = self.value(name, list(default))
        if isinstance(value, list) and value and isinstance(value[0], list):
            value = value[0]
        if not isinstance(value, list) or len(value) != len(default):
            raise ValueError(f"{self._full(name)} is {quote(value)}, which is not {len(default)} whole numbers")
        places = Fields({str(place): one for place, one in enumerate(value)}, self._full(name))
        return tuple(places.whole(str(place), usual, least, most) for place, usual in enumerate(default))

    def _number(self, name: str, default: float, kind: str) -> float:
        value = self.value(name, default)
        try:
            number = float(value) if isinstance(value, str) else value
            if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
                raise ValueError(value)
        except (ValueError, OverflowError):
            raise ValueError(f"{self._full(name)} is {quote(value)}, which is not of the expected type, {kind}") from None
        return number

    def _within(self, name: str, number: float, least: int, most: int) -> float:
        if not least <= number <= most:
            raise ValueError(f"{self._full(name)} is {quote(number)}, which is not between {least} and {most}")
        return number

    def _full(self, name: str) -> str:
        return f"{self._name}.{name}" if self._name else name


def sorted_names(value: Any) -> Any:
    """A list of names in order, anything else as it is: a configuration does not choose the order of a network's levels."""
    return sorted(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else value


def quote(value: Any) -> str:
    """A value as a sentence may repeat it."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists without end
        text = f"a {type(value).__name__}"
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
