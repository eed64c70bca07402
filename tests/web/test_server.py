"""The server on a port: who waits and who is turned away, how much may be sent, who may ask, and what no one gets."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from numpy.typing import NDArray
from support.served import photo_file, serve, until
from support.striped_model import Stripes

import parsing
from parsing.stages import OnStage
from parsing.web.server import guard

FILE = photo_file()


class Held(Stripes):
    """A model that begins when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def __call__(self, image: NDArray, on_stage: OnStage | None = None) -> parsing.Parsing:
        result = super().__call__(image, on_stage)
        self.go.wait(20)
        return result


def predict(address: str, content: bytes = FILE, **options: object) -> httpx.Response:
    return httpx.post(f"{address}/predict", files={"image": ("photo.png", content)}, timeout=60, **options)


def waiting(address: str) -> int:
    return httpx.get(f"{address}/health").json()["waiting"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(parsing.Parser(Stripes())) as address:
        yield address


def test_whoever_finds_no_place_is_told_when_to_come_again() -> None:
    model = Held()
    with serve(parsing.Parser(model), places=2) as address, ThreadPoolExecutor() as clients:
        answers = [clients.submit(predict, address)]
        until(lambda: model.calls == 1)
        answers += [clients.submit(predict, address) for _ in range(2)]
        until(lambda: waiting(address) == 2)
        refused = predict(address)
        model.go.set()
        assert refused.status_code == 503
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.json()["error"].startswith("The server is busy; try again in ")
        assert [answer.result().status_code for answer in answers] == [200] * 3
        assert model.calls == 3


def test_the_work_of_a_client_who_goes_away_is_never_begun() -> None:
    model = Held()
    body = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n' + FILE + b"\r\n--b--\r\n"
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}"
    with serve(parsing.Parser(model)) as address, ThreadPoolExecutor() as clients:
        served = clients.submit(predict, address)
        until(lambda: model.calls == 1)
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", urlsplit(address).port)) as leaving:
                leaving.sendall(head.encode() + b"\r\n\r\n" + body)
                until(lambda: waiting(address) == 1)
            until(lambda: waiting(address) == 0)
        model.go.set()
        assert served.result().status_code == 200
        assert predict(address).status_code == 200
        assert model.calls == 2


def test_too_many_bytes_are_refused_while_they_come_in(address: str) -> None:
    large = b"\xff\xd8\xff" + bytes(guard.MAX_BODY)
    form = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    undeclared = {"content": iter([form, large]), "headers": {"content-type": "multipart/form-data; boundary=b"}}
    for answer in (predict(address, large), httpx.post(f"{address}/predict", **undeclared, timeout=60)):
        assert answer.status_code == 413
        assert answer.json()["error"].startswith("The request is larger than 64 MB")


