"""Lite in the browser, "On this device": it finds what the server's finds, and no photo leaves the page."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect
from support.accessibility import AXE, findings
from support.browsing import (
    PHONE,
    file_of,
    rgba,
    shown,
    upload,
    wait_for,
    wait_for_examples,
    watch_widths,
)
from support.clips import write_clip
from support.device import (
    ADMIRAL,
    ASTRONAUT,
    DEVICE,
    GROUP,
    LITE,
    PHOTOGRAPHER,
    choose,
    choose_device,
    read,
    sent,
)

import parsing
from parsing.formats import masks
from parsing.formats.document import describe
from parsing.formats.sample import Sample
from parsing.render import LIP, SAFE
from parsing.web.page.handlers import LONGEST_PHOTO
from parsing.web.photos import shrink


def turned() -> dict[str, object]:
    """The astronaut as a phone held sideways stores her."""
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is on the right of the stored picture
    return file_of(np.rot90(parsing.open_image(ASTRONAUT)[:448]).copy(), "jpeg", exif=exif)


def large() -> dict[str, object]:
    """A photo that is made smaller before it is parsed."""
    return file_of(cv2.resize(parsing.open_image(PHOTOGRAPHER), (2700, 1200), interpolation=cv2.INTER_CUBIC))


def test_the_map_is_the_servers_and_nothing_is_sent(page: Page, requests: list[Request]) -> None:
    choose_device(page)
    page.locator("#views [value=map]").check()
    for file in (read(ASTRONAUT), read(ADMIRAL), read(GROUP), turned(), large()):
        upload(page, file)
        photo = shrink(parsing.open_image(file["buffer"]), LONGEST_PHOTO)
        expected = LITE(photo)
        wait_for(page, f"{photo.shape[1]} × {photo.shape[0]}")
        picture = shown(page, photo.shape[:2])
        assert (picture == LIP.colors[expected.labels]).all(axis=2).mean() >= 0.995
        expect(page.locator("#people label")).to_have_count(1 + len(expected.people))
    wait_for(page, "Lite, on this device")
    page.locator("#views [value=cutout]").check()  # the photo itself
    picture = rgba(page)
    whole = picture[:, :, 3] > 0
    assert np.abs(picture[whole][:, :3].astype(int) - photo[whole]).max() <= 2
    assert sent(requests) == []


def test_nothing_is_fetched_before_it_is_chosen_and_the_network_is_needed_no_more_then(
    page: Page, requests: list[Request]
) -> None:
    page.reload()
    page.wait_for_selector("#parts input[name=Hair]")
    page.wait_for_timeout(1000)
    assert not [request.url for request in requests if DEVICE in request.url]
    choose_device(page)
    fetched = {request.url.rpartition("/")[2] for request in requests if DEVICE in request.url}
    assert fetched >= {"page.js", "worker.js", "settings.json", "ort.js", "ort.wasm.packed", "lite.onnx", "lite.weights"}
    page.context.set_offline(True)
    upload(page, read(ASTRONAUT))
    wait_for(page, "1 person")


def test_an_example_its_files_and_the_way_back(page: Page, requests: list[Request]) -> None:
    choose_device(page)
    page.locator("#examples button").filter(has=page.locator("img[src$='group-collage.jpg']")).click()
    found = LITE(GROUP)
    wait_for(page, f"{len(found.people)} people")
    page.locator("#palette select").select_option("safe")

    answer = json.loads(download(page, "JSON"))
    expected = describe(found)
    for kind in ("parts", "people"):
        assert [(item["name"], item["person"]) for item in answer[kind]] == [
            (item["name"], item["person"]) for item in expected[kind]
        ]
        for mine, servers in zip(answer[kind], expected[kind], strict=True):
            assert mine["score"] == pytest.approx(servers["score"], abs=0.01)
            assert mine["area"] == pytest.approx(servers["area"], rel=0.05, abs=50)
    with Image.open(io.BytesIO(download(page, "Label map"))) as labels:
        assert (np.asarray(labels) == found.labels).mean() >= 0.995
        assert labels.getpalette()[6:9] == SAFE.colors[2].tolist()
    with (
        zipfile.ZipFile(io.BytesIO(download(page, "Masks (ZIP)"))) as here,
        zipfile.ZipFile(io.BytesIO(masks.encode(Sample(parsing.open_image(GROUP), found)))) as there,
    ):
        assert here.testzip() is None
        assert set(here.namelist()) == set(there.namelist())
        for name in ("labels.png", "Coat.png", "person-2.png", "person-3-Face.png"):
            mine, servers = (np.asarray(Image.open(io.BytesIO(archive.read(name)))) for archive in (here, there))
            assert (mine == servers).mean() >= 0.995
    page.locator("#people [value='2']").check()
    page.get_by_role("button", name="Face", exact=True).click()
    only = json.loads(download(page, "JSON"))
    face = next(part for part in found.parts if part.person == 2 and part.name == "Face")
    assert [(part["name"], part["person"]) for part in only["parts"]] == [("Face", 1)]
    assert only["parts"][0]["area"] == only["people"][0]["area"] == pytest.approx(face.area, rel=0.05)
    assert sent(requests) == []

    choose(page, "lite")
    expect(page.get_by_text("It stays on this device: nothing is sent.")).to_be_hidden()
    page.wait_for_timeout(500)  # time for what should not be
    wait_for(page, "on this device")
    assert sum(len(request.post_data_buffer or b"") for request in requests) < 20_000
    upload(page, read(ASTRONAUT))
    wait_for(page, "Lite (embedded)")


def download(page: Page, name: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(waiting.value.path()).read_bytes()


def test_the_photo_on_show_is_parsed_again_and_an_unusable_file_is_refused_in_a_sentence(page: Page) -> None:
    upload(page, read(ASTRONAUT))
    wait_for(page, "Lite (embedded)")
    choose_device(page)
    wait_for(page, "Lite, on this device")
    upload(page, {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"})
    expect(page.locator(".said")).to_contain_text("cannot read that file as a picture")
    wait_for(page, "512 × 512")
    expect(page.locator(".busy")).to_be_hidden()


def test_a_newer_photo_ends_the_work_on_an_older_one(page: Page) -> None:
    choose_device(page)
    widths = watch_widths(page)
    upload(page, read(GROUP))
    expect(page.locator(".busy")).to_contain_text("Parsing with Lite, on this device")
    upload(page, read(ASTRONAUT))
    assert shown(page, (512, 512)).shape == (512, 512, 3)
    assert set(widths.json_value()) == {512}


def test_a_thumbnail_brings_its_photo_back_without_the_model(page: Page) -> None:
    choose_device(page)
    page.evaluate(
        """() => {
            window.asked = 0;
            const ask = Worker.prototype.postMessage;
            Worker.prototype.postMessage = function (...said) { window.asked++; return ask.apply(this, said); };
        }"""
    )
    page.locator("#photo input[type=file]").set_input_files([read(ASTRONAUT), turned()])
    expect(page.locator(".strip [data-state=shown]")).to_have_count(2, timeout=120_000)
    asked, second = page.evaluate("window.asked"), shown(page)
    thumbnails = page.locator(".strip button")
    thumbnails.first.click()
    assert shown(page, (512, 512)).shape != second.shape
    thumbnails.last.click()
    np.testing.assert_array_equal(shown(page, second.shape[:2]), second)
    assert page.evaluate("window.asked") == asked


def test_the_camera_is_parsed_here_too(page: Page, requests: list[Request]) -> None:
    choose_device(page)
    page.get_by_role("button", name="Start camera").click()
    page.wait_for_function("parseFloat(document.querySelector('.rate').textContent) > 0")
    wait_for(page, "640 × 480")
    page.get_by_role("button", name="Stop camera").click()
    assert sent(requests) == []


def test_a_clip_is_parsed_here_too(page: Page, requests: list[Request], tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", 5)
    choose_device(page)
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "clip.mp4")
    wait_for(page, "96 × 64")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert sent(requests) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_input_is_within_reach_of_fingers_keys_and_screen_readers(browser: Browser, address: str, scheme: str) -> None:
    context = browser.new_context(viewport=PHONE, locale="zh-CN", color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#parts input[name=Hair]")
    wait_for_examples(page)
    choose(page, "device")
    expect(page.locator("#models [role=status]")).to_have_text("Lite 在此浏览器中运行：照片不会离开本设备。")
    page.add_script_tag(path=AXE)
    assert findings(page) == []
    target = page.locator("#photo label").bounding_box()
    assert (target["x"], target["width"]) == (16, 358)
    assert target["height"] >= 96
    expect(page.get_by_text("照片留在本设备上，不会发送。")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.locator("[data-language]").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#photo input")).to_be_focused()
    context.close()
