"""The one line: order, places, what is told to those who wait, and who leaves it."""

from __future__ import annotations

import asyncio

import pytest

from parsing.web.server.turns import BusyError, GoneError, Standing, StoppingError, Turns


async def never() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    pass


def test_first_come_first_served() -> None:
    async def run() -> list[int]:
        turns, served = Turns(), []
        takes = [turns.take(lambda number=number: served.append(number), never) for number in range(20)]
        await asyncio.gather(*takes)
        return served

    assert asyncio.run(run()) == list(range(20))


def test_whoever_waits_is_told_the_place_and_the_seconds() -> None:
    async def run() -> None:
        turns = Turns()
        turns._usual = {"m2fp": 3.0, "lite": 0.5}
        first, second, third = turns.enter("m2fp"), turns.enter("lite"), turns.enter("m2fp")
        assert turns.waiting == 2
        assert turns.standing(second).place == 1
        assert turns.standing(second).seconds == pytest.approx(3.0, abs=0.1)
        assert turns.standing(third) == Standing(2, pytest.approx(3.5, abs=0.1))
        told = []

        async def wait() -> None:
            async for standing in third.standings(never):
                told.append(standing.place)

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.01)
        second.leave()
        await asyncio.sleep(0.01)
        first.leave()
        await waiting
        assert told == [2, 1]
        third.leave()
        assert turns.waiting == 0

    asyncio.run(run())


def test_a_full_line_says_what_it_is_full_of() -> None:
    async def run() -> None:
        turns = Turns(places=2, most_bytes=100)
        turns.enter(size=50)
        turns.enter(size=50)
        with pytest.raises(BusyError) as bytes_:
            turns.enter(size=1)
        turns.enter(size=0)
        with pytest.raises(BusyError) as places:
            turns.enter(size=0)
        turns.enter(size=0, begun=True)
        assert (bytes_.value.full, places.value.full) == ("bytes", "places")
        assert "MB of photos wait already" in str(bytes_.value)

    asyncio.run(run())


def test_whoever_goes_away_loses_the_place() -> None:
    async def run() -> None:
        turns = Turns()
        served = turns.enter()
        with pytest.raises(GoneError):
            await turns.take(lambda: None, at_once)
        assert turns.waiting == 0
        waiting = asyncio.create_task(turns.take(lambda: None, never))
        await asyncio.sleep(0.01)
        assert turns.waiting == 1
        waiting.cancel()
        await asyncio.wait({waiting})
        assert turns.waiting == 0
        served.leave()
        assert await turns.take(lambda: 7, never) == 7

    asyncio.run(run())


def test_a_server_that_stops_turns_everybody_away() -> None:
    async def run() -> None:
        turns = Turns()
        turns.enter()
        waiting = asyncio.create_task(turns.take(lambda: None, never))
        await asyncio.sleep(0.01)
        turns.stop()
        with pytest.raises(StoppingError):
            await waiting
        with pytest.raises(StoppingError):
            turns.enter()

    asyncio.run(run())
