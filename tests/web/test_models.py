"""Which model parses the next photo, by the names of the one table."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from support.served import photo_file
from support.striped_model import Stripes

import parsing
from parsing.models import MODELS
from parsing.web.page.handlers import Handlers
from parsing.web.photos import Photos
from parsing.web.rest.routes import build_rest
from parsing.web.server import models as served_models
from parsing.web.server.background import BackgroundLoader
from parsing.web.server.models import ServedModels

FILE = ("photo.png", photo_file(), "image/png")


class Rounding(Stripes):
    """A model that has bfloat16, too."""

    def in_bfloat16(self) -> Stripes:
        return Stripes()


def loaded(name: str, model: Stripes) -> BackgroundLoader:
    loader = BackgroundLoader(lambda _: parsing.Parser(model), name)
    loader.start()
    assert loader.wait(20).phase == "ready"
    return loader


@pytest.mark.parametrize("name", [name for name in MODELS if name != "lite"])
def test_faster_is_offered_and_taken_where_the_model_has_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served_models, "has_bfloat16", lambda: True)
    has_it = "bf16" in MODELS[name].precisions
    loader = loaded(name, Rounding() if has_it else Stripes())
    handlers = Handlers(Photos(parsing.Parser(Stripes()), loader, "m2fp"))
    assert handlers.models.offers_faster == has_it
    faster = handlers.pick({"choice": "m2fp", "faster": True})
    assert (faster is loader.parser) == (not has_it)
    assert handlers.pick({"choice": "auto", "faster": True}) is faster


def test_lite_and_what_is_not_loaded_yet() -> None:
    lite = parsing.Parser(Stripes())
    models = ServedModels(lite, BackgroundLoader(lambda _: lite))
    assert models.pick() is models.pick("m2fp") is models.pick("lite") is lite
    assert models.names == ("auto", "lite", "m2fp")
    assert ServedModels(lite).names == ("auto", "lite")


def test_rest_speaks_the_names_of_the_models_that_are_served() -> None:
    official = Stripes()
    handlers = Handlers(Photos(parsing.Parser(Stripes()), loaded("m2fp-onnx", official), "m2fp"))
    client = TestClient(build_rest(handlers.photos))
    assert client.get("/labels").json()["models"] == ["auto", "lite", "m2fp-onnx"]
    assert client.post("/predict", files={"image": FILE}, data={"model": "m2fp-onnx"}).status_code == 200
    assert official.calls == 1
    refused = client.post("/predict", files={"image": FILE}, data={"model": "m2fp"})
    assert refused.status_code == 422
    assert refused.json()["error"] == "This server has no m2fp; ask for m2fp-onnx or lite or auto."
    assert client.post("/predict", files={"image": FILE}, data={"model": "yolo"}).status_code == 422


def test_a_photo_is_announced_as_opened_once() -> None:
    handlers = Handlers(Photos(parsing.Parser(Stripes())))
    told = []
    photo = handlers.photos.open(photo_file(), 2048)
    shown = handlers.photos.parse(photo, handlers.models.lite, told.append)
    assert "open" not in [stage.name for stage in told]
    assert shown.parsing.timings["open"] == photo.milliseconds
