"""REST as a script sees it: what it answers, and the sentence and status where it cannot."""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient
from support.served import PHOTO, photo_file
from support.striped_model import Stripes

import parsing
from parsing.formats.sample import Sample
from parsing.formats.table import FORMATS, Format
from parsing.labels import PARTS
from parsing.render import PALETTES, VIEWS, restrict
from parsing.stages import OnStage
from parsing.web.photos import Photos
from parsing.web.rest.routes import MAX_PHOTOS, build_rest
from parsing.web.server.background import BackgroundLoader
from parsing.web.server.guard import BodyLimit

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[1] / "support" / "parsing.schema.json").read_text()))
FILE = photo_file()


@pytest.fixture
def client() -> TestClient:
    return TestClient(build_rest(Photos(parsing.Parser(Stripes()))), raise_server_exceptions=False)


def decode(url: str, kind: str) -> Image.Image:
    start, content = url.split(",")
    assert start == f"data:{kind};base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def drawn(**options: Any) -> NDArray[np.uint8]:
    return parsing.composite(PHOTO, Stripes()(PHOTO), **options)


def test_predict_answers_as_the_article_has_it(client: TestClient) -> None:
    answer = client.post("/predict", files={"image": ("photo.jpg", FILE)})
    assert (answer.status_code, list(answer.json())) == (200, ["result"])
    picture = decode(answer.json()["result"], "image/jpeg")
    assert (picture.format, picture.size) == ("JPEG", (48, 60))


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({}, {}),
        ({"parts": "Hair, face"}, {"parts": ["Hair", "Face"]}),
        ({"parts": ["Hair,Face", "Pants"]}, {"parts": ["Hair", "Face", "Pants"]}),
        ({"opacity": "0.25", "model": "lite"}, {"opacity": 0.25}),
        ({"person": "1"}, {"person": 1}),
        *(({"view": view}, {"view": view}) for view in VIEWS),
        (
            {"view": "cutout", "grow": "3", "feather": "2", "crop": "true"},
            {"view": "cutout", "grow": 3, "feather": 2, "crop": True},
        ),
        ({"view": "recolor", "color": "#c2185b", "grow": "-1"}, {"view": "recolor", "color": "#c2185b", "grow": -1}),
        *(({"palette": palette}, {"palette": palette}) for palette in PALETTES),
    ],
)
def test_predict_draws_what_composite_draws(client: TestClient, fields: dict[str, Any], options: dict[str, Any]) -> None:
    answer = client.post("/predict", files={"image": FILE}, data={"format": "png", **fields})
    np.testing.assert_array_equal(np.asarray(decode(answer.json()["result"], "image/png")), drawn(**options))


def test_parse_keeps_to_the_schema_of_the_files(client: TestClient) -> None:
    answer = client.post("/parse", files={"image": ("C:\\photos\\me.png", FILE)}, data={"labels": "true"})
    (result,) = answer.json()["results"]
    assert result.pop("file") == "me.png"
    labels = decode(result.pop("labels"), "image/png")
    assert labels.mode == "P"
    np.testing.assert_array_equal(np.asarray(labels), Stripes()(PHOTO).labels)
    assert [error.message for error in SCHEMA.iter_errors(result)] == []
    assert result["people"][0]["box"] == list(Stripes()(PHOTO).people[0].box)


def test_several_photos_are_answered_in_order_and_one_bad_one_spoils_nothing(client: TestClient) -> None:
    files = [("image", (name, content)) for name, content in (("a", FILE), ("b", b"words"), ("c", photo_file(PHOTO[:30])))]
    answer = client.post("/parse", files=files)
    first, second, third = answer.json()["results"]
    assert answer.status_code == 200
    assert (first["file"], first["size"]["height"], third["file"], third["size"]["height"]) == ("a", 60, "c", 30)
    assert second == {"file": "b", "status": 415, "error": "This is not an image; use JPEG, PNG, WebP, BMP, TIFF or GIF."}


def test_labels_are_the_table_of_classes(client: TestClient) -> None:
    answer = client.get("/labels").json()
    assert [label["name"] for label in answer["labels"]] == [part.name for part in PARTS]
    assert answer["labels"][2]["colors"]["lip"] == "#ff0000"
    assert (answer["views"], answer["palettes"]) == (list(VIEWS), list(PALETTES))


