"""The reference engine: what it makes of a photo, and what it says when its process ends. Needs no such environment."""

from __future__ import annotations

import gc
import io
import mmap
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import parsing
from parsing.memory import peak_memory
from parsing.models.m2fp.weights import CHECKPOINT, CONFIGURATION, SLIM, WeightsError
from parsing.models.modelscope import engine as modelscope
from parsing.models.modelscope import worker as modelscope_worker
from parsing.models.modelscope.engine import SMALLER, EngineError

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"
WHITE = np.full((40, 30, 3), 255, np.uint8)


def executable(file: Path, lines: str) -> Path:
    """A script that may stand for a Python."""
    file.write_text(lines)
    file.chmod(0o755)
    return file


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """PARSING_REFERENCE names a Python that has ModelScope's pipeline, or one like it."""
    file = tmp_path_factory.mktemp("reference") / "python"
    start = f'PYTHONPATH="{ROOT}" exec "{sys.executable}" "{ROOT}/tests/support/reference_python.py" "$@"'
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARSING_REFERENCE", str(executable(file, f"#!/bin/sh\n{start}\n")))
        yield file


@pytest.fixture(scope="module")
def parser(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> parsing.Parser:
    """With the weights as the cache keeps them."""
    folder = tmp_path_factory.mktemp("slim")
    shutil.copy(FOLDER / CONFIGURATION, folder)
    save_file(torch.load(FOLDER / CHECKPOINT, weights_only=True)["model"], folder / SLIM)
    return parsing.load("modelscope", weights=folder)


@pytest.mark.parametrize("index", [0, 1])
def test_the_picture_is_modelscopes(parser: parsing.Parser, index: int) -> None:
    golden = np.load(FOLDER / f"expected{index}.npz")
    result = parser(FOLDER / f"input{index}.png")
    assert (result.labels == golden["label_map"]).mean() >= 0.9995
    assert [segment.label for segment in result.parts + result.people] == golden["instance_labels"].tolist()
    for segment, score, bits in zip(
        result.parts + result.people, golden["instance_scores"], golden["instance_masks"], strict=True
    ):
        assert segment.score == pytest.approx(float(score), abs=1e-3)
        assert (segment.mask == np.unpackbits(bits, axis=1, count=result.size[1])).mean() >= 0.9995
    assert (parser.name, result.model) == ("modelscope", "modelscope")
    assert list(result.timings) == ["open", "prepare", "network", "decode"]
    assert min(result.timings.values()) > 0
    assert (parser.model.peak > 100) == (peak_memory() > 0)


def test_a_part_belongs_to_the_person_that_covers_most_of_it() -> None:
    """In one row of pixels: two people, a part of the second, one of nobody."""
    rows = ["111111....", "....111111", "...11111..", "..........", "11........"]
    masks = np.array([[[pixel == "1" for pixel in row]] for row in rows])
    answer = {
        "labels": np.zeros((1, 10), np.uint8),
        "classes": np.array([20, 20, 2, 13, 5]),
        "scores": np.array([0.9, 0.8, 0.7, 0.6, 0.5]),
        "masks": np.packbits(masks, axis=2),
        "milliseconds": np.array([1.0, 2.0, 3.0]),
    }
    result = modelscope.read_answer(answer, num_parts=20)
    assert [(part.label, part.score, part.person) for part in result.parts] == [(2, 0.7, 2), (13, 0.6, None), (5, 0.5, 1)]
    assert [(person.label, person.score, person.person) for person in result.people] == [(20, 0.9, 1), (20, 0.8, 2)]
    assert result.person_of.tolist() == [[1, 1, 1, 2, 2, 2, 2, 2, 2, 2]]
    assert result.classes == parsing.PARTS


def test_a_photo_that_ends_the_process_gets_a_sentence_and_the_next_one_a_new_process(parser: parsing.Parser) -> None:
    with pytest.raises(EngineError, match=f"has ended: {SMALLER}"):
        parser(WHITE)
    assert parser(FOLDER / "input0.png").people


BROKEN = {
    "mmcv without its compiled part": (
        "No module named 'mmcv._ext'",
        "its mmcv-full lacks the compiled part; delete the folder .venv-reference and run 'make reference' again",
    ),
    "new setuptools": ("ModuleNotFoundError: No module named 'pkg_resources'", "pip install 'setuptools<66'"),
    "no ModelScope": ("ModuleNotFoundError: No module named 'modelscope'", "its package modelscope is missing; delete"),
    "no timm": ("swin requires the timm library, install it:\\npip install timm", "its package timm is missing;"),
    "new torch": (
        "IndexError: tuple index out of range",
        "its torch is too new for ModelScope 1.9.5, which needs torch 1.13.1",
    ),
    "little memory": ("RuntimeError: [alloc_cpu.cpp:75] can't allocate memory: you tried 192 bytes.", "make it smaller"),
    "anything else": ("KeyError: 'secret/path'", r"the reason is not known \(KeyError\); delete the folder"),
    "nothing said": ("", r"the reason is not known \(status 3\); delete"),
}
"""What a process says at its end, and what the user is told."""


@pytest.mark.parametrize(("words", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_broken_environment_gets_the_sentence_that_mends_it(
    words: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = f'#!/bin/sh\nprintf "Traceback (most recent call last)\\n  File x\\n    y\\n{words}\\n" >&2\nexit 3\n'
    monkeypatch.setenv("PARSING_REFERENCE", str(executable(tmp_path / "python", lines)))
    with pytest.raises(EngineError, match=f"^The reference engine has ended: .*{sentence}") as refusal:
        parsing.load("modelscope", weights=FOLDER)
    assert "secret" not in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_without_an_environment_the_sentence_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARSING_REFERENCE", raising=False)
    monkeypatch.setattr(modelscope, "PYTHON", tmp_path / "absent")
    with pytest.raises(EngineError, match="is not installed: run 'make reference', or set PARSING_REFERENCE") as refusal:
        parsing.load("modelscope")
    assert str(tmp_path) not in str(refusal.value)


def test_what_is_no_python_cannot_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARSING_REFERENCE", str(executable(tmp_path / "python", "no program")))
    with pytest.raises(EngineError, match="cannot be started; delete the folder"):
        parsing.load("modelscope", weights=FOLDER)


def test_no_code_in_a_checkpoint_is_run(environment: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "trapped"),)

    shutil.copy(FOLDER / CONFIGURATION, tmp_path)
    torch.save({"model": Trap()}, tmp_path / CHECKPOINT)
    with pytest.raises(WeightsError, match="could run foreign code"):
        parsing.load("modelscope", weights=tmp_path)
    assert not (tmp_path / "trapped").exists()


def test_the_process_ends_with_the_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = io.BytesIO()
    modelscope_worker.send(ready)
    (tmp_path / "ready").write_bytes(ready.getvalue())
    lines = f'#!/bin/sh\necho $$ > "{tmp_path}/number"\ncat "{tmp_path}/ready"\nexec cat > "{tmp_path}/asked"\n'
    monkeypatch.setenv("PARSING_REFERENCE", str(executable(tmp_path / "python", lines)))
    parser = parsing.load("modelscope", weights=FOLDER)
    number = int((tmp_path / "number").read_text())
    os.kill(number, 0)  # it is there
    del parser
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


@pytest.mark.parametrize("length", [0, 5, 8, 100])
def test_a_message_that_breaks_off_is_the_end(length: int) -> None:
    stream = io.BytesIO()
    modelscope_worker.send(stream, photo=WHITE, milliseconds=[1.5, 2.5])
    arrays = modelscope_worker.receive(io.BytesIO(stream.getvalue()))
    np.testing.assert_array_equal(arrays["photo"], WHITE)
    assert arrays["milliseconds"].tolist() == [1.5, 2.5]
    with pytest.raises(EOFError):
        modelscope_worker.receive(io.BytesIO(stream.getvalue()[:length]))


def test_peak_memory_counts_from_the_last_restart() -> None:
    told = Path("/proc/self/clear_refs").exists()
    before = peak_memory(restart=True)
    with mmap.mmap(-1, 60_000_000) as memory:  # straight from the system, which gets it back
        memory.write(bytes(len(memory)))
        grown = peak_memory(os.getpid()) - before
    after = peak_memory(restart=True) - before
    assert (grown > 50) == told
    assert after < 50
    assert peak_memory(1 << 30) == 0
