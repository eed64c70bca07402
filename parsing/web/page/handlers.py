"""What the page and its programming interface do with a photo: open it, parse it once, hand on what was found."""

from __future__ import annotations

import base64
import binascii
import html
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from numpy.typing import NDArray

import parsing
from parsing.formats.sample import Sample
from parsing.formats.table import FORMATS
from parsing.pictures import encode_picture
from parsing.render import PALETTES, restrict
from parsing.stages import OnStage, Stage
from parsing.web.device.settings import LONGEST_PHOTO
from parsing.web.page.background import BackgroundLoader
from parsing.web.page.components import find_examples, known_parts, load_texts, read_upload, shrink
from parsing.web.page.model_menu import wants_faster, wants_lite
from parsing.web.page.steps import SupersededError, steps
from parsing.web.page.visits import Ticket, Visits
from parsing.web.viewer.messages import Shown, as_text, maps_message, photo_message

log = logging.getLogger(__name__)

EXAMPLES: Final = find_examples()
"""The example photos. Served where they lie: a copy among the uploads would be deleted with an upload of the same photo."""
LARGEST_FRAME: Final = 2_000_000
"""Characters of a frame from the camera; the page's own are a tenth of that."""
TEXTS: Final = load_texts()

Message = dict[str, Any]
"""To the viewer: "serial", the ticket's, and "stage" while a photo is at work, "failed" if nothing came of it, or the photo.

A stage is a `Stage` as a dict, with "model", the model's title, and "expected", the timings of the photo before, or None.
"""


