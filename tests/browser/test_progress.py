"""What the page says and does while a photo is at work."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, expect
from support.browsing import file_of, page_address, shown, upload, visit, watch_widths
from support.crowd_model import PHOTO, Crowd

import parsing
from parsing.result import Parsing
from parsing.stages import OnStage, Stage, Stages


class Slow(Crowd):
    """Takes its time over the second of three people where a photo is 100 pixels wide.

    Attributes:
        begun, ended: widths of the photos that it has begun, and of those that it was not stopped at.
    """

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []

    def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> Parsing:
        self.begun.append(image.shape[1])
        if image.shape[1] == 100:
            stages = Stages(on_stage)
            stages.tell(Stage("parse", 2, 3))
            time.sleep(3)
            stages.tell(Stage("parse", 3, 3))
        self.ended.append(image.shape[1])
        return replace(super().__call__(image, on_stage), model="slow")


def test_an_answer_to_an_older_photo_never_comes_and_the_earlier_result_stays_meanwhile(browser: Browser) -> None:
    model = Slow()
    for address in page_address(parsing.Parser(model)):
        for page in visit(browser, address):
            upload(page, file_of(PHOTO))
            earlier = shown(page)
            upload(page, file_of(PHOTO[:, :100]))
            expect(page.locator(".busy")).to_contain_text("Parsing person 2 of 3")
            done = page.evaluate("Number(document.querySelector('.busy').style.getPropertyValue('--done'))")
            assert done == pytest.approx(0.05 + 0.9 / 3)  # one of three people
            assert page.locator(".drawing").get_attribute("width") == "131"
            widths = watch_widths(page)
            upload(page, file_of(PHOTO[:, :90]))  # waits behind the slow one, and is then of no use
            upload(page, file_of(PHOTO[:, :80]))
            picture = shown(page, (96, 80))
            np.testing.assert_array_equal(picture, parsing.composite(PHOTO[:, :80], Crowd()(PHOTO[:, :80])))
            page.wait_for_timeout(500)
            assert set(widths.json_value()) == {80}
            assert (model.begun, model.ended) == ([131, 100, 80], [131, 80])
            assert earlier.shape == PHOTO.shape


def test_the_seconds_are_those_of_the_photo_that_was_chosen_last(browser: Browser) -> None:
    for address in page_address(parsing.Parser(Crowd())):
        for page in visit(browser, address):
            said = page.evaluate(
                """async () => {
                    const { viewer } = await window.parsingViewer;
                    const elapsed = () => document.querySelector(".elapsed").textContent;
                    const now = performance.now.bind(performance);
                    viewer.work({ name: "parse" });
                    performance.now = () => now() + 30_000;
                    viewer.progress.tick();
                    const before = elapsed();
                    viewer.preview("");
                    viewer.work({ name: "send" });
                    return [before, elapsed()];
                }"""
            )
            assert said == ["· 30 s", ""]
