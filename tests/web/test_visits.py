"""What the server remembers of open pages, and what it makes of what a browser sends."""

from __future__ import annotations

import asyncio
import base64
import sys
import weakref

import numpy as np
import pytest
from support.browsing import file_of
from support.crowd_model import PARSED, PHOTO, Crowd
from support.served import serve_handlers, until

import parsing
from parsing.formats.table import FORMATS
from parsing.render import restrict
from parsing.web.page import visits
from parsing.web.page.handlers import Handlers
from parsing.web.page.visits import Ticket, Visits
from parsing.web.photos import Photos, Shown

NAMES = [part.name for part in parsing.PARTS[1:]]


def page(number: int) -> str:
    return f"{number:032x}"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (f"{page(10)} 1 en", Ticket(page(10), 1, "en")),
        (f"{page(10)} 12 zh-CN", Ticket(page(10), 12, "zh-CN")),
        *((text, None) for text in (f"{page(10)} 0 en", f"{page(10)} 1 fr", "x 1 en", f"{page(10)} 1 en\n", "", None, 7, [])),
    ],
)
def test_a_ticket_is_read_or_refused(text: object, known: Ticket | None) -> None:
    assert Ticket.read(text) == known


def test_only_the_newest_photo_of_a_page_is_kept() -> None:
    all_pages, shown = Visits(), Shown(PHOTO, PARSED, "Crowd", PHOTO.shape[:2])
    first, second, elsewhere = Ticket(page(1), 1, "en"), Ticket(page(1), 2, "en"), Ticket(page(2), 1, "en")
    assert all_pages.is_newest(first)
    all_pages.begin(second)
    assert [all_pages.is_newest(ticket) for ticket in (first, second, elsewhere)] == [False, True, True]
    all_pages.keep(first, shown)
    assert all_pages.shown(first) is None
    all_pages.keep(second, shown)
    assert all_pages.shown(second) is shown
    assert all_pages.shown(elsewhere) is None


def test_pages_are_forgotten_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    all_pages, shown = Visits(), Shown(PHOTO, PARSED, "Crowd", PHOTO.shape[:2])
    tickets = [Ticket(page(number), 1, "en") for number in range(visits.MOST_PAGES + 1)]
    for ticket in tickets:
        all_pages.keep(ticket, shown)
    assert all_pages.shown(tickets[1]) is shown
    assert all_pages.shown(tickets[0]) is None
    monkeypatch.setattr(visits, "KEPT_SECONDS", 0.0)
    all_pages.begin(Ticket(page(999), 1, "en"))
    monkeypatch.undo()
    assert all_pages.shown(tickets[-1]) is None