def test_health(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok", "waiting": 0}


def test_the_description_can_be_read_and_loads_nothing_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    for words in (
        "POST /predict",
        "POST /parse",
        "GET /labels",
        "<code>opacity</code>",
        "<td>number from 0 to 1<td>0.6",
        "503",
    ):
        assert words in answer.text
    assert "<script" not in answer.text
    assert "src=" not in answer.text
    assert ", ".join(VIEWS) in answer.text


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_every_format_can_be_asked_for(client: TestClient, form: Format) -> None:
    sent = {"files": {"image": ("../me.jpg", FILE)}, "data": {"format": form.name, "parts": "Hair"}}
    url = client.post("/predict", **sent).json()["result"]
    expected = Sample(PHOTO, restrict(Stripes()(PHOTO), ["Hair"]), "me.jpg")
    start, content = url.split(",")
    assert start == f"data:{form.media_type};base64"
    if form.name not in ("masks", "json"):  # these tell how long it took
        assert base64.b64decode(content) == form.make_file(expected)


def test_a_format_whose_package_is_missing_says_which(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psd_tools", None)
    answer = client.post("/predict", files={"image": FILE}, data={"format": "psd"})
    assert answer.status_code == 501
    assert answer.json()["error"].startswith("The package psd_tools is missing; the extra psd brings it")


NO_IMAGE = "Send the photo as a file in the field 'image'"


@pytest.mark.parametrize(
    ("path", "request_", "status", "said"),
    [
        ("/predict", {}, 422, NO_IMAGE),
        ("/predict", {"json": {"image": "aGVsbG8="}}, 422, NO_IMAGE),
        ("/predict", {"content": FILE, "headers": {"content-type": "image/png"}}, 422, NO_IMAGE),
        ("/predict", {"data": {"image": "words"}}, 422, NO_IMAGE),
        ("/predict", {"files": {"photo": FILE}}, 422, NO_IMAGE),
        ("/predict", {"content": b"--x", "headers": {"content-type": "multipart/form-data"}}, 400, "not a multipart form"),
        ("/predict", {"files": {"image": b""}}, 415, "The file is empty."),
        ("/predict", {"files": {"image": b"words"}}, 415, "This is not an image"),
        ("/predict", {"files": {"image": FILE[:99]}}, 422, "damaged or cut short"),
        ("/predict", {"files": {"image": FILE}, "data": {"parts": "Tail"}}, 422, "There is no part 'Tail'"),
        ("/predict", {"files": {"image": FILE}, "data": {"opacity": "2"}}, 422, "'opacity' is wrong: input should be less"),
        ("/predict", {"files": {"image": FILE}, "data": {"opacity": "nan"}}, 422, "'opacity' is wrong"),
        ("/predict", {"files": {"image": FILE}, "data": {"view": "x"}}, 422, "'view' is wrong: input should be 'overlay'"),
        ("/predict", {"files": {"image": FILE}, "data": {"palette": "x"}}, 422, "'palette' is wrong"),
        ("/predict", {"files": {"image": FILE}, "data": {"color": "red"}}, 422, "a colour is written as #rrggbb"),
        ("/predict", {"files": {"image": FILE}, "data": {"format": "bmp"}}, 422, "'format' is wrong"),
        ("/predict", {"files": {"image": FILE}, "data": {"person": "7"}}, 422, "There is no person 7"),
        ("/predict", {"files": {"image": FILE}, "data": {"model": "m2fp"}}, 422, "This server has no m2fp"),
        ("/parse", {}, 422, NO_IMAGE),
        ("/parse", {"files": [("image", b"a"), ("image", b"")]}, 415, "This is not an image"),
        ("/parse", {"files": [("image", FILE)] * (MAX_PHOTOS + 1)}, 422, f"{MAX_PHOTOS} are the limit"),
        ("/parse", {"files": {"image": FILE}, "data": {"labels": "perhaps"}}, 422, "'labels' is wrong"),
        ("/health", {}, 405, "This address answers GET only."),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    client: TestClient, path: str, request_: dict[str, Any], status: int, said: str
) -> None:
    answer = client.post(path, **request_)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert said in answer.json()["error"]


def test_a_wrong_parameter_of_an_address_is_named(client: TestClient) -> None:
    answer = client.get("/labels", params={"model": "yolo"})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("The field 'model' is wrong: input should be 'auto'")


def test_too_much_at_once_is_not_taken_for_too_many_parts() -> None:
    rest = build_rest(Photos(parsing.Parser(Stripes())))
    rest.add_middleware(BodyLimit, together=1000)
    with TestClient(rest) as busy:
        full = busy.post("/predict", files={"image": bytes(5000)})
        assert (full.status_code, "retry-after" in full.headers) == (503, True)
        assert full.json()["error"] == "Too many photos are being sent at once; try again soon."


def test_a_form_of_too_many_parts_is_told_so(client: TestClient) -> None:
    answer = client.post("/parse", files=[("image", b"x")] * 1001)
    assert (answer.status_code, answer.json()["error"]) == (400, "The form has too many parts; send fewer at a time.")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError(), 503),
        (RuntimeError("BFCArena::AllocateRawInternal(size_t, bool) Failed to allocate memory for requested buffer"), 503),
        (RuntimeError("(-4:Insufficient memory) Failed to allocate 48000000 bytes"), 503),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate"), 503),
        (RuntimeError("secret"), 500),
    ],
)
def test_what_fails_inside_says_nothing_of_the_inside(error: Exception, status: int) -> None:
    class Failing(Stripes):
        def __call__(self, image: NDArray[np.uint8], on_stage: OnStage | None = None) -> parsing.Parsing:
            raise error

    client = TestClient(build_rest(Photos(parsing.Parser(Failing()))), raise_server_exceptions=False)
    answer = client.post("/predict", files={"image": FILE})
    assert answer.status_code == status
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_m2fp_by_name_is_worth_waiting_for() -> None:
    official = Stripes()
    loader = BackgroundLoader(lambda _: parsing.Parser(official))
    client = TestClient(build_rest(Photos(parsing.Parser(Stripes()), loader, "lite")))
    answer = client.post("/predict", files={"image": FILE}, data={"model": "m2fp"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "being loaded" in answer.json()["error"]
    loader.wait(20)
    assert client.post("/predict", files={"image": FILE}, data={"model": "auto"}).status_code == 200
    assert official.calls == 0
    assert client.post("/predict", files={"image": FILE}, data={"model": "m2fp"}).status_code == 200
    assert official.calls == 1


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
def test_the_answer_carries_nothing_of_the_photos_exif(client: TestClient, form: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    exif[0x0112] = 6
    sent = photo_file(PHOTO, "JPEG", exif=exif, comment=b"where I live")
    answer = client.post("/predict", files={"image": sent}, data={"format": form})
    content = base64.b64decode(answer.json()["result"].split(",")[1])
    assert b"where I live" in sent
    assert b"where I live" not in content
    assert Image.open(io.BytesIO(content)).size == (60, 48)
    assert not Image.open(io.BytesIO(content)).getexif()
