"""The embedded network as browsers load it: it answers as the embedded file does."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from parsing.inference_session import open_session
from parsing.models.lite.lite import MODEL_FILE
from parsing.web.device.network import GRAPH, WEIGHTS, network_files


def test_its_weights_have_half_the_size_and_its_answers_are_the_same(tmp_path: Path) -> None:
    files = network_files()
    assert len(files[GRAPH]) < 300_000
    (tmp_path / GRAPH).write_bytes(files[GRAPH])
    (tmp_path / WEIGHTS).write_bytes(np.frombuffer(files[WEIGHTS], "<f2").astype("<f4").tobytes())
    image = np.random.default_rng(0).integers(0, 256, (1, 96, 160, 3), np.uint8)
    expected = open_session(MODEL_FILE).run(None, {"image": image})
    for mine, embedded in zip(open_session(tmp_path / GRAPH).run(None, {"image": image}), expected, strict=True):
        np.testing.assert_allclose(mine, embedded, atol=1e-4)


@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_a_missing_or_damaged_model_is_refused_in_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "lite.onnx").write_bytes(content)
    with pytest.raises(OSError, match=r"The embedded model, lite\.onnx, is missing or damaged"):
        network_files(tmp_path / "lite.onnx")


def test_the_missing_second_network_is_refused_by_its_own_name(tmp_path: Path) -> None:
    shutil.copy(MODEL_FILE, tmp_path)
    with pytest.raises(OSError, match=r"The embedded model, garments\.onnx, is missing or damaged"):
        network_files(tmp_path / MODEL_FILE.name)
