"""The list of what may be asked of Gradio: routes, methods, parameters and what they carry. All else is answered with 404.

Gradio serves much that this app does not need: other servers' files, saved states, profiles, a code editor. Whatever is not in
`OPEN` stays closed, so that a new version of Gradio opens nothing by itself; `tests/web/test_gate.py` compares the two lists
with the routes of the Gradio that is installed, and names what is new.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

API: Final = "/gradio_api"
SESSION: Final = r"[A-Za-z0-9_-]{1,64}"
FILE: Final = r"[\w.@-]{1,100}(/[\w@-][\w.@-]{0,100}){0,4}"
"""A file of Gradio's own, below one of its folders."""

PUBLIC: Final = "parse|recolor"
"""The functions that programs may call by name."""

Body = Literal["none", "photo", "call", "join", "server", "cancel", "reset"]
"""What a request carries; each has a check of its own in `payloads.py`, but for "photo", a form that `uploads.py` takes."""


@dataclass(frozen=True)
class Route:
    """A row of the list.

    Attributes:
        methods: "GET" or "POST", or several with a space between.
        path: as Gradio writes it.
        why: who needs it.
        parameters: of the address after "?", by name, each with the whole pattern of its value.
        parts: the patterns of what stands in braces in the path.
        body: what is sent along.
        drops: whether other parameters are dropped instead of refused: a link to the page may carry any, and the page passes
            them on where it calls a function.
    """

    methods: str
    path: str
    why: str
    parameters: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    body: Body = "none"
    drops: bool = False

    def pattern(self) -> re.Pattern[str]:
        """What the whole path of a request has to match; each part between braces becomes a group of its name."""
        pieces = re.split(r"\{(\w+)(?::path)?\}", self.path)  # what stands between braces has an odd number
        for place in range(0, len(pieces), 2):
            pieces[place] = re.escape(pieces[place])
        for place in range(1, len(pieces), 2):
            pieces[place] = f"(?P<{pieces[place]}>{self.parts[pieces[place]]})"
        return re.compile("".join(pieces))


EVERYWHERE: Final = {"__sign": r"[\w.~-]{1,4000}"}
"""Parameters of every route: a private Space puts its pass into each address."""

_SESSION: Final = {"session_hash": SESSION}

OPEN: Final = (
    Route("GET HEAD", "/", "the page", drops=True),
    Route("GET", "/config", "gradio_client asks which functions there are"),
    Route("GET", "/theme.css", "the page's colours", {"v": r"\w{1,64}"}),
    Route("GET", "/favicon.ico", "the page's icon"),
    Route("GET", "/robots.txt", "search engines ask for it"),
    Route("GET HEAD", "/assets/{path:path}", "Gradio's scripts and styles", parts={"path": FILE}),
    Route("GET HEAD", "/static/{path:path}", "Gradio's pictures and fonts", parts={"path": FILE}),
    Route(
        "GET",
        f"{API}/info",
        "gradio_client asks what the functions take",
        {"serialize": "True|False|true|false", "all_endpoints": "True|False|true|false"},
    ),
    Route("GET", f"{API}/startup-events", "the page asks for it when it opens"),
    Route("GET", f"{API}/app_id", "a page that has lost its connection asks whether the server is another"),
    Route("GET", f"{API}/heartbeat/{{session_hash}}", "a page shows that it is open", parts=_SESSION),
    Route("POST", f"{API}/upload", "a photo comes in", {"upload_id": r"\w{1,64}"}, body="photo"),
    Route("GET", f"{API}/upload_progress", "the page asks how far its upload is", {"upload_id": r"\w{1,64}"}),
    Route(
        "GET HEAD",
        f"{API}/file={{path_or_url:path}}",
        "an example, an upload, a coloured picture; by names that this server has given",
        parts={"path_or_url": r"[\w./\\:~ -]{1,300}"},
    ),
    Route("POST", f"{API}/queue/join", "a page or gradio_client calls a function", body="join", drops=True),
    Route("GET", f"{API}/queue/data", "and hears what becomes of it", _SESSION),
    Route("POST", f"{API}/call/{{api_name}}", "a program calls a function", parts={"api_name": PUBLIC}, body="call"),
    Route(
        "GET",
        f"{API}/call/{{api_name}}/{{event_id}}",
        "and hears what becomes of it",
        parts={"api_name": PUBLIC, "event_id": SESSION},
    ),
    Route("POST", f"{API}/component_server/", "the page's own scripts: camera, files to save, the model menu", body="server"),
    Route("POST", f"{API}/cancel", "gradio_client takes a call back", body="cancel"),
    Route("POST", f"{API}/reset", "gradio_client says that it will not listen any longer", body="reset"),
)

