"""What the page and its programming interface do with a photo: open it, parse it once, hand on what was found."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import gradio as gr
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

import parsing
from parsing.files import find_examples
from parsing.stages import OnStage, Stage
from parsing.web.device.settings import LONGEST_PHOTO
from parsing.web.page.model_menu import chosen_name, wants_faster
from parsing.web.page.steps import SupersededError, steps
from parsing.web.page.taking import take_file
from parsing.web.page.texts import load_texts
from parsing.web.page.visits import Ticket, Visits
from parsing.web.photos import Opened, Photos, Shown
from parsing.web.server.payloads import MOST_FRAME
from parsing.web.server.turns import BusyError, GoneError, StoppingError, Turns, finish, never
from parsing.web.viewer.messages import maps_message, mirror, photo_message

log = logging.getLogger(__name__)

EXAMPLES: Final = find_examples()
FIRST: Final = next((path for path in EXAMPLES if path.stem == "astronaut"), EXAMPLES[0])
"""What a visitor finds on show."""
NAMED_EXAMPLES: Final = {f"examples/{path.name}": path for path in EXAMPLES}
"""By the names that the page gives them: nobody need know in which folder they lie."""
MOST_FRAME_PIXELS: Final = 2_000_000
"""Of a frame from the camera; the page's own are 640 by 480."""
TEXTS: Final = load_texts()

Message = dict[str, Any]
"""To the viewer: "serial", the ticket's, and "stage" while a photo is at work, "failed" if nothing came of it, with
the sentence that says why, or the photo.

A stage is a `Stage` as a dict, with "model", the model's title, and "expected", the timings of the photo before, or None. While
the photo waits, its name is "wait", and it has "place", 1 for the next, and "seconds", after which its turn is expected to
come.
"""