def test_a_page_that_has_gone_is_forgotten_though_nobody_else_comes(
    handlers: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, ticket = Shown(PHOTO, PARSED, "Crowd", PHOTO.shape[:2]), Ticket(page(1), 1, "en")
    handlers.visits.keep(ticket, shown)
    kept = weakref.ref(shown)
    monkeypatch.setattr(visits, "KEPT_SECONDS", 0.2)
    with serve_handlers(handlers):
        del shown
        until(lambda: kept() is None)


def test_a_page_may_come_back_to_an_earlier_photo() -> None:
    all_pages = Visits()
    shown = [Shown(PHOTO, PARSED, f"photo {number}", PHOTO.shape[:2]) for number in (1, 2)]
    for number, one in enumerate(shown, start=1):
        all_pages.keep(Ticket(page(1), number, "en"), one)
    assert all_pages.earlier(Ticket(page(1), 3, "en"), 1) is shown[0]
    assert all_pages.earlier(Ticket(page(1), 3, "en"), 3) is None
    assert all_pages.earlier(Ticket(page(2), 1, "en"), 1) is None


def test_photos_that_no_page_shows_are_forgotten_first() -> None:
    all_pages, shown = Visits(), Shown(PHOTO, PARSED, "Crowd", PHOTO.shape[:2])
    elsewhere = Ticket(page(2), 1, "en")
    all_pages.keep(elsewhere, shown)
    for number in range(1, visits.MOST_PHOTOS + 3):
        all_pages.keep(Ticket(page(1), number, "en"), shown)
    newest = Ticket(page(1), visits.MOST_PHOTOS + 2, "en")
    assert all_pages.shown(elsewhere) is shown
    assert all_pages.shown(newest) is shown
    kept = [number for number in range(1, newest.serial + 1) if all_pages.earlier(newest, number)]
    assert kept == list(range(4, newest.serial + 1))


@pytest.mark.parametrize("sent", [None, {}, {"ticket": "x", "earlier": 1}, {"ticket": f"{page(1)} 2 en", "earlier": []}])
def test_a_made_up_earlier_photo_is_none(handlers: Handlers, sent: object) -> None:
    assert asyncio.run(handlers.earlier_photo(sent)) is None


def test_restricting_to_everything_changes_nothing() -> None:
    assert restrict(PARSED, NAMES, None).to_dict() == PARSED.to_dict()
    np.testing.assert_array_equal(restrict(PARSED, NAMES, None).person_of, PARSED.person_of)


def test_restricting_leaves_what_is_on_the_screen() -> None:
    seen = restrict(PARSED, ["Hair", "Face"], 3)
    mask = (PARSED.person_of == 3) & np.isin(PARSED.labels, (2, 13))
    np.testing.assert_array_equal(seen.labels, np.where(mask, PARSED.labels, 0))
    np.testing.assert_array_equal(seen.people[0].mask, mask)
    assert [(part.name, part.person) for part in seen.parts] == [("Hair", 1), ("Face", 1)]
    with pytest.raises(ValueError, match="no person 4"):
        restrict(PARSED, NAMES, 4)


@pytest.fixture
def handlers() -> Handlers:
    return Handlers(Photos(parsing.Parser(Crowd())))


TICKET = f"{page(1)} 1 en"


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        {"ticket": "x", "jpeg": "data:,x"},
        {"ticket": TICKET},
        {"ticket": TICKET, "jpeg": "data:image/jpeg;base64,@@@"},
        {"ticket": TICKET, "jpeg": "data:image/jpeg;base64," + base64.b64encode(b"no picture").decode()},
        {"ticket": TICKET, "jpeg": "data:image/jpeg;base64," + "A" * 2_000_001},
    ],
)
def test_a_frame_that_is_no_picture_gives_nothing(handlers: Handlers, sent: object) -> None:
    assert asyncio.run(handlers.parse_frame(sent)) is None


@pytest.mark.parametrize(
    "wrong", [{"ticket": f"{page(2)} 1 en"}, {"ticket": 7}, {"palette": "x"}, {"palette": []}, {"person": 4}, {"person": -1}]
)
def test_a_file_of_what_is_not_there_gives_nothing(handlers: Handlers, wrong: dict[str, object]) -> None:
    jpeg = "data:image/png;base64," + base64.b64encode(file_of(PHOTO)["buffer"]).decode()
    assert asyncio.run(handlers.parse_frame({"ticket": TICKET, "jpeg": jpeg}))["people"] == 3
    asked = {"ticket": TICKET, "form": "json", "parts": ["Hair"], "person": None, "palette": "lip"}
    assert handlers.make_file(asked)["name"] == "parsing.parsing.json"
    assert handlers.make_file(asked | wrong) is None


def test_a_file_of_every_format(handlers: Handlers, monkeypatch: pytest.MonkeyPatch) -> None:
    jpeg = "data:image/png;base64," + base64.b64encode(file_of(PHOTO)["buffer"]).decode()
    asyncio.run(handlers.parse_frame({"ticket": TICKET, "jpeg": jpeg}))
    asked = {"ticket": TICKET, "parts": NAMES, "person": None, "palette": "lip"}
    for name, form in FORMATS.items():
        file = handlers.make_file(asked | {"form": name})
        assert (file["name"], file["type"]) == ("parsing" + form.suffix, form.media_type)
        assert base64.b64decode(file["content"])
    assert handlers.make_file(asked | {"form": "voc"}) is None
    monkeypatch.setitem(sys.modules, "psd_tools", None)
    assert handlers.make_file(asked | {"form": "psd"})["refused"].startswith("The package psd_tools is missing")


def test_stages_are_told_and_a_superseded_photo_is_left(handlers: Handlers) -> None:
    content = file_of(PHOTO)["buffer"]
    told = list(handlers.show(content, None, Ticket.read(TICKET)))
    for message in told[:-1]:
        assert message["stage"] | {"name": "open"} == {
            "name": "open",
            "number": 1,
            "count": 1,
            "model": "Crowd",
            "expected": None,
        }
    for message in list(handlers.show(content, None, Ticket.read(TICKET)))[:-1]:
        assert list(message["stage"]["expected"]) == ["open", "network"]
    assert told[-1]["photo"].startswith("data:image/png;base64,")
    handlers.begin_photo(f"{page(1)} 2 en")
    assert list(handlers.show(content, None, Ticket.read(TICKET))) == []