class Handlers:
    """What the page and its programming interface call, with one parser behind them, or two: `lite`, and the loader's.

    A `model` is the model menu's value, or None where there is no menu; then `choice` counts. A `ticket` is as `Ticket.read`
    takes it; a browser may have made up either.
    """

    def __init__(self, lite: parsing.Parser, loader: BackgroundLoader | None = None, choice: str = "auto") -> None:
        self.lite = lite
        self.loader = loader
        self.choice = choice
        self.visits = Visits()
        self._lasted: dict[str, dict[str, float]] = {}
        self._rounded: parsing.Parser | None = None
        self._lock = Lock()

    def pick(self, model: Any) -> parsing.Parser:
        """The parser for the next photo: M2FP's once it is ready, unless the menu says lite."""
        m2fp = None if self.loader is None or wants_lite(model or {"choice": self.choice}) else self.loader.parser
        if m2fp is not None and wants_faster(model):
            return self._faster(m2fp)
        return m2fp or self.lite

    def _faster(self, m2fp: parsing.Parser) -> parsing.Parser:
        """The same model in bfloat16, made once, when it is first wanted: it takes 80 MB."""
        with self._lock:
            if self._rounded is None:
                self._rounded = parsing.Parser(m2fp.model.in_bfloat16())
            return self._rounded

    def begin_photo(self, ticket: Any) -> None:
        """The page has asked for a photo; earlier ones that still wait can be left."""
        if known := Ticket.read(ticket):
            self.visits.begin(known)

    def upload(self, upload: bytes | None, model: Any, ticket: Any) -> Iterator[tuple[None, Message]]:
        """An uploaded file: empties the input for the next one, and tells the viewer what becomes of the photo. An unusable
        file says why.
        """
        if upload is not None:
            yield from ((None, message) for message in self.show(upload, model, ticket))

    def example(self, index: int, model: Any, ticket: Any) -> Iterator[Message]:
        """As `upload`, for one of the example photos."""
        yield from self.show(EXAMPLES[index], model, ticket)

    def switch(self, model: Any, ticket: Any) -> Iterator[Message]:
        """After a choice in the model menu: the photo on show is parsed again if another model is now to parse it."""
        known = Ticket.read(ticket)
        shown = known and self.visits.shown(known)
        if shown and shown.title != self.pick(model).title:
            yield from self.show(shown, model, ticket)
        elif known:
            yield {"serial": known.serial, "failed": True}

    def show(self, source: bytes | Path | Shown, model: Any, ticket: Any) -> Iterator[Message]:
        """Opens and parses a photo for a page, telling it each stage; ends between two where it has asked for another since."""
        known = Ticket.read(ticket)
        if known is None:
            return
        parser = self.pick(model)
        failed = {"serial": known.serial, "failed": True}
        expected = {"model": parser.title, "expected": self._lasted.get(parser.title)}

        def work(on_stage: OnStage) -> Shown:
            if isinstance(source, Shown):
                photo, opened = source.photo, source.parsing.timings["open"]
            else:
                on_stage(Stage("open"))
                photo, opened = open_photo(source, LONGEST_PHOTO)
            return self.parse(photo, opened, parser, on_stage)

        try:
            for step in steps(work, lambda: self.visits.is_newest(known)):
                if isinstance(step, Stage):
                    yield {"serial": known.serial, "stage": {**asdict(step), **expected}}
                else:
                    self.visits.keep(known, step)
                    self._lasted[parser.title] = step.parsing.timings
                    yield {"serial": known.serial, **photo_message(step)}
        except SupersededError:
            return
        except parsing.ImageError as error:
            warn(str(error) if known.language == "en" else TEXTS["zh-CN"][f"error.{error.kind}"])
            yield failed
        except Exception:  # whatever it was, somebody waits for an answer
            log.exception("A photo could not be parsed")
            warn(TEXTS[known.language]["photo.failed"])
            yield failed

    def parse(self, photo: NDArray[np.uint8], opened: float, parser: parsing.Parser, on_stage: OnStage | None = None) -> Shown:
        """Parses a photo that took `opened` milliseconds to open."""
        result = parser(photo, on_stage)
        return Shown(photo, replace(result, timings={**result.timings, "open": opened}), parser.title)

    def parse_frame(self, sent: Any) -> Message | None:
        """A frame from the camera, {"ticket", "jpeg" as data address}, parsed by the embedded model: what `maps_message`
        gives, or None where it is no picture.
        """
        ticket = Ticket.read(sent.get("ticket")) if isinstance(sent, dict) else None
        jpeg = str(sent.get("jpeg")).partition(",")[2] if ticket else ""
        if not 0 < len(jpeg) <= LARGEST_FRAME:
            return None
        try:
            photo, opened = open_photo(base64.b64decode(jpeg, validate=True), LONGEST_PHOTO)
        except (binascii.Error, parsing.ImageError):
            return None
        shown = self.parse(photo, opened, self.lite)
        self.visits.keep(ticket, shown)
        return maps_message(shown)

    def save_file(self, sent: Any) -> Message | None:
        """A file of what is on the screen: "name", "type", "content" in base 64; "refused", a sentence, where a package for it
        is missing. None where the server has forgotten the photo.

        `sent` is {"ticket", "form": one of `FORMATS`, "parts": names, "person": number or None, "palette": name}.
        """
        ticket = Ticket.read(sent.get("ticket")) if isinstance(sent, dict) else None
        shown = ticket and self.visits.shown(ticket)
        form = FORMATS.get(str(sent.get("form"))) if shown else None
        if not form or sent.get("palette") not in list(PALETTES):
            return None
        person = sent.get("person")
        try:
            parts = known_parts(sent.get("parts"), shown.parsing.classes)
            seen = restrict(shown.parsing, parts, person if isinstance(person, int) else None)
        except ValueError:
            return None
        try:
            content = form.make_file(Sample(shown.photo, seen, palette=sent["palette"]))
        except ImportError as error:
            return {"refused": str(error)}
        return {"name": "parsing" + form.suffix, "type": form.media_type, "content": as_text(content)}

    def serve_parse(self, photo: gr.FileData) -> dict[str, Any]:
        """Parses a photo. Returns its size, the parts and people found (name, score, box x0 y0 x1 y1, area in pixels), the
        milliseconds of each stage, and "shares", 0 to 1: of the person area for each part, of the photo for Background.
        """
        shown = self.open_sent(photo)
        return {**shown.parsing.to_dict(), "shares": shown.parsing.area()}

    def serve_recolor(
        self,
        photo: gr.FileData,
        parts: list[str] | None = None,
        opacity: float = 0.6,
        view: Literal["overlay", "map", "cutout", "outlines"] = "overlay",
        palette: Literal["lip", "article", "safe"] = "lip",
        person: int | None = None,
    ) -> gr.FileData:
        """Parses a photo and colours it. Returns a PNG of the photo's size. `parts` are English part names, all 19 where none
        are given; `opacity` is 0 (photo) to 1 (flat colours); `view` is "overlay", "map" (only colours), "cutout" or
        "outlines"; `palette` is "lip" (the usual colours), "article" or "safe" (for colour-blind people); `person` is the
        number of one person, from 1, everybody where none is given.
        """
        shown = self.open_sent(photo)
        try:
            picture = parsing.composite(shown.photo, shown.parsing, parts, opacity, palette, view, person)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return gr.FileData(path=save_bytes_to_cache(encode_picture(picture, "png"), "parsing.png", get_upload_folder()))

    def open(self, source: bytes | Path, model: Any, longest: int) -> Shown:
        """Opens and parses a photo, made smaller if a side has more than `longest` pixels; raises `parsing.ImageError`."""
        photo, opened = open_photo(source, longest)
        return self.parse(photo, opened, self.pick(model))

    def open_sent(self, photo: Any) -> Shown:
        """Opens and parses, at full size, a file that a program has sent."""
        try:
            return self.open(read_upload(photo["path"]), None, sys.maxsize)
        except parsing.ImageError as error:
            raise gr.Error(str(error), print_exception=False) from None


def open_photo(source: bytes | Path, longest: int) -> tuple[NDArray[np.uint8], float]:
    """A photo of at most `longest` pixels on the longer side, and the milliseconds it took; raises `parsing.ImageError`."""
    start = time.perf_counter()
    photo = shrink(parsing.open_image(source), longest)
    return photo, (time.perf_counter() - start) * 1000


def warn(sentence: str) -> None:
    """Shows a sentence at the corner of the page."""
    gr.Warning(html.escape(sentence))
