"""Lite in the browser, "On this device": it finds what the server's finds, and no photo leaves the page."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, Route, expect
from support.accessibility import AXE, findings
from support.browsing import PHONE, file_of, open_browser, rgba, shown, visit, watch_widths
from support.clips import write_clip
from support.served import serve

import parsing
from parsing.formats import masks
from parsing.formats.document import describe
from parsing.formats.sample import Sample
from parsing.render import LIP, SAFE
from parsing.web.device import RUNTIME
from parsing.web.device.network import WEIGHTS, network_files
from parsing.web.device.settings import device_settings
from parsing.web.modules import modules_folder
from parsing.web.page.handlers import EXAMPLES, LONGEST_PHOTO
from parsing.web.photos import shrink
from parsing.web.server.background import BackgroundLoader
from tools.fetch_onnxruntime_web import CHECKSUMS

LITE = parsing.load("lite")
DEVICE = f"{modules_folder()}device/"
READY = "Lite runs in this browser: photos stay on this device."
ADMIRAL, ASTRONAUT, GROUP, PHOTOGRAPHER = EXAMPLES


def read(path: Path) -> dict[str, object]:
    """A photo as the browser is given it."""
    return {"name": path.name, "mimeType": "image/jpeg", "buffer": path.read_bytes()}


def turned() -> dict[str, object]:
    """The astronaut as a phone held sideways stores her."""
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is on the right of the stored picture
    return file_of(np.rot90(parsing.open_image(ASTRONAUT)[:448]).copy(), "jpeg", exif=exif)


def large() -> dict[str, object]:
    """A photo that is made smaller before it is parsed."""
    return file_of(cv2.resize(parsing.open_image(PHOTOGRAPHER), (2700, 1200), interpolation=cv2.INTER_CUBIC))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from open_browser("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(LITE, loader=BackgroundLoader(lambda _: LITE), choice="lite") as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    yield from visit(browser, address)


@pytest.fixture
def requests(page: Page) -> list[Request]:
    """What the page asks for while the test runs."""
    seen: list[Request] = []
    page.on("request", lambda request: seen.append(request))
    return seen


def choose(page: Page, model: str) -> None:
    page.locator(f"#models [value={model}]").check()


def choose_device(page: Page) -> None:
    """On this device; until the model is there."""
    choose(page, "device")
    expect(page.locator("#models [role=status]")).to_have_text(READY, timeout=60_000)


def parse_here(page: Page, file: dict[str, object]) -> None:
    page.locator("#photo input").set_input_files(file)


def wait_for(page: Page, text: str) -> None:
    """Until the facts below the picture hold the text."""
    expect(page.locator("#facts")).to_contain_text(text, timeout=60_000)


def sent(requests: list[Request]) -> list[str]:
    """The requests that carry anything."""
    return [f"{request.method} {request.url}" for request in requests if request.method != "GET" or request.post_data_buffer]


def test_the_map_is_the_servers_and_nothing_is_sent(page: Page, requests: list[Request]) -> None:
    choose_device(page)
    page.locator("#views [value=map]").check()
    for file in (read(ASTRONAUT), read(ADMIRAL), read(GROUP), turned(), large()):
        parse_here(page, file)
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
    parse_here(page, read(ASTRONAUT))
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
    page.locator("#photo input[type=file]").set_input_files(read(ASTRONAUT))
    wait_for(page, "Lite (embedded)")


def download(page: Page, name: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(waiting.value.path()).read_bytes()


def test_the_photo_on_show_is_parsed_again_and_an_unusable_file_is_refused_in_a_sentence(page: Page) -> None:
    page.locator("#photo input[type=file]").set_input_files(read(ASTRONAUT))
    wait_for(page, "Lite (embedded)")
    choose_device(page)
    wait_for(page, "Lite, on this device")
    parse_here(page, {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"})
    expect(page.locator(".said")).to_contain_text("cannot read that file as a picture", timeout=60_000)
    wait_for(page, "512 × 512")
    expect(page.locator(".busy")).to_be_hidden()


def test_a_newer_photo_ends_the_work_on_an_older_one(page: Page) -> None:
    choose_device(page)
    widths = watch_widths(page)
    parse_here(page, read(GROUP))
    expect(page.locator(".busy")).to_contain_text("Parsing with Lite, on this device", timeout=60_000)
    parse_here(page, read(ASTRONAUT))
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


def test_in_a_page_that_is_not_isolated_one_thread_does(page: Page, address: str) -> None:
    def answer(route: Route) -> None:
        response = route.fetch()
        headers = {name: value for name, value in response.headers.items() if not name.startswith("cross-origin")}
        route.fulfill(response=response, headers=headers)

    page.route(f"{address}/", answer)
    page.reload()
    page.wait_for_selector("#parts input[name=Hair]")
    assert not page.evaluate("crossOriginIsolated")
    choose_device(page)
    parse_here(page, read(ASTRONAUT))
    wait_for(page, "1 person")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_input_is_within_reach_of_fingers_keys_and_screen_readers(browser: Browser, address: str, scheme: str) -> None:
    context = browser.new_context(viewport=PHONE, locale="zh-CN", color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#parts input[name=Hair]")
    page.wait_for_function("[...document.querySelectorAll('#examples img')].filter((image) => image.alt).length === 4")
    choose(page, "device")
    expect(page.locator("#models [role=status]")).to_have_text("Lite 在此浏览器中运行：照片不会离开本设备。", timeout=60_000)
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


@pytest.mark.parametrize("file", ["page.js", "worker.js", "lite.weights"])
def test_what_cannot_be_fetched_is_said_and_even_then_nothing_is_sent(page: Page, requests: list[Request], file: str) -> None:
    page.route(f"**/{file}", lambda route: route.abort())
    choose(page, "device")
    status = page.locator("#models [role=status]")
    expect(status).to_contain_text("could not start in this browser, and nothing was sent", timeout=60_000)
    parse_here(page, read(ASTRONAUT))
    expect(page.locator(".said")).to_contain_text("could not start in this browser", timeout=60_000)
    expect(page.locator(".busy")).to_be_hidden()
    page.get_by_role("button", name="Start camera").click()
    expect(page.locator(".said")).to_contain_text("could not start in this browser", timeout=60_000)
    assert sent(requests) == []


SPOILT = np.float16(np.nan).tobytes() + network_files()[WEIGHTS][2:]
KNOWN = {"files": {**device_settings()["files"], WEIGHTS: {"bytes": len(SPOILT), "sha256": hashlib.sha256(SPOILT).hexdigest()}}}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"settings.json": b"{}"}, "Lite could not start in this browser"),
        ({WEIGHTS: SPOILT}, "Lite’s file is not the one that belongs to this page, and was not used"),
        (
            {WEIGHTS: SPOILT, "settings.json": json.dumps({**device_settings(), **KNOWN}).encode()},
            "Lite could not start in this browser",
        ),
    ],
    ids=["settings", "model", "model-as-announced"],
)
def test_a_damaged_file_is_said_to_stand_in_the_way(page: Page, files: dict[str, bytes], said: str) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body=files[route.request.url.rpartition("/")[2]])

    for file in files:
        page.route(f"**/{file}", answer)
    choose(page, "device")
    expect(page.locator("#models [role=status]")).to_contain_text(said, timeout=60_000)
    parse_here(page, read(ASTRONAUT))
    expect(page.locator(".said")).to_contain_text(said, timeout=60_000)
    expect(page.locator(".busy")).to_be_hidden()


def test_the_runtime_is_the_one_that_was_checked() -> None:
    for name, checksum in CHECKSUMS.items():
        packed = RUNTIME / f"{name}.gz"
        content = gzip.decompress(packed.read_bytes()) if packed.is_file() else (RUNTIME / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == checksum


def test_the_files_are_for_keeping(page: Page, address: str) -> None:
    folder = f"{address}/{DEVICE}"
    for name, kind in (("lite.js", "text/javascript"), ("ort.js", "text/javascript"), ("settings.json", "application/json")):
        answer = page.request.get(folder + name)
        assert answer.headers["content-type"].startswith(kind)
        assert "immutable" in answer.headers["cache-control"]
    for name in ("settings.py", "__init__.py", "..%2Fguard.py"):
        assert page.request.get(folder + name).status == 404
