"""Hostile files over REST, and what schemathesis makes of the server's description: no fault, no traceback, memory comes back.

A short run by default; `make fuzz` sets FUZZ_MUTATIONS and FUZZ_EXAMPLES for a long one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.hostile import HOSTILE, SEEDS, mutations
from support.served import serve
from support.striped_model import Stripes

import parsing
from parsing.image import ImageError, open_image

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")
MUTATIONS = int(os.environ.get("FUZZ_MUTATIONS", "170"))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "50"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(parsing.Parser(Stripes())) as address:
        yield address


def resident() -> float:
    """Megabytes of this process, the server's."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def assert_clean(answer: httpx.Response) -> None:
    assert answer.status_code in (200, 413, 415, 422)
    assert list(answer.json()) == (["result"] if answer.status_code == 200 else ["error"])
    if answer.status_code != 200:
        assert "Traceback" not in answer.text
        assert str(Path(__file__).parents[2]) not in answer.text


@pytest.mark.parametrize("name", SEEDS)
def test_every_seed_is_a_good_file(name: str) -> None:
    assert open_image(SEEDS[name]).shape == (24, 40, 3) or name == "jpeg progressive"


@pytest.mark.alone
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_have_their_status(address: str, name: str) -> None:
    content, status = HOSTILE[name]
    before = resident()
    answer = httpx.post(f"{address}/predict", files={"image": (f"../../{name}.jpg", content, "image/jpeg")}, timeout=60)
    assert_clean(answer)
    assert answer.status_code == status
    assert resident() - before < 250


@pytest.mark.alone
def test_mutated_files_neither_fail_nor_fill_the_memory(address: str) -> None:
    with httpx.Client(timeout=60) as client:

        def send(count: int, seed: int) -> set[int]:
            statuses = set()
            for number, content in enumerate(mutations(count, seed)):
                answer = client.post(f"{address}/predict", files={"image": (f"{number}.png", content, "image/png")})
                assert_clean(answer)
                statuses.add(answer.status_code)
            return statuses

        send(len(SEEDS) * 2, seed=0)  # every decoder has been loaded
        before = resident()
        assert {200, 422} <= send(MUTATIONS, seed=1)
        assert httpx.get(f"{address}/health").json() == {"status": "ok", "waiting": 0}
        for _ in range(20):
            if resident() <= before * 1.1:
                break
            time.sleep(0.5)
        assert resident() <= before * 1.1


mutated = st.builds(
    lambda seed, cut, edits: bytes(edits.get(position, byte) for position, byte in enumerate(seed[: len(seed) - cut])),
    st.sampled_from(list(SEEDS.values())),
    st.integers(0, 400),
    st.dictionaries(st.integers(0, 600), st.integers(0, 255), max_size=12),
)
calm = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@calm
@given(content=mutated | st.binary(max_size=300))
def test_open_image_gives_a_picture_or_a_sentence(content: bytes) -> None:
    try:
        picture = open_image(content)
    except ImageError:
        return
    assert (picture.ndim, picture.shape[2], picture.dtype) == (3, 3, "uint8")


@calm
@given(
    content=mutated,
    fields=st.dictionaries(
        st.sampled_from(["parts", "opacity", "view", "palette", "model", "person", "format", "labels"]),
        st.text(max_size=20) | st.integers().map(str) | st.floats().map(str),
        max_size=4,
    ),
    name=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=30),
)
def test_predict_gives_a_picture_or_a_sentence(address: str, content: bytes, fields: dict[str, str], name: str) -> None:
    assert_clean(httpx.post(f"{address}/predict", files={"image": (name, content)}, data=fields, timeout=60))


def test_the_description_is_kept(address: str, tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "schemathesis"
    checks = (
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method"
    )
    command = [program, "run", f"{address}/openapi.json", "--checks", checks, "-n", str(EXAMPLES // 5), "--seed", "1"]
    ended = subprocess.run([*command, "--no-color"], capture_output=True, text=True, timeout=3600, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-500:]
