"""The viewer's HTML, and the tables that its modules are given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from parsing.formats.table import Format
from parsing.labels import GROUPS, Part
from parsing.render import PALETTES
from parsing.web.assets import read_file

_STYLES: Final = "layout photo_input examples stage messages bars edges clip legend presentation phone"
VIEWER_STYLES: Final = tuple(f"viewer/{name}.css" for name in _STYLES.split())
"""What a page with the viewer needs, by the names that `read_file` takes; later ones go before earlier ones."""
SAVE_PLACE: Final = "<!-- a button for each format -->"


def viewer_html(formats: Iterable[Format]) -> str:
    """The viewer as HTML without any word in it, with a button for each of these formats."""
    return read_file("viewer/viewer.html").replace(SAVE_PLACE, "".join(map(_save_button, formats)))


def describe_classes(classes: tuple[Part, ...]) -> list[dict[str, Any]]:
    """A table of classes as the viewer's list has it; what a part is called in Chinese is among the page's texts."""
    return [{"index": part.index, "name": part.name, "group": part.group} for part in classes]


def color_tables() -> dict[str, Any]:
    """What `viewer.js` calls its tables, the classes aside: "groups", their names, and "palettes", RGB colours by class."""
    return {"groups": list(GROUPS), "palettes": {name: palette.colors.tolist() for name, palette in PALETTES.items()}}


def _save_button(form: Format) -> str:
    """The button of a format, to be used once there is a photo; what the device cannot make is out of sight there."""
    kind = "" if form.on_device else ' class="from-server"'
    return f'<button type="button" data-save="{form.name}" data-text="save.{form.name}"{kind} disabled></button>'
