"""What the page and its programming interface do with a photo: open it, parse it once, recolour what was found."""

from __future__ import annotations

import html
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from numpy.typing import NDArray

import parsing
from parsing.background import BackgroundLoader
from parsing.web.components import PartChoice, PhotoFacts, encode_png, load_texts, read_upload, shrink, ticked_parts
from parsing.web.model_menu import wants_lite

EXAMPLES: Final = sorted((Path(__file__).resolve().parents[2] / "assets" / "examples").glob("*.[jp][pn]g"))
"""Served where they lie: a copy among the uploads would be deleted with an upload of the same photo."""
LONGEST_SIDE: Final = 2048
"""The page parses and shows photos at no more than this many pixels on the longer side, so that recolouring stays quick."""
TEXTS: Final = load_texts()


@dataclass(frozen=True, eq=False)
class Shown:
    """What a session keeps: the photo, RGB uint8 (H, W, 3), its parsing, and what the model that made it is called."""

    photo: NDArray[np.uint8]
    parsing: parsing.Parsing
    title: str


class Handlers:
    """What the page and its programming interface call, with one parser behind them, or two: `lite`, and the loader's.

    A `model` is the model menu's value, or None where there is no menu; then `choice` counts.
    """

    def __init__(self, lite: parsing.Parser, loader: BackgroundLoader | None, choice: str) -> None:
        self.lite = lite
        self.loader = loader
        self.choice = choice

    def pick(self, model: Any) -> parsing.Parser:
        """The parser for the next photo: M2FP's once it is ready, unless the menu says lite."""
        m2fp = None if self.loader is None or wants_lite(model or {"choice": self.choice}) else self.loader.parser
        return m2fp or self.lite

    def upload(self, upload: bytes | None, shown: Shown | None, model: Any, request: gr.Request) -> tuple[None, Shown | None]:
        """An uploaded file: empties the input for the next one, and gives the new state. An unusable file says why, and the
        state stays.
        """
        if upload is None:
            return None, shown
        try:
            return None, self.open(upload, model)
        except parsing.ImageError as error:
            warn(error, request)
            return None, shown

    def example(self, index: int, model: Any) -> Shown:
        """The new state for one of the example photos."""
        return self.open(EXAMPLES[index], model)

    def switch(self, shown: Shown | None, model: Any) -> Shown | None:
        """The state after a choice in the model menu: the photo is parsed again if another model is now to parse it."""
        parser = self.pick(model)
        if shown is None or shown.title == parser.title:
            return shown
        result = parser(shown.photo)
        timings = {**result.timings, "open": shown.parsing.timings["open"]}
        return Shown(shown.photo, replace(result, timings=timings), parser.title)

    def open(self, source: bytes | Path, model: Any, longest: int = LONGEST_SIDE) -> Shown:
        """Opens and parses a photo; raises `parsing.ImageError`."""
        start = time.perf_counter()
        photo = shrink(parsing.open_image(source), longest)
        opened = (time.perf_counter() - start) * 1000
        parser = self.pick(model)
        result = parser(photo)
        return Shown(photo, replace(result, timings={**result.timings, "open": opened}), parser.title)

    def draw(
        self, shown: Shown | None, choice: PartChoice, opacity: float
    ) -> tuple[NDArray[np.uint8] | None, PhotoFacts | None]:
        """The coloured picture and the facts below it."""
        if shown is None:
            return None, None
        start = time.perf_counter()
        picture = parsing.composite(shown.photo, shown.parsing, parts=ticked_parts(choice), opacity=opacity)
        drawn = (time.perf_counter() - start) * 1000
        return picture, PhotoFacts(
            width=picture.shape[1],
            height=picture.shape[0],
            people=len(shown.parsing.people),
            found=bool(shown.parsing.labels.any()),
            model=html.escape(shown.title),
            timings={**shown.parsing.timings, "draw": drawn},
        )

    def draw_new(
        self, shown: Shown | None, choice: PartChoice, opacity: float
    ) -> tuple[NDArray[np.uint8] | None, PhotoFacts | None, PartChoice]:
        """As `draw`, and the part list with the shares of the new photo."""
        shares = None if shown is None else shown.parsing.area()
        return *self.draw(shown, choice, opacity), PartChoice(ticked=ticked_parts(choice), shares=shares)

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
        view: Literal["overlay", "map", "cutout"] = "overlay",
    ) -> gr.FileData:
        """Parses a photo and colours it. Returns a PNG of the photo's size. `parts` are English part names, all 19 where none
        are given; `opacity` is 0 (photo) to 1 (flat colours); `view` is "overlay", "map" (only colours) or "cutout".
        """
        shown = self.open_sent(photo)
        try:
            picture = parsing.composite(shown.photo, shown.parsing, parts=parts, opacity=opacity, view=view)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return gr.FileData(path=save_bytes_to_cache(encode_png(picture), "parsing.png", get_upload_folder()))

    def open_sent(self, photo: Any) -> Shown:
        """Opens and parses, at full size, a file that a program has sent."""
        try:
            return self.open(read_upload(photo["path"]), None, longest=sys.maxsize)
        except parsing.ImageError as error:
            raise gr.Error(str(error), print_exception=False) from None


def warn(error: parsing.ImageError, request: gr.Request) -> None:
    """Shows an error's sentence in the language of the browser."""
    chinese = request.headers.get("accept-language", "").lower().startswith("zh")
    message = TEXTS["zh-CN"][f"error.{error.kind}"] if chinese else str(error)
    gr.Warning(html.escape(message))