_TWICE: Final = "with a slash at its end it is the same again"

CLOSED: Final = {
    "/config/": _TWICE,
    "/gradio_api/deep_link": "writes what a page holds to disk, for whoever knows its address",
    "/login": "names and passwords are asked for in front of Gradio",
    "/login/": _TWICE,
    "/logout": "as login",
    "/manifest.json": "the page is not one to install",
    "/monitoring": "tells how the app is used",
    "/monitoring/summary": "tells how the app is used",
    "/monitoring/{key}": "tells how the app is used",
    "/openapi.json": "REST's own stands before it",
    "/pwa_icon": "the page is not one to install",
    "/pwa_icon/{size}": "the page is not one to install",
    "/svelte/{path:path}": "for components of others",
    f"{API}/api/{{api_name}}": "passes by the line",
    f"{API}/api/{{api_name}}/": _TWICE,
    f"{API}/app_id/": _TWICE,
    f"{API}/call/v2/{{api_name}}": "the same as call, in another shape",
    f"{API}/call/v2/{{api_name}}/": _TWICE,
    f"{API}/call/v2/{{api_name}}/{{event_id}}": "as above",
    f"{API}/call/{{api_name}}/": _TWICE,
    f"{API}/component_server": "the same as with a slash at its end",
    f"{API}/custom_component/{{id}}/{{environment}}/{{type}}/{{file_name}}": "this app has no components of others",
    f"{API}/dev/reload": "for whoever writes the app",
    f"{API}/file/{{path:path}}": "an old name of file=",
    f"{API}/info/": _TWICE,
    f"{API}/login_check": "names and passwords are asked for in front of Gradio",
    f"{API}/login_check/": _TWICE,
    f"{API}/openapi.json": "describes Gradio's routes; REST has its own",
    f"{API}/process_recording": "runs a film program on what is sent",
    f"{API}/proxy={{url_path:path}}": "fetches what other servers have",
    f"{API}/queue/status": "nobody needs it",
    f"{API}/reset/": _TWICE,
    f"{API}/run/{{api_name}}": "passes by the line",
    f"{API}/run/{{api_name}}/": _TWICE,
    f"{API}/run-history/buckets": "a history of calls, which is not kept",
    f"{API}/run-history/connect": "a history of calls, which is not kept",
    f"{API}/run-history/records": "a history of calls, which is not kept",
    f"{API}/run-history/records/{{endpoint}}/{{record_id}}/assets/{{asset_id}}": "a history of calls, which is not kept",
    f"{API}/runs": "a history of calls, which is not kept",
    f"{API}/runs/": _TWICE,
    f"{API}/stream/{{event_id}}": "no function streams",
    f"{API}/stream/{{event_id}}/close": "no function streams",
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/playlist.m3u8": "no function streams",
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/playlist-file": "no function streams",
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/{{segment_id}}.{{ext}}": "no function streams",
    f"{API}/theme.css": "the same as /theme.css",
    f"{API}/token": "tells a password's token",
    f"{API}/token/": _TWICE,
    f"{API}/undo-vibe-edit": "changes the program",
    f"{API}/undo-vibe-edit/": _TWICE,
    f"{API}/user": "tells who has given a password",
    f"{API}/user/": _TWICE,
    f"{API}/vibe-code": "changes the program",
    f"{API}/vibe-code/": _TWICE,
    f"{API}/vibe-edit": "changes the program",
    f"{API}/vibe-edit/": _TWICE,
    f"{API}/vibe-starter-queries": "sends the program to another server",
    f"{API}/vibe-starter-queries/": _TWICE,
}
"""What Gradio offers and this app does not, with the reason. Nothing depends on this table: what is not in `OPEN` is closed."""
