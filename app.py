"""The web app: `python app.py`. A photo goes in; a coloured picture and the list of its parts come out. Scripts find their own
way in beside the page, in `parsing/web/rest.py`.

A photo is parsed once; everything after that, the browser draws by itself. Nothing is recorded: no analytics, no run history;
uploads are deleted seconds after they are read, and the page's pictures touch no disk.
"""

from __future__ import annotations

import os
import signal
from typing import Any, Final

import parsing.web.quick_start  # before Gradio

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read by Gradio while it is imported

import gradio as gr

import parsing
from parsing.background import BackgroundLoader
from parsing.web.components import FOLDER, photo_input, read_file
from parsing.web.device import device_folder, device_input
from parsing.web.handlers import EXAMPLES, TEXTS, Handlers
from parsing.web.model_menu import model_menu
from parsing.web.options import check_address, read_options, refuse
from parsing.web.rest import build_rest
from parsing.web.server import join, serve
from parsing.web.viewer import viewer
from parsing.weights import local_folder

STYLES: Final = ("page.css", "source.css", "device/input.css", "viewer/stage.css", "viewer/bars.css", "viewer/legend.css")
text: Final = gr.I18n(**TEXTS, **{"zh-TW": TEXTS["zh-CN"]})


def build_page(handlers: Handlers) -> gr.Blocks:
    """The page, with a menu of models where the handlers have a loader; `launch_options` belong to its `launch`."""
    private: dict[str, Any] = {"api_visibility": "private"}
    gr.set_static_paths(EXAMPLES)
    with gr.Blocks(title="Human Parsing", analytics_enabled=False, delete_cache=(300, 1800), fill_width=True) as page:
        gr.HTML(text("page.header"), elem_id="header", apply_default_css=False)
        with gr.Row(elem_id="layout"):
            with gr.Column(elem_id="source"):
                photo = photo_input(text("photo.label"))
                if handlers.loader is not None:  # as the model menu, in which it is chosen
                    device_input(text("words"))
                examples = gr.Dataset(
                    components=[gr.Image(render=False)],
                    samples=[[str(path)] for path in EXAMPLES],
                    type="index",
                    label=text("examples.label"),
                    elem_id="examples",
                )
                model = gr.State(None)
                if handlers.loader is not None:
                    words = text("words")
                    model = model_menu(words, handlers.loader, handlers.lite.title, handlers.choice, device_folder())
            shown = viewer(text("words"), [handlers.begin_photo, handlers.parse_frame, handlers.save_file])
        gr.HTML(text("page.notes"), elem_id="notes", apply_default_css=False)
        ticket = gr.Textbox(visible=False)  # filled by the scripts below; see `Ticket`

        # All photos stand in one queue, because each takes all cores. The viewer shows how far its own is.
        # Named as where progress shows, because Gradio else leaves a timer behind in the photo's input with each upload.
        parsed: dict[str, Any] = {
            "show_progress": "hidden",
            "show_progress_on": shown,
            "trigger_mode": "multiple",
            "concurrency_id": "parse",
            **private,
        }
        new_photo = "(photo, model) => [photo, model, photo === null ? '' : window.parsingViewer.begin()]"
        other_model = "async (model) => [model, await window.parsingViewer.beginAgain()]"
        answers = [
            photo.input(handlers.upload, [photo, model, ticket], [photo, shown], js=new_photo, **parsed),
            examples.click(handlers.example, [examples, model, ticket], [shown], js=new_photo, **parsed),
        ]
        if handlers.loader is not None:
            answers.append(model.input(handlers.switch, [model, ticket], [shown], js=other_model, **parsed))
        for answer in answers:
            answer.failure(None, js="() => window.parsingViewer.fail()", **private)
        gr.api(handlers.serve_parse, api_name="parse", concurrency_id="parse")
        gr.api(handlers.serve_recolor, api_name="recolor", concurrency_id="parse")
    return page


def launch_options() -> dict[str, Any]:
    """What `launch` needs for the page to look as meant and to keep to itself."""
    system = ("system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")
    styles = "".join(read_file(name) for name in STYLES)
    return {
        "theme": gr.themes.Base(primary_hue="teal", neutral_hue="stone", font=system, font_mono=("ui-monospace", "monospace")),
        # As a head, because Gradio rewrites what it is given as css and loses rules on the way.
        "head": f"{read_file('head.html')}<style>{styles}</style>",
        "favicon_path": FOLDER / "favicon.png",
        "i18n": text,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": "64mb",
        "state_session_capacity": 64,
        "show_error": False,
        "share": False,
        "ssr_mode": False,
        "pwa": False,
        "quiet": True,
    }


def load_models(name: str, weights: str | None, size: str = "official") -> tuple[parsing.Parser, BackgroundLoader]:
    """The embedded model, and the loader of M2FP: at work for "auto", waiting for "lite", else ready.

    Raises:
        ValueError: there is no such model.
        OSError: M2FP was asked for and is out of reach, or the folder given holds no model.
    """
    if name in ("auto", "lite"):
        local_folder("m2fp", weights)  # a wrong folder is no reason to go on without it
        loader = BackgroundLoader(lambda progress: parsing.load("m2fp", weights=weights, progress=progress, size=size))
        if name == "auto":
            loader.start()
    else:
        m2fp = parsing.load(name, weights=weights, size=size)
        loader = BackgroundLoader(lambda _: m2fp)
        loader.start()
        loader.wait()
    return parsing.load("lite"), loader


def main() -> None:
    """Loads the models and serves the page until interrupted."""
    options = read_options()
    check_address(options.host, options.port)
    try:
        lite, loader = load_models(options.model, options.weights, options.size)
    except (ValueError, OSError, ImportError) as error:
        refuse(str(error))
    choice = options.model if options.model in ("auto", "lite") else "m2fp"
    handlers = Handlers(lite, loader, choice)
    page = build_page(handlers).queue(max_size=64)
    page._queue.sleep_when_free = 0.01  # seconds; Gradio looks a thousand times a second, and takes 4 % of an idle core for it
    server = join(page, build_rest(handlers), launch_options(), options.origins, options.auth)
    title = (loader.parser or lite).title
    host = "localhost" if options.host in ("127.0.0.1", "0.0.0.0") else options.host
    serve(server, options.host, options.port, lambda: print(f"{title} at http://{host}:{options.port}", flush=True))
    if loader.state.phase == "loading":
        os._exit(0)  # otherwise Python waits for the download, whose threads are not ours; the next start goes on where it is


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while a model is loaded, Ctrl-C ends the program without further words
    main()
