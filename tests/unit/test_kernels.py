"""The C kernels: compiled once, given up quietly, and equal to PyTorch; M2FP's own tests run with them and without."""

from __future__ import annotations

import _ctypes
import ctypes
import hashlib
import os
import re
import shlex
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from parsing.models.m2fp import kernels
from parsing.models.m2fp.kernels import check, compiled
from parsing.models.m2fp.masks import LabelMap, Placement, Upsampler
from parsing.models.m2fp.network.layers import attended


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty cache, and no library loaded yet; yields the folder where it will be."""
    monkeypatch.setenv("PARSING_CACHE", str(tmp_path))
    kernels.library.cache_clear()
    yield tmp_path / "kernels"
    kernels.library.cache_clear()


@pytest.fixture(scope="module")
def library_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library as the machine's compiler makes it, which takes seconds."""
    return compiled._compile(shlex.split(os.environ.get("CC") or "cc"), tmp_path_factory.mktemp("compiled"), "kernels")


@pytest.fixture
def copied(fresh: Path, library_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As `fresh`, with a compiler that copies what was compiled before: these tests ask what becomes of the file."""
    copy = f'for last; do :; done; if [ "$last" = --version ]; then echo 1; else cp "{library_file}" "$last"; fi'
    monkeypatch.setenv("CC", f"sh -c {shlex.quote(copy)} compiler")
    return fresh


def direct(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return functional.conv2d(x.double(), weight.double(), None if bias is None else bias.double(), padding=1)


@pytest.mark.parametrize(
    ("batch", "height", "width", "inputs", "outputs"),
    [(1, 4, 4, 16, 32), (1, 1, 1, 16, 32), (1, 3, 9, 32, 32), (2, 7, 5, 16, 64), (1, 40, 40, 256, 256), (3, 17, 33, 48, 96)],
)
@pytest.mark.parametrize("relu", [False, True])
def test_a_convolution_is_the_direct_one(batch: int, height: int, width: int, inputs: int, outputs: int, relu: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(batch, inputs, height, width)
    weight, bias = torch.randn(outputs, inputs, 3, 3) / (3 * inputs**0.5), torch.randn(outputs)
    assert kernels.can_convolve(inputs, outputs)
    for shift in (bias, None):
        expected = direct(x, weight, shift)
        found = kernels.convolve(x, kernels.for_convolve(weight), shift, relu)
        torch.testing.assert_close(found.double(), expected.relu() if relu else expected, rtol=0, atol=2e-4)


def test_a_convolution_takes_and_gives_bfloat16() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(1, 32, 10, 11).bfloat16(), torch.randn(32, 32, 3, 3) / 17
    found = kernels.convolve(x, kernels.for_convolve(weight), None, False)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), direct(x, weight, None), rtol=0.01, atol=0.01)  # eight bits are kept


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 2e-5), (torch.bfloat16, 0.02)])
@pytest.mark.parametrize(("queries", "places"), [(1, 1), (100, 50), (130, 24), (7, 301)])
def test_attention_sees_the_inside_of_the_mask(queries: int, places: int, dtype: torch.dtype, error: float) -> None:
    torch.manual_seed(0)
    query, key, value = (2 * torch.randn(2, count, 64).to(dtype) for count in (queries, places, places))
    mask_logits = torch.randn(2, places, queries)
    mask_logits[0, :, 0] = -1  # sees nothing, so it sees everything
    mask_logits[1, : places // 2] = -1  # nothing is seen for many blocks
    assert kernels.can_attend(32)
    heads = (x.double().unflatten(2, (2, 32)).transpose(1, 2) for x in (query, key, value))
    expected = (
        functional.scaled_dot_product_attention(*heads, attn_mask=attended(mask_logits)[:, None]).transpose(1, 2).flatten(2)
    )
    torch.testing.assert_close(kernels.attend(query, key, value, mask_logits, 2).double(), expected, rtol=error, atol=error)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 1, 32), (2, 7, 256), (3, 1024)], ids=str)
def test_the_norm_of_a_sum(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x, added = 5 * torch.randn(shape) + 3, torch.randn(shape).to(dtype)
    weight, bias = torch.randn(2, shape[-1])
    assert kernels.can_norm(shape[-1])
    expected = functional.layer_norm(x.double() + added.double(), shape[-1:], weight.double(), bias.double(), 1e-5)
    found = kernels.norm_of_sum(x, added, weight, bias, 1e-5)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("photo", [(61, 83), (200, 300), (16, 7), (5, 90)])
def test_a_window_of_a_mask_is_the_mask_in_two_steps(photo: tuple[int, int], both_ways: None) -> None:
    """Every mask, small or large, anywhere, and the map that grows from all of them."""
    placement = Placement(padded=(64, 96), box=(0, 0, 90, 61), photo=photo)
    generator = np.random.default_rng(3)
    logits = torch.full((40, 16, 24), -3.0)
    for mask in logits:
        y, x, height, width = generator.integers(0, (16, 24, 16, 24))
        patch = torch.from_numpy(generator.normal(1, 2, (height + 1, width + 1)))
        mask[y : y + height + 1, x : x + width + 1] = patch[: 16 - y, : 24 - x]
    upsample, label_map = Upsampler((16, 24), placement), LabelMap(photo)
    best, expected = torch.zeros(photo), torch.zeros(photo, dtype=torch.uint8)
    for label, masks in enumerate(logits.split(4), start=1):
        sums, counts = torch.zeros(photo), torch.zeros(photo)
        for mask in masks:
            padded = functional.interpolate(mask[None, None], size=placement.padded, mode="bilinear", align_corners=False)
            full = functional.interpolate(padded[..., :61, :90], size=photo, mode="bilinear", align_corners=False)[0, 0]
            window = upsample(mask)
            found, certainty = window.read()
            inside = np.zeros(photo, bool)
            inside[window.rows, window.columns] = found
            assert (inside != (full > 0).numpy()).mean() < 1e-3
            assert certainty == pytest.approx(float((full.sigmoid() * (full > 0)).sum() / max((full > 0).sum(), 1)), abs=1e-3)
            label_map.add(window, 0.9)
            value = full.sigmoid() * 0.9
            sums += value * (value > 0.5)
            counts += value > 0.5
        label_map.close(label)
        mean = sums / counts.clamp(min=1)
        expected[mean > best] = label
        best = torch.maximum(best, mean)
    assert label_map.labels.shape == photo
    assert (label_map.labels == expected.numpy()).mean() > 0.999


def test_the_library_is_compiled_once(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels.library() is not None
    (file,) = fresh.iterdir()
    written = file.stat().st_mtime_ns
    kernels.library.cache_clear()
    assert kernels.library() is not None
    assert [file.stat().st_mtime_ns for file in fresh.iterdir()] == [written]


@pytest.mark.parametrize("compiler", ["false", "no-such-compiler", "sh -c 'exit 3'"])
def test_without_a_compiler_there_are_no_kernels(fresh: Path, monkeypatch: pytest.MonkeyPatch, compiler: str) -> None:
    monkeypatch.setenv("CC", compiler)
    assert kernels.library() is None
    assert not kernels.can_convolve(256, 256)
    assert not kernels.can_sample(32, 12)
    assert not any(fresh.iterdir())


NONSENSE = """sh -c 'for last; do :; done; [ "$last" = --version ] || echo nonsense > "$last"' compiler"""


def test_a_library_that_cannot_be_loaded_is_not_used(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CC", NONSENSE)
    assert kernels.library() is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def replace(file: Path, content: bytes) -> None:
    """Another file under the name: the one before is mapped into this process."""
    file.unlink()
    file.write_bytes(content)
    file.chmod(0o700)


def cut_off(file: Path) -> None:
    replace(file, file.read_bytes()[:5000])


def change_a_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    replace(file, bytes(content))


def let_others_write(file: Path) -> None:
    file.chmod(0o777)


def point_elsewhere(file: Path) -> None:
    file.rename(file.parent.parent / "elsewhere.so")
    file.symlink_to(file.parent.parent / "elsewhere.so")


def put_another_library_there(file: Path) -> None:
    """One without our functions, but with the hash of its contents in its name, as an attacker would give it."""
    content = Path(_ctypes.__file__).read_bytes()
    kind = file.name.rpartition("-")[0]
    replace(file.rename(file.with_name(f"{kind}-{hashlib.sha256(content).hexdigest()[:16]}.so")), content)


@pytest.mark.parametrize("spoil", [cut_off, change_a_byte, let_others_write, point_elsewhere, put_another_library_there])
def test_a_spoilt_library_is_made_anew_once(
    copied: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    assert kernels.library() is not None
    (file,) = copied.iterdir()
    spoil(file)
    kernels.library.cache_clear()
    assert kernels.library() is not None
    assert "made anew" in caplog.text
    assert list(copied.iterdir()) == [file]
    assert stat.S_IMODE(file.lstat().st_mode) == 0o700


def test_a_library_with_wrong_answers_is_made_anew_and_then_done_without(
    copied: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert kernels.library() is not None
    kernels.library.cache_clear()
    monkeypatch.setattr(check, "CHECKS", [lambda *_: [(torch.zeros(1), torch.ones(1))]])
    assert kernels.library() is None
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "made anew: the library gives wrong answers" in caplog.text


def test_a_folder_that_others_may_write_is_closed_and_emptied(copied: Path, caplog: pytest.LogCaptureFixture) -> None:
    copied.mkdir()
    copied.chmod(0o777)
    (copied / "planted.so").touch()
    assert kernels.library() is not None
    assert stat.S_IMODE(copied.stat().st_mode) == 0o700
    assert not (copied / "planted.so").exists()
    assert "Others could write" in caplog.text


def test_a_folder_of_somebody_else_is_not_used(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fresh.mkdir()
    monkeypatch.setattr("os.geteuid", lambda: fresh.stat().st_uid + 1)
    assert kernels.library() is None
    assert "belongs to somebody else" in caplog.text


def test_a_library_is_still_found_where_the_compiler_is_gone(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels.library() is not None
    kernels.library.cache_clear()
    monkeypatch.setattr(compiled, "_version", lambda _: None)
    assert kernels.library() is not None


def test_another_version_of_the_compiler_compiles_anew(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels.library() is not None
    kernels.library.cache_clear()
    monkeypatch.setattr(compiled, "_version", lambda _: b"cc 99")
    assert kernels.library() is not None
    assert len(list(copied.iterdir())) == 2


def test_python_calls_the_functions_as_c_has_them() -> None:
    """The table of signatures against the C files: a change on one side alone would corrupt memory."""
    kinds = {"int": ctypes.c_int, "float": ctypes.c_float, "double": ctypes.c_double, "void": None}
    found = {}
    for name in compiled.SOURCES:
        text = (Path(compiled.__file__).parent / name).read_text()
        for result, function, listed in re.findall(r"^(void|int|double) (\w+)\(([^)]*)\)\s*\{", text, re.MULTILINE):
            arguments = [] if listed == "void" else [" ".join(words.split()) for words in listed.split(",")]
            found[function] = (
                kinds[result],
                tuple(ctypes.c_void_p if "*" in argument else kinds[argument.split()[0]] for argument in arguments),
            )
    assert found == compiled.SIGNATURES


def test_limits_are_those_of_the_c_files() -> None:
    length = kernels.vector_length()
    assert kernels.can_sample(2 * length, 64)
    assert not kernels.can_sample(2 * length, 65)
    assert not kernels.can_sample(length, 12)
    assert kernels.can_attend(64)
    assert not kernels.can_attend(128)
