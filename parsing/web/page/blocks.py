"""The page: a photo goes in; a coloured picture and the list of its parts come out.

A photo is parsed once; everything after that, the browser draws by itself. Nothing is recorded: no analytics, no run history;
uploads are deleted seconds after they are read, and the page's pictures touch no disk.
"""

from __future__ import annotations

import os
from typing import Any, Final

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read by Gradio while it is imported

import gradio as gr
from gradio.events import api

from parsing.web.assets import FOLDER, read_file
from parsing.web.modules import modules_folder
from parsing.web.page.components import example_input, photo_input
from parsing.web.page.handlers import NAMED_EXAMPLES, TEXTS, Handlers
from parsing.web.page.model_menu import model_menu
from parsing.web.page.programs import Programs
from parsing.web.page.template import name_page
from parsing.web.page.viewer import viewer
from parsing.web.viewer.markup import VIEWER_STYLES

STYLES: Final = ("page/page.css", "page/model_menu.css", *VIEWER_STYLES)
text: Final = gr.I18n(**TEXTS, **{"zh-TW": TEXTS["zh-CN"]})


def build_page(handlers: Handlers) -> gr.Blocks:
    """The page, with a menu of models where the handlers have a loader; `launch_options` belong to its `launch`."""
    private: dict[str, Any] = {"api_visibility": "private"}
    # What Gradio would copy on its way goes where the gate keeps order.
    os.environ["GRADIO_TEMP_DIR"] = str(handlers.reception.uploads.folder)
    name_page(TEXTS["en"]["title"], TEXTS["en"]["description"])
    words, modules = text("words"), modules_folder()
    page = gr.Blocks(title=TEXTS["en"]["title"], analytics_enabled=False, fill_width=True)
    with page:
        gr.HTML(text("page.header"), elem_id="header", apply_default_css=False)
        with gr.Row(elem_id="layout"):
            with gr.Column(elem_id="source"):
                photo = photo_input(words, modules)
                examples = gr.Dataset(
                    components=[example_input()],
                    samples=[[name] for name in NAMED_EXAMPLES],
                    type="index",
                    label=text("examples.label"),
                    elem_id="examples",
                )
                model: gr.State | gr.HTML = gr.State(None)
                if handlers.models.loader is not None:
                    model = model_menu(words, handlers.models, handlers.models.loader, modules)
            functions = [
                *(handlers.begin_photo, handlers.first_photo, handlers.earlier_photo),
                *(handlers.parse_frame, handlers.save_file),
            ]
            shown = viewer(words, handlers.pick(None).classes, functions, modules)
        gr.HTML(text("page.notes"), elem_id="notes", apply_default_css=False)
        ticket = gr.Textbox(visible=False)  # filled by the lines of script below; see `Ticket`

        # Gradio begins every call at once; the handlers put all photos into one line, because each takes all cores. The viewer
        # shows how far its own is.
        # Named as where progress shows, because Gradio else leaves a timer behind in the photo's input with each upload.
        parsed: dict[str, Any] = {
            "show_progress": "hidden",
            "show_progress_on": shown,
            "trigger_mode": "multiple",
            "concurrency_limit": None,
            **private,
        }
        new_photo = "async (photo, model) => [photo, model, photo ? (await window.parsingViewer).ticketOf(photo) : '']"
        new_example = "async (example, model) => [example, model, (await window.parsingViewer).begin()]"
        other_model = "async (model) => [model, await (await window.parsingViewer).beginAgain()]"
        answers = [
            photo.input(handlers.upload, [photo, model, ticket], [photo, shown], js=new_photo, **parsed),
            examples.click(handlers.example, [examples, model, ticket], [shown], js=new_example, **parsed),
        ]
        if isinstance(model, gr.HTML):
            answers.append(model.input(handlers.switch, [model, ticket], [shown], js=other_model, **parsed))
        for answer in answers:
            answer.failure(None, js="async () => (await window.parsingViewer).fail()", **private)
        programs = Programs(handlers.photos)
        api(programs.serve_parse, api_name="parse", concurrency_limit=None)
        api(programs.serve_recolor, api_name="recolor", concurrency_limit=None)
    return page


def launch_options() -> dict[str, Any]:
    """What `launch` needs for the page to look as meant and to keep to itself."""
    system = ("system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")
    styles = "".join(read_file(name) for name in STYLES)
    script = f'<script type="module" src="{modules_folder()}page/language.js"></script>'
    return {
        "theme": gr.themes.Base(primary_hue="teal", neutral_hue="stone", font=system, font_mono=("ui-monospace", "monospace")),
        # As a head, because Gradio rewrites what it is given as css and loses rules on the way.
        "head": f"{read_file('page/head.html')}{script}<style>{styles}</style>",
        "favicon_path": FOLDER / "page" / "favicon.png",
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
