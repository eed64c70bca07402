"""Names of classes follow the model that made the result: in files, in REST, and in what the page is sent."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from starlette.testclient import TestClient
from support.jumpsuit_model import Jumpsuit
from support.served import PHOTO, photo_file
from support.striped_model import Stripes

import parsing
from parsing.formats import masks
from parsing.formats.document import describe
from parsing.formats.sample import Sample
from parsing.labels import LIP_PARTS, PARTS
from parsing.render import restrict
from parsing.web.photos import Photos, Shown
from parsing.web.rest.routes import build_rest
from parsing.web.server.background import BackgroundLoader
from parsing.web.viewer.messages import maps_message

PARSED = Jumpsuit()(PHOTO)


@pytest.fixture
def client() -> TestClient:
    """A server of `lite` (stripes) and, as its M2FP, the model for one person."""
    loader = BackgroundLoader(lambda _: parsing.Parser(Jumpsuit()))
    loader.start()
    loader.wait(10)
    return TestClient(build_rest(Photos(parsing.Parser(Stripes()), loader, "m2fp")), raise_server_exceptions=False)


def test_a_result_has_the_names_of_its_model() -> None:
    assert [part["name"] for part in describe(PARSED)["parts"]] == ["Hair", "Jumpsuits"]
    assert PARSED.area()["Jumpsuits"] > 0.5
    assert "Torso-skin" not in PARSED.area()
    assert parsing.composite(PHOTO, PARSED, parts=["Jumpsuits"], view="cutout")[:, :, 3].any()
    with pytest.raises(ValueError, match=r"There is no part 'Torso-skin'; there are .*Jumpsuits"):
        parsing.composite(PHOTO, PARSED, parts=["Torso-skin"])


def test_files_are_named_after_the_parts_of_their_model() -> None:
    archive = zipfile.ZipFile(io.BytesIO(masks.encode(Sample(PHOTO, PARSED))))
    assert {"Jumpsuits.png", "person-1-Jumpsuits.png"} <= set(archive.namelist())
    assert {part["name"] for part in json.loads(archive.read("parsing.json"))["parts"]} == {"Hair", "Jumpsuits"}


def test_what_is_on_the_screen_keeps_its_names() -> None:
    seen = restrict(PARSED, ["Jumpsuits"], 1)
    assert [part.name for part in seen.parts] == ["Jumpsuits"]
    assert seen.classes == LIP_PARTS
    sent = maps_message(Shown(PHOTO, PARSED, "Jumpsuit", PHOTO.shape[:2]))["classes"]
    assert sent[10] == {"index": 10, "name": "Jumpsuits", "group": "clothes"}


@pytest.mark.parametrize(
    ("model", "name"),
    [("auto", "Jumpsuits"), ("m2fp", "Jumpsuits"), ("m2fp-single", "Jumpsuits"), ("lite", "Torso-skin")],
)
def test_labels_are_those_of_the_model_that_is_asked_for(client: TestClient, model: str, name: str) -> None:
    label = client.get("/labels", params={"model": model}).json()["labels"][10]
    assert (label["name"], label["name_zh"]) == (name, {"Jumpsuits": "连体衣", "Torso-skin": "躯干皮肤"}[name])


def test_labels_of_a_model_that_is_not_loaded_are_those_of_its_data_set() -> None:
    client = TestClient(build_rest(Photos(parsing.Parser(Stripes()))))
    names = {model: client.get(f"/labels?model={model}").json()["labels"][10]["name"] for model in ("m2fp", "m2fp-single")}
    assert names == {"m2fp": "Torso-skin", "m2fp-single": "Jumpsuits"}
    assert client.get("/labels?model=nobody").status_code == 422


def test_rest_takes_and_gives_the_names_of_the_model(client: TestClient) -> None:
    (answer,) = client.post("/parse", files={"image": photo_file()}).json()["results"]
    assert [part["name"] for part in answer["parts"]] == ["Hair", "Jumpsuits"]
    assert client.post("/predict", files={"image": photo_file()}, data={"parts": "Jumpsuits"}).status_code == 200
    refused = client.post("/predict", files={"image": photo_file()}, data={"parts": "Torso-skin"})
    assert (refused.status_code, refused.json()["error"][:32]) == (422, "There is no part 'Torso-skin'; t")
    assert (
        client.post("/predict", files={"image": photo_file()}, data={"parts": "Jumpsuits", "model": "lite"}).status_code == 422
    )


def test_the_tables_differ_in_one_name() -> None:
    assert {part.name for part in LIP_PARTS} ^ {part.name for part in PARTS} == {"Jumpsuits", "Torso-skin"}
