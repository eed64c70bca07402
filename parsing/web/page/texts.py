"""The page's texts, in every language that it speaks."""

from __future__ import annotations

import json
from typing import Final

from parsing.formats.table import FORMATS
from parsing.labels import KNOWN_PARTS
from parsing.web.assets import read_file

HERE: Final = ("page.", "notes.", "error.", "line.", "site.")
"""How texts begin that the viewer and the model menu do not need."""
SITE: Final = "site."
"""How texts begin that stand in the place of others where there is no server, see `site_texts`."""
NOTES: Final = ("notes.shares", "notes.privacy", "notes.licence")

Texts = dict[str, dict[str, str]]
"""By language, "en" and "zh-CN", and key."""


def load_texts() -> Texts:
    """The page's texts from `texts.json`, the names of all parts as "part.<name>", plainer in English where the file has them
    than the data set's, and what the Save menu calls each format as "save.<name>".

    Two more texts are made of the others: "page.notes", and "words", which holds them all as "key=text|key=text", because
    Gradio translates one string for a component, and the templates of the viewer and the model menu need many.
    """
    texts: Texts = json.loads(read_file("page/texts.json"))
    for part in KNOWN_PARTS:
        texts["en"].setdefault(f"part.{part.name}", part.name)
        texts["zh-CN"][f"part.{part.name}"] = part.name_zh
    for form in FORMATS.values():
        texts["en"][f"save.{form.name}"] = form.title
        texts["zh-CN"][f"save.{form.name}"] = form.title_zh
    for words in texts.values():
        words["page.notes"] = "".join(f"<p>{words[key]}</p>" for key in NOTES)
        words["words"] = "|".join(f"{key}={text}" for key, text in words.items() if not key.startswith(HERE))
    return texts


def site_texts() -> Texts:
    """The same for the page without a server: what is said otherwise there has replaced the page's own."""

    def replaced(words: dict[str, str]) -> dict[str, str]:
        own = {key.removeprefix(SITE): text for key, text in words.items() if key.startswith(SITE)}
        return {
            key: text
            for key, text in {**words, **own}.items()
            if not key.startswith((SITE, "page.", "error.", "line.", "words"))
        }

    return {language: replaced(words) for language, words in load_texts().items()}
