"""The page as static files in headless Chromium, as a visitor meets it: `python -m benchmarks.device [SITE ...] [--rounds 5]`.

Without arguments, the site of today is written and measured; the folders of sites that were written by different versions take
turns, so that a busy moment of the machine falls on all of them. Each round is a browser that has never been there: the page
opens, shows its first example and fetches everything; once all is kept for use without a connection, photos of 512x512 are
chosen one after the other; then the page is opened again. A second browser, too, has never been there, and chooses a photo as
soon as the page takes one. The server says that the page stands alone, so that threads work. With `--rate 20`, the network
has 20 megabits a second; with `--pause 1`, the visitor looks at the page for a second before the second photo is chosen.
Needs `requirements-dev.txt`, Chromium and Linux.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import BrowserContext, BrowserType, Page, sync_playwright

from benchmarks.browser import CHROMIUM, SiteServer
from benchmarks.speed import jpeg
from parsing.web.site.build import site_files, write_site

PIECE: Final = 16_384
"""Bytes that are sent at a time."""
ALONE: Final = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
CLOCK: Final = """
    window.moments = { picture: 0, chosen: 0, shown: 0 };
    addEventListener("change", () => (moments.chosen = performance.now()), true);
    let isBusy = false;
    let count = 0;
    new MutationObserver(() => {
        if (!moments.picture && document.querySelector(".viewer.filled")) moments.picture = performance.now();
        const wasBusy = isBusy;
        isBusy = document.querySelector(".busy")?.hidden === false;
        if (!wasBusy || isBusy) return;
        moments.shown = performance.now();
        document.documentElement.dataset.shown = ++count;
    }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden", "class"] });
"""
"""When the first picture was on show, a photo was chosen and its picture was on show, in milliseconds since the page was asked
for.
"""


@dataclass
class Visit:
    """What a visitor meets, in milliseconds, and megabytes.

    Attributes:
        megabytes: sent until everything is kept for use without a connection.
        picture: from asking for the page to the first picture.
        own: from asking for the page to the picture of a photo that is chosen at once.
        second: from choosing a photo to its picture, the first time.
        later: the same, the median of the photos after that.
        again: from asking for the page to the first picture when everything is kept.
        work: processor time of the browser's processes from its start to the first picture, which other programs hardly change.
        work_later: the same for a photo after the second, the median.
    """

    megabytes: float
    picture: float
    own: float
    second: float
    later: float
    again: float
    work: float
    work_later: float


class Sent:
    """The bytes of all answers since `count` was last set to 0."""

    count = 0


class Line:
    """What all answers go through, `rate` megabits a second."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.turn = threading.Lock()

    def send(self, content: bytes, to: Any) -> None:
        """Sends the content to a connection in pieces, by turns with the others."""
        for start in range(0, len(content), PIECE):
            piece = content[start : start + PIECE]
            with self.turn:
                time.sleep(len(piece) * 8e-6 / self.rate)
            to.write(piece)


@contextmanager
def serve(folder: Path, rate: float = math.inf) -> Iterator[tuple[str, Sent]]:
    """The site's address, from which a page may use threads, and what is sent from there, `rate` megabits a second."""
    sent = Sent()
    line = Line(rate)

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            for name, value in ALONE.items():
                self.send_header(name, value)
            super().end_headers()

        def copyfile(self, source: Any, outputfile: Any) -> None:
            content = source.read()
            sent.count += len(content)
            line.send(content, outputfile)

        def log_message(self, format: str, *arguments: Any) -> None:
            """What is asked for is of no interest."""

    server = SiteServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/", sent
    server.shutdown()
    server.server_close()


def work(profile: str) -> float:
    """Processor time in milliseconds of Chromium with this profile, and of what it has started, from the fields of /proc."""
    fields_of = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # a process may have ended
            fields_of[int(file.parent.name)] = file.read_text().rpartition(")")[2].split()
    own = {number for number in fields_of if profile.encode() in _command(number)}
    while more := {number for number, told in fields_of.items() if int(told[1]) in own} - own:
        own |= more
    ticks = sum(int(fields_of[number][11]) + int(fields_of[number][12]) for number in own)
    return 1000 * ticks / os.sysconf("SC_CLK_TCK")


def _command(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def first_picture(page: Page) -> float:
    """When the first picture was on show, as soon as it is."""
    page.wait_for_selector(".viewer.filled", state="attached")
    moment: float = page.evaluate("moments.picture")
    return moment


def choose_photo(page: Page) -> dict[str, float]:
    """Chooses a photo; the moments of `CLOCK` as soon as its picture is on show."""
    count = int(page.evaluate("document.documentElement.dataset.shown ?? 0"))
    file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": jpeg((512, 512))}
    page.locator("#photo input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    page.wait_for_selector(f"html[data-shown='{count + 1}']", state="attached")
    moments: dict[str, float] = page.evaluate("moments")
    return moments


def visit_at_once(context: BrowserContext, address: str) -> float:
    """Opens the page where nobody has been before and chooses a photo at once; when its picture was on show."""
    context.set_default_timeout(120_000)
    context.add_init_script(CLOCK)
    page = context.new_page()
    page.goto(address, wait_until="commit")
    return choose_photo(page)["shown"]


def visit(context: BrowserContext, profile: str, address: str, sent: Sent, photos: int, own: float, pause: float) -> Visit:
    """Opens the page where nobody has been before, chooses the second photo after a pause in seconds, so many more after that,
    and opens the page again; `own` is what `visit_at_once` gave.
    """
    context.set_default_timeout(120_000)
    context.add_init_script(CLOCK)
    page = context.new_page()
    sent.count = 0
    page.goto(address)
    opened = first_picture(page)
    work_first = work(profile)
    page.locator("#state .offline", has_text="Ready").wait_for()
    megabytes = sent.count / 1e6
    page.wait_for_timeout(1000 * pause)
    times, works = [], []
    for _ in range(1 + photos):
        before = work(profile)
        moments = choose_photo(page)
        times.append(moments["shown"] - moments["chosen"])
        works.append(work(profile) - before)
    page.reload()
    again = first_picture(page)
    later, work_later = (statistics.median(values[1:]) for values in (times, works))
    return Visit(megabytes, opened, own, times[0], later, again, work_first, work_later)


@contextmanager
def new_browser(chromium: BrowserType) -> Iterator[tuple[BrowserContext, str]]:
    """A browser that has never been anywhere, and its profile: with one, it caches as a visitor's does."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:  # the browser may still be writing
        context = chromium.launch_persistent_context(profile, executable_path=CHROMIUM, args=["--no-sandbox"], locale="en-US")
        yield context, profile
        context.close()


def measure(sites: Sequence[Path], rounds: int, photos: int, rate: float = math.inf, pause: float = 0) -> list[list[Visit]]:
    """The visits of each site, one a round."""
    visits: list[list[Visit]] = [[] for _ in sites]
    with ExitStack() as stack:
        chromium = stack.enter_context(sync_playwright()).chromium
        served = [stack.enter_context(serve(site, rate)) for site in sites]
        for _ in range(rounds):
            for place, (address, sent) in enumerate(served):
                with new_browser(chromium) as (context, _):
                    own = visit_at_once(context, address)
                with new_browser(chromium) as (context, profile):
                    visits[place].append(visit(context, profile, address, sent, photos, own, pause))
    return visits


def table(sites: Sequence[Path], visits: Sequence[Sequence[Visit]]) -> Iterator[str]:
    """Lines of Markdown: the medians of each site's visits."""
    names = [field.name for field in fields(Visit)]
    yield f"| site | {' | '.join(names)} |"
    yield "| --- |" + " ---: |" * len(names)
    for site, own in zip(sites, visits, strict=True):
        megabytes, *times = (statistics.median(values) for values in zip(*map(astuple, own), strict=True))
        yield f"| {site.name} | {megabytes:.1f} | {' | '.join(f'{time:.0f}' for time in times)} |"


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sites", metavar="SITE", type=Path, nargs="*", help="folder of a site; default: the site of today")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=5, help="photos after the second")
    parser.add_argument("--rate", type=float, default=math.inf, help="megabits a second")
    parser.add_argument("--pause", type=float, default=0, help="seconds before the second photo is chosen")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sites = options.sites or [Path(folder) / "today"]
        if not options.sites:
            write_site(site_files(), sites[0])
        visits = measure(sites, options.rounds, options.photos, options.rate, options.pause)
        print(*table(sites, visits), sep="\n")


if __name__ == "__main__":
    main()
