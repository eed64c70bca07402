"""`python -m parsing site FOLDER`: the page as static files, for any web space and any folder of it.

Every address in the files is relative. `version.js` lists them all with their SHA-256; a folder that holds it is one of ours,
which the next build replaces.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from PIL import Image

from parsing.files import find_examples, write_file
from parsing.formats.table import FORMATS
from parsing.image import open_image
from parsing.labels import PARTS
from parsing.program import OptionParser
from parsing.web.assets import FOLDER, read_file
from parsing.web.device import RUNTIME, RUNTIME_FILES
from parsing.web.device.network import network_files
from parsing.web.device.settings import device_settings
from parsing.web.page.texts import site_texts
from parsing.web.site.first import FIRST, parse_first
from parsing.web.site.icons import draw_icon
from parsing.web.viewer.markup import VIEWER_STYLES, color_tables, describe_classes, viewer_html

STYLES: Final = "site/styles.css"
"""All stylesheets in one: nothing is drawn before the last of them is there."""
CONTENT: Final = "site/content.json"
FIRST_MAPS: Final = "site/first.packed"
"""What the first picture takes besides its photo."""
ROOMS: Final = ("viewer", "device", "site")
THUMBNAIL: Final = 256
"""Pixels of the shorter side of an example among the others."""
SERVICE_WORKER: Final = "service_worker.js"
"""It lies at the top of the site, because it answers for what lies below it."""
LIST: Final = "version.js"
"""The list of all files. It sets the global name SITE, because a service worker reads scripts and nothing else."""
LIST_BEGINS: Final = "self.SITE = "
NOT_ASKED_FOR: Final = (SERVICE_WORKER, ".nojekyll", "README.md", "examples/CREDITS.md", "device/LICENSE")
NOT_KEPT: Final = (*NOT_ASKED_FOR, "device/ort.gpu.js", "device/ort.gpu.packed")
"""What no page asks for, and what only a browser with a graphics chip does, which goes on without; the rest, browsers keep for
use without a connection.
"""


def main(arguments: Sequence[str]) -> int:
    """The command, `arguments` being the words after `site`; gives exit status 0.

    Raises:
        ValueError: the folder holds something else; the message is one sentence.
        OSError: it cannot be written; the message is one sentence.
        SystemExit: with status 2 where the words are wrong, with status 0 after the help.
    """
    options = OptionParser(
        prog="python -m parsing site", description="Writes the page as static files: the photos are parsed in the browser."
    )
    options.add_argument("folder", metavar="FOLDER", type=Path, help="new, empty, or a site that was written before")
    folder: Path = options.parse_args(arguments).folder
    files = site_files()
    try:
        write_site(files, folder)
    except OSError as error:
        raise OSError(f"The folder {folder.name!r} cannot be written: {error.strerror or error}.") from error
    size = sum(map(len, files.values())) / 1e6
    print(f"{folder}: {len(files)} files, {size:.0f} MB. To look at it: python -m http.server --directory {folder}")
    return 0


def write_site(files: dict[str, bytes], folder: Path) -> None:
    """Writes the files of `site_files`; those that only an earlier site had are removed. Hidden files may lie beside.

    Raises:
        ValueError: the folder holds something else, or is a file; nothing was written.
        OSError: the folder cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder.name!r} is a file; name a folder for the site.")
    there = folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir())
    earlier = _read_list(folder / LIST)
    if there and earlier is None:
        raise ValueError(f"The folder {folder.name!r} holds something else than a site; name a new or an empty one.")
    for name in (earlier or set()) - files.keys():
        (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_file(content, folder / name)


def site_files() -> dict[str, bytes]:
    """The content of each file of the site by its path in the folder.

    Raises:
        OSError: the embedded model is missing or damaged; the message is one sentence.
    """
    scripts = [f"{room}/{file.name}" for room in ROOMS for file in sorted((FOLDER / room).glob("*.js"))]
    modules = [name for name in scripts if not name.endswith(SERVICE_WORKER)]
    examples = find_examples()
    people, maps = parse_first(next(path for path in examples if path.stem == FIRST))
    files = {name: (FOLDER / name).read_bytes() for name in modules}
    files |= {f"device/{name}": path.read_bytes() for name, path in RUNTIME_FILES.items()}
    files |= {f"device/{name}": content for name, content in network_files().items()}
    files |= {f"examples/{path.name}": path.read_bytes() for path in (*examples, examples[0].with_name("CREDITS.md"))}
    files |= {f"examples/small/{path.name}": _thumbnail(path) for path in examples}
    files |= {
        "index.html": index_page([path.name for path in examples], modules).encode(),
        STYLES: "\n".join(map(read_file, (*VIEWER_STYLES, "site/site.css"))).encode(),
        CONTENT: _json({"tables": _tables(), "texts": site_texts(), "first": people}),
        FIRST_MAPS: maps,
        "device/settings.json": _json(device_settings()),
        "device/LICENSE": (RUNTIME / "LICENSE").read_bytes(),
        SERVICE_WORKER: (FOLDER / "site" / SERVICE_WORKER).read_bytes(),
        "manifest.json": (FOLDER / "site" / "manifest.json").read_bytes(),
        "icons/180.png": draw_icon(180),
        "icons/192.png": draw_icon(192),
        "icons/512.png": draw_icon(512),
        "icons/512-maskable.png": draw_icon(512, 0.6),
        "icons/favicon.png": (FOLDER / "page" / "favicon.png").read_bytes(),
        "README.md": read_file("site/space.md").encode(),
        ".nojekyll": b"",
    }
    return listed(files)


def index_page(examples: Sequence[str], modules: Sequence[str]) -> str:
    """The page's HTML, with buttons for examples, named by file, and links to all modules and to what the first picture takes,
    so that none waits for another.
    """
    styles = f'<link rel="stylesheet" href="{STYLES}">'
    early = "".join(f'<link rel="modulepreload" href="{name}">' for name in modules if not name.endswith("worker.js"))
    photo = next(name for name in examples if Path(name).stem == FIRST)
    first = f'<link rel="preload" href="examples/{photo}" as="image">'
    first += "".join(f'<link rel="preload" href="{name}" as="fetch" crossorigin>' for name in (CONTENT, FIRST_MAPS))
    formats = [form for form in FORMATS.values() if form.on_device]
    places = {
        "<!-- light and dark -->": read_file("page/head.html").rstrip(),
        "<!-- styles and modules -->": f'{styles}{first}{early}<script type="module" src="site/site.js"></script>',
        "<!-- a button for each example -->": "".join(map(_example_button, examples)),
        "<!-- the viewer -->": viewer_html(formats),
    }
    page = read_file("site/index.html")
    for place, content in places.items():
        if place not in page:
            raise LookupError(place)
        page = page.replace(place, content)
    return _with_words(page)


def _with_words(page: str) -> str:
    """The page with English words where the script writes a visitor's own, so that these find room where they come to stand."""
    words = site_texts()["en"]
    return re.sub(r'(data-text="([^"]+)"[^>]*>)(?=</)', lambda found: found[1] + escape(words[found[2]]), page)


def _example_button(file: str) -> str:
    name, title = escape(file), escape(Path(file).stem.replace("-", " "))
    picture = f'<img src="examples/small/{name}" data-photo="examples/{name}" alt="{title}">'
    return f'<button type="button" class="gallery-item">{picture}</button>'


def _thumbnail(photo: Path) -> bytes:
    """A JPEG about as large as it is shown, on screens of two pixels a point."""
    picture = Image.fromarray(open_image(photo))
    scale = THUMBNAIL / min(picture.size)
    stream = io.BytesIO()
    picture.resize((round(picture.width * scale), round(picture.height * scale))).save(stream, "JPEG", quality=80)
    return stream.getvalue()


def _tables() -> dict[str, object]:
    classes = describe_classes(PARTS)
    return {"table": classes, "lite_table": classes, **color_tables()}


def listed(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with `version.js`, or a new one, which holds the site's "version", a word that changes with any file; "files",
    the SHA-256, in hexadecimal, of each file that browsers keep; and "others", the names of the rest.
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items()) if name != LIST}
    version = hashlib.sha256(json.dumps(sums).encode()).hexdigest()[:16]
    kept = {name: sha256 for name, sha256 in sums.items() if name not in NOT_KEPT}
    said = {"version": version, "files": kept, "others": sorted(NOT_KEPT)}
    return {**files, LIST: f"{LIST_BEGINS}{json.dumps(said, indent=1)};\n".encode()}


def _read_list(file: Path) -> set[str] | None:
    """The files of the site that this `version.js` belongs to; None where there is none, or it is not ours."""
    try:
        text = file.read_text(encoding="utf-8")
        said = json.loads(text.removeprefix(LIST_BEGINS).rstrip(";\n"))
        names = [*said["files"], *said["others"]]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    inside = (name for name in names if not Path(name).is_absolute() and ".." not in Path(name).parts)
    return set(inside) if text.startswith(LIST_BEGINS) else None


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
