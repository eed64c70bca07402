"""Changes the HTML frame that Gradio puts around every page. The title, description and picture that other sites show for a
link are Gradio's own there; icon and manifest are asked for at the root of the host, which below a proxy's path is not ours.

Gradio reads the frame as a template of Jinja, where nothing of it can be set. `tests/web/test_template.py` opens the page:
where a new version of Gradio has other words in its frame, it names those that are not replaced any more.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from gradio.routes import templates
from jinja2 import ChoiceLoader, DictLoader

FRAME: Final = "frontend/index.html"


@lru_cache
def name_page(title: str, description: str) -> None:
    """Puts title and description, for links to the page, in the place of Gradio's; leaves out its picture and its account. The
    icon is named where the page is; there is no manifest, for the page is not one to install.
    """
    environment = templates.env
    source = environment.loader.get_source(environment, FRAME)[0] if environment.loader else ""
    for name, content in (("title", title), ("description", description)):
        source = re.sub(rf'(="(?:og|twitter):{name}"\s+content=)"[^"]*"', rf'\1"{content}"', source)
    source = re.sub(r'<meta\s+(?:property|name)="(?:og:image|og:url|twitter:image|twitter:creator)"[^>]*>', "", source)
    source = re.sub(r'<link rel="manifest"[^>]*>', '<link rel="icon" href="favicon.ico" />', source)
    environment.loader = ChoiceLoader([DictLoader({FRAME: source}), *([environment.loader] if environment.loader else [])])
