"""A file of what is on the screen, made by the server."""

from __future__ import annotations

from typing import Any

from parsing.effects import WIDEST_EDGE
from parsing.formats.sample import Sample
from parsing.formats.table import FORMATS
from parsing.render import PALETTES, grow_edges, restrict
from parsing.web.page.components import known_parts
from parsing.web.photos import Shown
from parsing.web.viewer.messages import as_text


def take_file(shown: Shown, sent: dict[str, Any]) -> dict[str, Any] | None:
    """A file: "name", "type", "content" in base 64; "refused", a sentence, where a package for it is missing. None where a
    browser has made up what it sends.

    Args:
        shown: the photo on the screen.
        sent: "form", one of `FORMATS`; "parts", names; "person", number or None; "palette", name; "grow" and "feather", pixels.
    """
    form = FORMATS.get(str(sent.get("form")))
    if not form or sent.get("palette") not in list(PALETTES):
        return None
    person, grow, feather = sent.get("person"), sent.get("grow"), sent.get("feather")
    try:
        parts = known_parts(sent.get("parts"), shown.parsing.classes)
        seen = restrict(shown.parsing, parts, person if isinstance(person, int) else None)
        seen = grow_edges(seen, grow) if isinstance(grow, int) else seen
    except ValueError:
        return None
    feather = feather if isinstance(feather, int) and 0 <= feather <= WIDEST_EDGE else 0
    try:
        content = form.make_file(Sample(shown.photo, seen, palette=sent["palette"], feather=feather))
    except ImportError as error:
        return {"refused": str(error)}
    return {"name": "parsing" + form.suffix, "type": form.media_type, "content": as_text(content)}
