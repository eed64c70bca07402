"""The command line on a Ray cluster of two machines, here two nodes of one core each: the files are those of one machine."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from PIL import Image
from ray.cluster_utils import Cluster
from support.refusals import assert_refused

from parsing.cli import parse as cli
from parsing.cli import ray as cli_ray
from parsing.files import find_examples
from parsing.models import MODELS

PHOTOS = [f"{number:02}.png" for number in range(10)]
pytestmark = pytest.mark.alone

STORE_BYTES = 80 << 20


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with photos, one that is none, and one that kills workers in the folder `in`."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    random = np.random.default_rng(4)
    for name in (*PHOTOS, "deadly.png"):
        Image.fromarray(random.integers(0, 256, (48, 36, 3), dtype=np.uint8)).save(Path("in", name))
    Path("in/text.jpg").write_text("words")
    return tmp_path


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a cluster of two nodes."""
    node = {"num_cpus": 1, "memory": MODELS["lite"].memory, "object_store_memory": STORE_BYTES}
    started = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    started.add_node(**node)
    yield started.address
    ray.shutdown()
    started.shutdown()


def contents(folder: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


def test_the_files_are_the_same_although_workers_die(
    photos: Path, cluster: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    deaths = photos / "deaths"
    deaths.mkdir()

    class Frail(cli_ray.Worker):
        """Dies in the midst of its work: at photo 03 once, at the deadly one always."""

        def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
            done = super().__call__(row)
            once = deaths / "03"
            if b"in/deadly.png" in row["tasks"] or (b"in/03.png" in row["tasks"] and not once.exists()):
                once.touch()
                (deaths / str(os.getpid())).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return done

    arguments = ["in", "--model", "lite", "--picture", "--labels"]
    assert cli.main([*arguments, "-o", "one"]) == 1
    line = capfd.readouterr().err
    monkeypatch.setattr(cli_ray, "Worker", Frail)
    monkeypatch.setattr(cli_ray, "BUNDLES", 2)  # of three photos
    assert cli.main([*arguments, "-o", "many", "--ray", cluster]) == 1
    expected = contents("one")
    assert len(expected) == 2 * (len(PHOTOS) + 1)
    assert contents("many") == expected
    output = capfd.readouterr()
    assert line in output.err
    assert "in/deadly.png: The worker died of this photo" in output.err
    assert len(output.err.splitlines()) == 2
    assert re.fullmatch(r"10 photos parsed, 2 failed, in \d+ s\n", output.out)
    assert len(list(deaths.iterdir())) == 1 + 1 + 2 * (1 + cli_ray.RETRIES)  # the mark; 03's; the deadly one's, in two rounds


def annotations(folder: str) -> dict[str, list[Any]]:
    """What a COCO file has of each photo, whatever the order in which workers were done."""
    data_set = json.loads(Path(folder, "annotations.coco.json").read_bytes())
    names = {image["id"]: image["file_name"] for image in data_set["images"]}
    found: dict[str, list[Any]] = {name: [] for name in names.values()}
    for one in data_set["annotations"]:
        found[names[one["image_id"]]].append((one["category_id"], one["bbox"], one["area"], one["segmentation"]))
    return found


def test_a_data_set_in_one_file_gathers_what_all_workers_found(photos: Path, cluster: str) -> None:
    shutil.copy(next(path for path in find_examples() if path.stem == "astronaut"), photos / "in")
    arguments = ["in", "--model", "lite", "--format", "coco", "--labels"]
    assert cli.main([*arguments, "-o", "one"]) == 1
    assert cli.main([*arguments, "-o", "many", "--ray", cluster]) == 1
    expected = annotations("one")
    assert expected["astronaut.jpg"]
    assert annotations("many") == expected
    assert set(contents("many")) == set(contents("one"))


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["-o", "out", "--ray", "in"],
            "the address of a cluster is auto or HOST:PORT, but this is 'in'; for this machine alone,",
        ),
        (["in", "-o", "out", "--ray", "ray://head:10001"], "Ray Data does not run through ray://"),
        (["in", "-o", "out", "--ray", "localhost:{port}"], "No Ray cluster answers at 'localhost:"),
        (["in", "-o", "out", "--ray", "localhost:99999"], "No Ray cluster answers at 'localhost:99999'"),
        (["in/00.png", "-o", "-", "--ray"], "Standard input and output are on this machine alone"),
        (["-", "-o", "out", "--ray"], "Standard input and output are on this machine alone"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as nobody:  # bound, so that nobody else takes it, but not listening
        nobody.bind(("localhost", 0))
        assert_refused([word.format(port=nobody.getsockname()[1]) for word in arguments], said, capfd)


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert_refused(["in", "-o", "out", "--ray"], "'pip install -r requirements-ray.txt'", capfd)
