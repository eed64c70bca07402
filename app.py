"""The web app: `python app.py`. A photo goes in; a coloured picture and the list of its parts come out.

A photo is parsed once; ticking parts and moving the opacity only recolours the label map that the session keeps. Nothing is
recorded: no analytics, no run history; uploads are deleted seconds after they are read, and the page's pictures touch no disk.
"""

from __future__ import annotations

import html
import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read by Gradio while it is imported

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from numpy.typing import NDArray

import parsing
from parsing.background import BackgroundLoader
from parsing.web.components import (
    FOLDER,
    PartChoice,
    PhotoFacts,
    encode_png,
    facts_lines,
    load_texts,
    part_list,
    photo_input,
    picture_output,
    read_file,
    read_upload,
    shrink,
    ticked_parts,
)
from parsing.web.model_menu import model_menu, wants_lite
from parsing.web.options import check_address, read_options, refuse
from parsing.weights import local_folder

EXAMPLES: Final = sorted((Path(__file__).resolve().parent / "assets" / "examples").glob("*.[jp][pn]g"))
"""Served where they lie: a copy among the uploads would be deleted with an upload of the same photo."""
LONGEST_SIDE: Final = 2048
"""The page parses and shows photos at no more than this many pixels on the longer side, so that recolouring stays quick."""
TEXTS: Final = load_texts()
text: Final = gr.I18n(**TEXTS, **{"zh-TW": TEXTS["zh-CN"]})


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


def build_page(parser: parsing.Parser, loader: BackgroundLoader | None = None, choice: str = "auto") -> gr.Blocks:
    """The page around one parser, or, with a menu of both, around the embedded one and the one of `loader`; `choice` is what
    the menu says at first. `launch_options` belong to its `launch`.
    """
    handlers = Handlers(parser, loader, choice)
    private: dict[str, Any] = {"api_visibility": "private"}
    gr.set_static_paths(EXAMPLES)
    with gr.Blocks(title="Human Parsing", analytics_enabled=False, delete_cache=(300, 1800), fill_width=True) as page:
        shown = gr.State(None, time_to_live=3600)
        gr.HTML(text("page.header"), elem_id="header", apply_default_css=False)
        with gr.Row(elem_id="layout"):
            with gr.Column(elem_id="source"):
                photo = photo_input(text("photo.label"))
                examples = gr.Dataset(
                    components=[gr.Image(render=False)],
                    samples=[[str(path)] for path in EXAMPLES],
                    type="index",
                    label=text("examples.label"),
                    elem_id="examples",
                )
                model = gr.State(None) if loader is None else model_menu(text("words"), loader, parser.title, choice)
            with gr.Column(elem_id="stage"):
                picture = picture_output(text("picture.label"))
                facts = facts_lines(text("words"))
            with gr.Column(elem_id="controls"):
                opacity = gr.Slider(0, 1, 0.6, step=0.01, label=text("opacity.label"), buttons=[], elem_id="opacity")
                parts = part_list(text("words"))
        gr.HTML(text("page.notes"), elem_id="notes", apply_default_css=False)

        # One queue for drawing, in order of arrival: a picture of the photo before can never come after one of the new photo.
        drawing: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 1, "concurrency_id": "draw", **private}
        parsed: dict[str, Any] = {
            "show_progress_on": [picture],
            "trigger_mode": "multiple",
            "concurrency_id": "parse",
            **private,
        }
        settings = [shown, parts, opacity]
        uploaded = photo.input(handlers.upload, [photo, shown, model], [photo, shown], **parsed)
        chosen = examples.click(handlers.example, [examples, model], [shown], **parsed)
        answers = [uploaded, chosen]
        if loader is not None:
            answers.append(model.input(handlers.switch, [shown, model], [shown], **parsed))
        for answer in answers:
            answer.then(handlers.draw_new, settings, [picture, facts, parts], **drawing)
        changed = [parts.input, opacity.input]
        gr.on(changed, handlers.draw, settings, [picture, facts], trigger_mode="always_last", **drawing)
        gr.api(handlers.serve_parse, api_name="parse", concurrency_id="parse")
        gr.api(handlers.serve_recolor, api_name="recolor", concurrency_id="parse")
    return page


def launch_options() -> dict[str, Any]:
    """What `launch` needs for the page to look as meant and to keep to itself."""
    system = ("system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")
    return {
        "theme": gr.themes.Base(primary_hue="teal", neutral_hue="stone", font=system, font_mono=("ui-monospace", "monospace")),
        # As a head, because Gradio rewrites what it is given as css and loses rules on the way.
        "head": f"{read_file('head.html')}<style>{read_file('page.css')}</style>",
        "favicon_path": FOLDER / "favicon.png",
        "i18n": text,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": "64mb",
        "state_session_capacity": 64,  # each may hold a photo of 2048 by 2048 and its parsing, 20 MB
        "show_error": False,
        "share": False,
        "ssr_mode": False,
        "pwa": False,
        "quiet": True,
    }


def load_models(name: str, weights: str | None) -> tuple[parsing.Parser, BackgroundLoader]:
    """The embedded model, and the loader of M2FP: at work for "auto", waiting for "lite", else ready.

    Raises:
        ValueError: there is no such model.
        OSError: M2FP was asked for and is out of reach, or the folder given holds no model.
    """
    if name in ("auto", "lite"):
        local_folder("m2fp", weights)  # a wrong folder is no reason to go on without it
        loader = BackgroundLoader(lambda progress: parsing.load("m2fp", weights=weights, progress=progress))
        if name == "auto":
            loader.start()
    else:
        m2fp = parsing.load(name, weights=weights)
        loader = BackgroundLoader(lambda _: m2fp)
        loader.start()
        loader.wait()
    return parsing.load("lite"), loader


def main() -> None:
    """Loads the models and serves the page until interrupted."""
    options = read_options()
    check_address(options.host, options.port)
    try:
        lite, loader = load_models(options.model, options.weights)
    except (ValueError, OSError, ImportError) as error:
        refuse(str(error))
    choice = options.model if options.model in ("auto", "lite") else "m2fp"
    page = build_page(lite, loader, choice).queue(max_size=64)
    page._queue.sleep_when_free = 0.01  # seconds; Gradio looks a thousand times a second, and takes 4 % of an idle core for it
    page.launch(server_name=options.host, server_port=options.port, prevent_thread_lock=True, **launch_options())
    title = (loader.parser or lite).title
    host = "localhost" if options.host in ("127.0.0.1", "0.0.0.0") else options.host
    print(f"{title} at http://{host}:{options.port}", flush=True)
    for number in (signal.SIGINT, signal.SIGTERM):  # a container is stopped as by Ctrl-C: the cache is emptied
        signal.signal(number, signal.default_int_handler)
    page.block_thread()
    if loader.state.phase == "loading":
        os._exit(0)  # otherwise Python waits for the download, whose threads are not ours; the next start goes on where it is


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while a model is loaded, Ctrl-C ends the program without further words
    main()