@pytest.mark.parametrize("path", ["/predict", "/gradio_api/upload", "/gradio_api/queue/join"])
def test_what_says_it_is_huge_is_refused_at_once(address: str, path: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    connection.putrequest("POST", path)
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_endless_bodies_meet_the_limit_on_the_pages_routes_too(address: str) -> None:
    chunks = (bytes(1_000_000) for _ in range(80))
    answer = httpx.post(
        f"{address}/gradio_api/queue/join", content=chunks, headers={"content-type": "application/json"}, timeout=60
    )
    assert answer.status_code == 413


def test_the_password_covers_page_and_rest_alike() -> None:
    with serve(parsing.Parser(Stripes()), credentials="teacher:a:b ü") as address:
        for path in ("/", "/labels", "/openapi.json", "/docs", "/config", "/gradio_api/info", "/theme.css"):
            refused = httpx.get(address + path)
            assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
        assert predict(address).status_code == 401
        for wrong in (("teacher", "x"), ("", ""), ("teacher:a", "b"), ("Teacher", "a:b ü")):
            assert predict(address, auth=wrong).status_code == 401
        for header in ("Basic", "Basic !", "Bearer dGVhY2hlcjphOmI=", "Basic " + "A" * 5000, "Basic w"):
            assert httpx.get(f"{address}/labels", headers={"authorization": header}).status_code == 401
        assert predict(address, auth=("teacher", "a:b ü")).status_code == 200
        assert "Human Parsing" in httpx.get(address, auth=("teacher", "a:b ü")).text
        assert httpx.get(f"{address}/health").status_code == 200


@pytest.mark.parametrize("path", ["/", "/labels", "/nothing", "/gradio_api/info"])
def test_every_answer_has_the_safe_headers(address: str, path: str) -> None:
    headers = httpx.get(address + path, headers={"origin": "https://evil.example"}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["content-security-policy"].endswith("frame-ancestors 'self'")
    assert not [name for name in headers if name.startswith("access-control-allow")]
    assert "server" not in headers


def test_other_sites_may_ask_where_that_was_asked_for() -> None:
    with serve(parsing.Parser(Stripes()), origins=["https://good.example"]) as address:
        for origin, allowed in (("https://good.example", "https://good.example"), ("https://evil.example", None)):
            asked = httpx.options(f"{address}/predict", headers={"origin": origin, "access-control-request-method": "POST"})
            assert asked.headers.get("access-control-allow-origin") == allowed
            answer = httpx.get(f"{address}/labels", headers={"origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed


def test_scripts_of_other_sites_may_send_the_password_and_read_refusals() -> None:
    origin = {"origin": "https://good.example"}
    asking = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    with serve(parsing.Parser(Stripes()), origins=[origin["origin"]], credentials="teacher:a") as address:
        answers = [
            httpx.options(f"{address}/predict", headers=asking),
            httpx.get(f"{address}/labels", headers=origin),
            httpx.get(f"{address}/labels", headers=origin, auth=("teacher", "a")),
            httpx.post(f"{address}/predict", headers=origin, content=bytes(guard.MAX_BODY + 1), auth=("teacher", "a")),
        ]
        assert [answer.status_code for answer in answers] == [200, 401, 200, 413]
        assert {answer.headers["access-control-allow-origin"] for answer in answers} == {origin["origin"]}
        assert answers[0].headers["access-control-allow-headers"] == "authorization"


@pytest.mark.parametrize(
    "path",
    [
        "/app.py",
        "/../app.py",
        "/..%2fapp.py",
        "/static/../../app.py",
        "/static/..%2f..%2f..%2fapp.py",
        "/assets/..%2f..%2fapp.py",
        "/gradio_api/file={root}/app.py",
        "/gradio_api/file={root}/assets/examples/../../app.py",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1:1/",
        "/svelte/..%2f..%2f..%2fapp.py",
    ],
)
def test_files_outside_the_served_folders_stay_there(address: str, path: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)  # sends the path as it is
    connection.request("GET", path.format(root=Path(__file__).parents[2]))
    answer = connection.getresponse()
    content = answer.read()
    assert 400 <= answer.status < 500
    assert b"root:" not in content
    assert b"import" not in content


def test_a_file_name_with_folders_writes_nowhere(address: str, tmp_path: Path) -> None:
    name = f"../../../..{tmp_path}/evil.png"
    answer = httpx.post(f"{address}/parse", files={"image": (name, FILE)})
    assert answer.json()["results"][0]["file"] == "evil.png"
    assert not any(tmp_path.iterdir())


def test_many_tiny_requests(address: str) -> None:
    with httpx.Client() as client:
        for number in range(150):
            assert client.request(("GET", "POST", "PUT")[number % 3], f"{address}/predict").status_code in (405, 422)
    assert predict(address).status_code == 200


def test_the_page_is_there_and_its_interface_works(address: str) -> None:
    from gradio_client import Client, handle_file

    path = Path(__file__).parents[2] / "assets" / "examples" / "astronaut.jpg"
    answer = Client(address, verbose=False).predict(photo=handle_file(path), api_name="/parse")
    assert answer["size"] == {"width": 512, "height": 512}
