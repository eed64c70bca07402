"""Strangers' photos: decoded in a process whose time and memory are limited, which costs no more than one photo."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest
from support.hostile import HOSTILE, SEEDS, deflated_zeros, png

import parsing
from parsing.web.server import decoder as module
from parsing.web.server.decoder import Decoder


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def process(decoder: Decoder) -> int:
    """The number of the process, which runs once a photo has been decoded."""
    decoder(SEEDS["png"])
    return decoder._process.pid


@pytest.mark.parametrize("name", SEEDS)
def test_the_pixels_are_those_of_open_image(decoder: Decoder, name: str) -> None:
    np.testing.assert_array_equal(decoder(SEEDS[name]), parsing.open_image(SEEDS[name]))


@pytest.mark.parametrize("name", [name for name, (_, status) in HOSTILE.items() if status != 200])
def test_what_cannot_be_used_is_said_as_by_open_image(decoder: Decoder, name: str) -> None:
    content, status = HOSTILE[name]
    with pytest.raises(parsing.ImageError) as here:
        parsing.open_image(content)
    with pytest.raises(parsing.ImageError) as there:
        decoder(content)
    assert (str(there.value), there.value.kind, there.value.status) == (str(here.value), here.value.kind, status)


def test_a_photo_of_too_many_pixels_for_its_purpose_is_refused(decoder: Decoder) -> None:
    with pytest.raises(parsing.ImageError) as refused:
        decoder(SEEDS["png"], 100)
    assert refused.value.status == 413


def test_a_decoder_that_hangs_is_ended_and_the_next_photo_is_opened(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = process(decoder)
    os.kill(hanging, signal.SIGSTOP)
    monkeypatch.setattr(module, "SECONDS", 0.5)
    with pytest.raises(parsing.ImageError, match="takes too long to decode"):
        decoder(SEEDS["png"])
    monkeypatch.undo()
    assert process(decoder) != hanging


def test_a_decoder_that_does_not_start_in_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Decoder()
    monkeypatch.setattr(module, "START_SECONDS", 0.0)
    with pytest.raises(parsing.ImageError, match="takes too long to decode"):
        slow(SEEDS["png"])
    slow._ready()
    monkeypatch.undo()
    np.testing.assert_array_equal(slow(SEEDS["png"]), parsing.open_image(SEEDS["png"]))
    slow.close()


def test_a_decoder_that_crashes_costs_one_photo(decoder: Decoder) -> None:
    crashing = process(decoder)
    os.kill(crashing, signal.SIGSTOP)
    os.kill(crashing, signal.SIGSEGV)  # comes when it goes on
    os.kill(crashing, signal.SIGCONT)
    for _ in range(100):
        try:
            decoder(SEEDS["png"])
        except parsing.ImageError as error:
            assert error.status == 422  # noqa: PT017, it may have crashed between two photos instead
        if decoder._process is not None and decoder._process.pid != crashing:
            break
        time.sleep(0.05)
    assert process(decoder) != crashing


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux changes the limits of another process")
def test_a_photo_that_the_memory_does_not_suffice_for_is_said_to_be_that(decoder: Decoder) -> None:
    soft, _ = resource.prlimit(process(decoder), resource.RLIMIT_AS)
    assert soft == 3_000_000_000
    resource.prlimit(process(decoder), resource.RLIMIT_AS, (400_000_000, soft))
    with pytest.raises(parsing.ImageError) as refused:
        decoder(png(7000, 7000, deflated_zeros(7001 * 7000)))
    assert (refused.value.kind, refused.value.status) == ("memory", 503)
    resource.prlimit(process(decoder), resource.RLIMIT_AS, (soft, soft))


def test_pixels_are_not_kept(decoder: Decoder) -> None:
    decoder(SEEDS["png"])
    assert os.fstat(decoder._pixels.fileno()).st_size == 0