class Handlers:
    """What the page and its programming interface call, with the models of `photos` behind them.

    A `model` is the model menu's value, or None where there is no menu; then `choice` counts. A `ticket` is as `Ticket.read`
    takes it; a browser may have made up either.
    """

    def __init__(self, photos: Photos) -> None:
        self.photos = photos
        self.models = photos.models
        self.reception = photos.reception
        self.saves = Turns()  # files to take away stand in a line of their own: they need no model, and one core
        self.visits = Visits()
        self.reception.forgets.append(self.visits.forget)
        self._first: tuple[Shown, Message] | None = None
        self._lasted: dict[str, dict[str, float]] = {}

    def pick(self, model: Any) -> parsing.Parser:
        """The parser for the next photo, by the menu's value."""
        return self.models.pick(chosen_name(model), wants_faster(model))

    def begin_photo(self, ticket: Any) -> None:
        """The page has asked for a photo; earlier ones that still wait can be left."""
        if known := Ticket.read(ticket):
            self.visits.begin(known)

    def prepare_first(self) -> None:
        """Parses the example that a visitor finds on show, so that a visit need not."""
        shown = self.photos.parse(self.photos.open(FIRST, LONGEST_PHOTO), self.models.lite)
        self._first = shown, {"example": FIRST.stem, **photo_message(shown)}

    def first_photo(self, ticket: Any) -> Message | None:
        """The example that was parsed at the start, for a page that shows nothing yet; None where there is none. No model is
        asked.
        """
        known = Ticket.read(ticket)
        if known is None or self._first is None:
            return None
        shown, message = self._first
        self.visits.keep(known, shown)
        return {"serial": known.serial, **message}

    async def earlier_photo(self, sent: Any) -> Message | None:
        """A photo that the page has shown before, {"ticket": the new one, "earlier": its number then}; None where it is
        forgotten. No model is asked.
        """
        known = Ticket.read(sent.get("ticket")) if isinstance(sent, dict) else None
        number = sent.get("earlier") if known else None
        shown = self.visits.earlier(known, number) if known and isinstance(number, int) else None
        if known is None or shown is None:
            return None
        self.visits.keep(known, shown)
        return {"serial": known.serial, **await run_in_threadpool(photo_message, shown)}

    async def upload(
        self, name: str | None, model: Any, ticket: Any, request: gr.Request
    ) -> AsyncGenerator[tuple[None, Message], None]:
        """An uploaded file: empties the input for the next one, and tells the viewer what becomes of the photo. An unusable
        file says why. Its bytes are taken at once, however long the line is.
        """
        known = Ticket.read(ticket)
        if name is None or known is None:
            return
        try:
            content = await run_in_threadpool(self.reception.uploads.read, name)
        except parsing.ImageError as error:
            yield None, self._refused(known, error)
            return
        async with aclosing(self._show_in_turn(content, model, known, request)) as messages:
            async for message in messages:
                yield None, message

    async def example(self, index: int | None, model: Any, ticket: Any, request: gr.Request) -> AsyncGenerator[Message, None]:
        """As `upload`, for one of the example photos."""
        known = Ticket.read(ticket)
        if known and index is not None and 0 <= index < len(EXAMPLES):
            async with aclosing(self._show_in_turn(EXAMPLES[index], model, known, request)) as messages:
                async for message in messages:
                    yield message

    async def switch(self, model: Any, ticket: Any, request: gr.Request) -> AsyncGenerator[Message, None]:
        """After a choice in the model menu: the photo on show is parsed again if another model is now to parse it."""
        known = Ticket.read(ticket)
        shown = known and self.visits.shown(known)
        if known and shown and shown.title != self.pick(model).title:
            async with aclosing(self._show_in_turn(shown, model, known, request)) as messages:
                async for message in messages:
                    yield message
        elif known:
            yield {"serial": known.serial, "failed": ""}

    async def _show_in_turn(
        self, source: bytes | Path | Shown, model: Any, known: Ticket, request: gr.Request
    ) -> AsyncGenerator[Message, None]:
        """As `show`, once it is its turn; until then it tells the place in line."""
        parser = self.pick(model)
        stage = {"name": "wait", "number": 1, "count": 1, "model": parser.title, "expected": self._lasted.get(parser.title)}
        try:
            place = self.reception.turns.enter(parser.title, len(source) if isinstance(source, bytes) else 0)
        except (BusyError, StoppingError) as error:
            yield self._refused(known, error)
            return
        try:
            async with aclosing(
                place.standings(partial(self.reception.listeners.gone, str(request.session_hash)))
            ) as standings:
                async for standing in standings:
                    if not self.visits.is_newest(known):
                        return
                    yield {"serial": known.serial, "stage": {**stage, **asdict(standing)}}
            showing = self.show(source, model, known)
            try:
                async for message in iterate_in_threadpool(showing):
                    yield message
            finally:
                await finish(showing.close)
        except StoppingError as error:
            yield self._refused(known, error)
        except GoneError:
            return
        finally:
            place.leave()

    def _refused(self, known: Ticket, error: parsing.ImageError | BusyError | StoppingError) -> Message:
        """Says, in the page's language, why nothing comes of a photo."""
        texts = TEXTS[known.language]
        if isinstance(error, BusyError):
            sentence = texts[f"line.{error.full}"].replace("{seconds}", str(error.seconds))
        elif isinstance(error, StoppingError):
            sentence = texts["line.stopping"]
        else:
            sentence = str(error) if known.language == "en" else texts[f"error.{error.kind}"]
        return {"serial": known.serial, "failed": sentence}

    def show(self, source: bytes | Path | Shown, model: Any, known: Ticket) -> Generator[Message, None, None]:
        """Opens and parses a photo for a page, telling it each stage; ends between two where it has asked for another since."""
        parser = self.pick(model)
        expected = {"model": parser.title, "expected": self._lasted.get(parser.title)}

        def work(on_stage: OnStage) -> Shown:
            if isinstance(source, Shown):
                photo = Opened(source.photo, source.parsing.timings["open"], source.original)
            else:
                on_stage(Stage("open"))
                photo = self.photos.open(source, LONGEST_PHOTO)
            return self.photos.parse(photo, parser, on_stage)

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
            yield self._refused(known, error)
        except Exception:  # whatever it was, somebody waits for an answer
            log.exception("A photo could not be parsed")
            yield {"serial": known.serial, "failed": TEXTS[known.language]["photo.failed"]}

    async def parse_frame(self, sent: Any) -> Message | None:
        """A frame from the camera, {"ticket", "jpeg" as data address, "mirrored"}, parsed by the embedded model in its turn:
        what `maps_message` gives, mirrored where the page shows it so, or None where it is no picture.
        """
        ticket = Ticket.read(sent.get("ticket")) if isinstance(sent, dict) else None
        jpeg = str(sent.get("jpeg")).partition(",")[2] if ticket else ""
        if ticket is None or not 0 < len(jpeg) <= MOST_FRAME:
            return None

        def work() -> Message:
            seen = self.photos.parse(self.photos.open(content, LONGEST_PHOTO, MOST_FRAME_PIXELS), self.models.lite)
            shown = mirror(seen) if sent.get("mirrored") is True else seen
            self.visits.keep(ticket, shown)
            return maps_message(shown)

        try:
            content = base64.b64decode(jpeg, validate=True)
            return await self.reception.turns.take(work, never, "frame", len(content))
        except (binascii.Error, parsing.ImageError, BusyError, StoppingError):
            return None

    async def save_file(self, sent: Any) -> Message | None:
        """As `make_file`, one at a time."""
        try:
            return await self.saves.take(partial(self.make_file, sent), never)
        except (BusyError, StoppingError):
            return None

    def make_file(self, sent: Any) -> Message | None:
        """A file of what is on the screen, see `take_file`, to which "ticket" is added, that of the photo on the screen; None
        where the server has forgotten it.
        """
        ticket = Ticket.read(sent.get("ticket")) if isinstance(sent, dict) else None
        shown = None if ticket is None else self.visits.earlier(ticket, ticket.serial)
        return take_file(shown, sent) if shown else None
