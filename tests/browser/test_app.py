"""The app without a browser: options, errors, the programming interface, and what becomes of uploads."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from support.pictures import encode
from support.served import serve
from support.striped_model import Stripes

import parsing
from parsing.image import Kind
from parsing.web.page.blocks import build_page, launch_options
from parsing.web.page.components import known_parts
from parsing.web.page.handlers import Handlers
from parsing.web.page.texts import load_texts
from parsing.web.photos import Photos, shrink
from parsing.web.serve import main
from parsing.web.server.options import read_options

PHOTO = np.random.default_rng(3).integers(1, 256, (60, 48, 3), dtype=np.uint8)
VARIABLES = (
    "PARSING_HOST",
    "PARSING_PORT",
    "PARSING_MODEL",
    "PARSING_WEIGHTS",
    "PARSING_AUTH",
    "PARSING_ORIGINS",
    "GRADIO_SERVER_NAME",
    "GRADIO_SERVER_PORT",
    "SPACE_ID",
)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that says nothing."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("environment", "arguments", "expected"),
    [
        ({}, [], ("127.0.0.1", 7860, "auto", None)),
        ({"SPACE_ID": "somebody/parsing"}, [], ("0.0.0.0", 7860, "auto", None)),
        ({"GRADIO_SERVER_NAME": "::", "GRADIO_SERVER_PORT": "80"}, [], ("::", 80, "auto", None)),
        ({"PARSING_HOST": "0.0.0.0", "PARSING_PORT": "8000", "GRADIO_SERVER_PORT": "80"}, [], ("0.0.0.0", 8000, "auto", None)),
        ({"PARSING_MODEL": "m2fp", "PARSING_WEIGHTS": "/w"}, ["--port", "99"], ("127.0.0.1", 99, "m2fp", "/w")),
        ({"PARSING_MODEL": "m2fp"}, ["--model", "lite", "--host", "h"], ("h", 7860, "lite", None)),
    ],
)
def test_options_come_from_the_command_line_then_the_environment(
    bare: pytest.MonkeyPatch, environment: dict[str, str], arguments: list[str], expected: tuple[str, int, str, str | None]
) -> None:
    for name, value in environment.items():
        bare.setenv(name, value)
    options = read_options(arguments)
    assert (options.host, options.port, options.model, options.weights) == expected


def test_password_and_other_sites(bare: pytest.MonkeyPatch) -> None:
    assert (read_options([]).auth, read_options([]).origins) == (None, [])
    bare.setenv("PARSING_AUTH", "teacher:a:b")
    bare.setenv("PARSING_ORIGINS", "https://example.org/, http://localhost:3000")
    assert (read_options([]).auth, read_options([]).origins) == (
        "teacher:a:b",
        ["https://example.org", "http://localhost:3000"],
    )
    assert read_options(["--auth", "a:b", "--origins", "*"]).origins == ["*"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        *((["--auth", auth], "take a user and a password with a colon") for auth in ("teacher", "teacher:", ":secret")),
        (["--port", "web"], "port must be a number"),
        (["--port", "70000"], "port must be a number"),
        (["--hots", "x"], "--hots"),
        (["--host", "no such host"], "cannot be used"),
        (["--port", "{taken}"], "is it taken?"),
        (["--port", "{free}", "--model", "yolo"], "no model 'yolo'"),
        *((["--port", "{free}", "--model", name, "--weights", "/no/x"], "folder 'x'") for name in ("auto", "lite", "m2fp")),
    ],
)
def test_a_bad_option_ends_with_one_sentence_and_status_2(
    bare: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with socket.socket() as taken, socket.socket() as free:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free.bind(("127.0.0.1", 0))
        ports = {"taken": taken.getsockname()[1], "free": free.getsockname()[1]}
        free.close()
        bare.setattr(sys, "argv", ["app.py", *(argument.format(**ports) for argument in arguments)])
        with pytest.raises(SystemExit) as ending:
            main()
    assert ending.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert output.err.count("\n") == 1


def test_every_text_and_every_error_is_there_in_both_languages() -> None:
    texts = load_texts()
    assert list(texts) == ["en", "zh-CN"]
    assert {key for key in texts["zh-CN"] if not key.startswith("error.")} == set(texts["en"])
    assert {key for key in texts["zh-CN"] if key.startswith("error.")} == {f"error.{kind}" for kind in get_args(Kind)}
    words = dict(pair.split("=") for pair in texts["zh-CN"]["words"].split("|"))
    assert words["part.Hair"] == "头发"
    assert words["group.limbs"] == "肢体"


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (["Face", "Hat"], ["Hat", "Face"]),
        (["Face", "Background", "<b>", 7, None], ["Face"]),
        ("Face", []),
        (None, []),
        ({}, []),
    ],
)
def test_what_a_browser_says_is_ticked_is_not_trusted(names: object, known: list[str]) -> None:
    assert known_parts(names) == known


@pytest.mark.parametrize(
    ("size", "longest", "expected"), [((40, 30), 40, (40, 30)), ((4000, 3000), 400, (400, 300)), ((1, 9), 3, (1, 3))]
)
def test_shrink_keeps_the_shape(size: tuple[int, int], longest: int, expected: tuple[int, int]) -> None:
    assert shrink(np.zeros((*size, 3), np.uint8), longest).shape == (*expected, 3)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serve(parsing.Parser(Stripes())) as address:
        yield Client(address, verbose=False)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(encode(PHOTO, "PNG"))
    return path


def test_programs_see_two_documented_endpoints(client: Client) -> None:
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert sorted(endpoints) == ["/parse", "/recolor"]
    assert [parameter["parameter_name"] for parameter in endpoints["/recolor"]["parameters"]] == [
        "photo",
        "parts",
        "opacity",
        "view",
        "palette",
        "person",
        "grow",
        "feather",
        "crop",
        "color",
    ]
    assert all("Parses a photo" in endpoint["description"] for endpoint in endpoints.values())


def test_parse_over_the_network(client: Client, photo: Path) -> None:
    answer = client.predict(photo=handle_file(photo), api_name="/parse")
    expected = Stripes()(PHOTO)
    assert answer["size"] == {"width": 48, "height": 60}
    assert answer["people"][0]["box"] == list(expected.people[0].box)
    assert answer["shares"] == pytest.approx(expected.area())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"parts": ["Hair", "Face"], "opacity": 0.25},
        {"view": "map", "palette": "safe"},
        {"view": "cutout", "parts": ["Pants"], "person": 1},
        {"view": "outlines", "palette": "article"},
        {"view": "recolor", "color": "#c2185b", "grow": -1, "feather": 2},
    ],
)
def test_recolor_over_the_network(client: Client, photo: Path, options: dict[str, object]) -> None:
    answer = client.predict(photo=handle_file(photo), **options, api_name="/recolor")
    np.testing.assert_array_equal(np.asarray(Image.open(answer)), parsing.composite(PHOTO, Stripes()(PHOTO), **options))


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (b"", {}, "The file is empty."),
        (b"no picture", {}, "This is not an image"),
        (encode(PHOTO, "PNG")[:99], {}, "damaged or cut short"),
        (encode(PHOTO, "PNG"), {"parts": ["Tail"]}, "Tail"),
        (encode(PHOTO, "PNG"), {"opacity": 2}, "Opacity lies between 0 and 1"),
        (encode(PHOTO, "PNG"), {"view": "x"}, "There is no view 'x'"),
        (encode(PHOTO, "PNG"), {"palette": "x"}, "There is no palette 'x'"),
        (encode(PHOTO, "PNG"), {"person": 2}, "There is no person 2"),
        (encode(PHOTO, "PNG"), {"grow": 65}, "Edges grow by -64 to 64 pixels"),
        (encode(PHOTO, "PNG"), {"color": "red"}, "A colour is written as #rrggbb"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    client: Client, photo: Path, content: bytes, options: dict[str, object], said: str
) -> None:
    photo.write_bytes(content)
    with pytest.raises(AppError) as error:
        client.predict(photo=handle_file(photo), **options, api_name="/recolor")
    assert said in str(error.value)
    assert "Traceback" not in str(error.value)


def test_a_program_cannot_read_other_files(client: Client, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(encode(PHOTO, "PNG"))
    with pytest.raises(AppError, match="not an uploaded file"):
        client.predict(photo={"path": str(secret)}, api_name="/parse")
    assert secret.exists()


def test_nothing_is_recorded_and_nothing_foreign_is_named() -> None:
    options = launch_options()
    assert options["run_history"] is False
    assert options["enable_monitoring"] is False
    assert options["share"] is False
    config = build_page(Handlers(Photos(parsing.Parser(Stripes())))).get_config_file()
    assert config["analytics_enabled"] is False
    assert "http" not in json.dumps(options["head"])
    assert options["theme"]._stylesheets == []
