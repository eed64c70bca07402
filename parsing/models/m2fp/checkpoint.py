"""What a file of weights holds: a training checkpoint of whatever layout, or a safetensors file. Nothing in it is run.

PyTorch's own restricted unpickler reads the pickle (`torch.load(weights_only=True)`). It makes objects of the kinds in
`HARMLESS`, which training programs leave beside the weights, and refuses a file that names any other.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import pathlib
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy._core import multiarray
from torch import Tensor

from parsing.models.m2fp.download import SLIM, WeightsError

KEYS: Final = ("model", "state_dict", "model_state_dict", "network", "net", "weights", "model_ema", "ema")
"""Under which training programs keep the weights; their running average is taken where there is nothing else."""

HARMLESS: Final = (
    *(bool, dict, float, frozenset, int, list, range, slice, str, tuple),
    argparse.Namespace,
    (lambda *_: {}, "collections.defaultdict"),  # the unpickler fills plain dicts and lists only
    (lambda *_: [], "collections.deque"),
    *(datetime.date, datetime.datetime, datetime.timedelta),
    *((pathlib.PurePosixPath, f"pathlib.{name}") for name in ("PosixPath", "PurePosixPath")),
    *((pathlib.PureWindowsPath, f"pathlib.{name}") for name in ("WindowsPath", "PureWindowsPath")),
    *(np.ndarray, np.dtype, *(getattr(np.dtypes, name) for name in np.dtypes.__all__)),
    # numpy 1 calls the room of these functions `core`, numpy 2 `_core`.
    *((multiarray.scalar, f"numpy.{room}.multiarray.scalar") for room in ("core", "_core")),
    *((multiarray._reconstruct, f"numpy.{room}.multiarray._reconstruct") for room in ("core", "_core")),
)
"""Kinds of objects that hold data and do nothing when they are made."""

_TORCH_MAKES: Final = ("torch._utils._rebuild", "torch.storage.", "collections.OrderedDict")
"""What the names begin with that stand in every checkpoint."""

_PARTS: Final = re.compile(r"(.*?)(?:backbone|sem_seg_head)\.")
"""How the name of a weight of M2FP begins; what stands before, such as "module.", is the training program's."""


def read_file(file: Path) -> dict[str, Tensor]:
    """The weights in a file, under the network's own names, memory-mapped where the format allows it.

    Args:
        file: of whatever kind; its content tells, not its name.

    Raises:
        WeightsError: it is damaged, no such file, holds more than data, or has no weights of M2FP; one sentence says which.
    """
    return find_weights(_load(file), file.name)


def find_weights(checkpoint: Any, name: str) -> dict[str, Tensor]:
    """The weights in what a file holds: at the top, or under one of `KEYS`, without what stands before their names.

    Args:
        checkpoint: what was read.
        name: the file's, for sentences.

    Raises:
        WeightsError: as `read_file`.
    """
    places = [checkpoint]
    if isinstance(checkpoint, Mapping):
        places += [checkpoint[key] for key in KEYS if key in checkpoint]
        places += [inner[key] for inner in places[1:] if isinstance(inner, Mapping) for key in KEYS if key in inner]
    for place in places:
        if not isinstance(place, Mapping):
            continue
        begins = {key: match[1] for key in place if isinstance(key, str) and (match := _PARTS.match(key))}
        if begins:
            before, _ = collections.Counter(begins.values()).most_common(1)[0]
            weights = {key.removeprefix(before): _as_tensor(place[key], key, name) for key in begins}
            others = {key: value for key, value in place.items() if isinstance(value, Tensor) and key not in begins}
            return {**others, **weights}
    raise WeightsError(f"The weights file {name} has no weights under its key 'model', nor anywhere else that is usual.")


def _as_tensor(value: Any, key: str, name: str) -> Tensor:
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        value = torch.from_numpy(value)
    if not isinstance(value, Tensor):
        raise WeightsError(f"The weights file {name} has no weight under {key}, but a {type(value).__name__}.")
    if value.is_quantized or value.is_meta or value.layout != torch.strided or value.is_complex():
        raise WeightsError(f"The weights file {name} has {key} in a form that is not read here; save it as plain float32.")
    return value.detach()


def _load(file: Path) -> Any:
    try:
        with file.open("rb") as stream:
            beginning = stream.read(512)
    except OSError as error:
        raise WeightsError(f"The weights file {file.name} cannot be read: {error.strerror or type(error).__name__}.") from error
    if beginning[8:9] == b"{":
        return _load_safetensors(file)
    if beginning.startswith(b"PK") and zipfile.is_zipfile(file):
        return _load_pickle(file, mapped=True)
    if beginning.startswith(b"\x80"):  # as `torch.save` wrote until 2020
        return _load_pickle(file, mapped=False)
    if beginning.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise WeightsError(f"The weights file {file.name} is a web page, not weights; fetch it again.")
    if beginning.startswith(b"version https://git-lfs"):
        raise WeightsError(f"The weights file {file.name} only says where the weights are (Git LFS); run 'git lfs pull' there.")
    raise _unreadable(file)


def _load_safetensors(file: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except OSError as error:
        raise WeightsError(f"The weights file {file.name} cannot be read: {error.strerror or type(error).__name__}.") from error
    except (SafetensorError, ValueError) as error:
        raise WeightsError(f"The weights file {file.name} is damaged; delete it to have it made again.") from error


def _load_pickle(file: Path, mapped: bool) -> Any:
    try:
        with torch.serialization.safe_globals([*HARMLESS]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on pickles of other times, which are none of the user's business
            return torch.load(file, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        if "Unsupported operand" in str(error):  # of another protocol than `torch.save` writes, or no pickle at all
            raise _unreadable(file) from error
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        raise _unsafe(file, f"asks for {named[1]}" if named else "does more than describe data") from error
    except MemoryError as error:
        raise WeightsError(f"The memory is not enough for the weights file {file.name}.") from error
    except RuntimeError as error:
        if "TorchScript" in str(error):
            raise _unsafe(file, "is a TorchScript program") from error
        raise _unreadable(file) from error
    except Exception as error:  # whatever bytes at random make the unpickler raise
        raise _unreadable(file) from error


def _unreadable(file: Path) -> WeightsError:
    """Why a file that the unpickler does not read is none: it may be damaged, or a pickle of another kind."""
    names = [name for name in _names_in(file) if not name.startswith(_TORCH_MAKES)]
    if names:
        return _unsafe(file, f"asks for {names[0]}")
    if file.name == SLIM:
        return WeightsError(f"The weights file {SLIM} is damaged; delete it to have it made again.")
    return WeightsError(f"The weights file {file.name} is damaged or cut off; fetch it again.")


def _unsafe(file: Path, what: str) -> WeightsError:
    return WeightsError(
        f"The weights file {file.name} holds more than weights and was not opened, because it could run foreign code:"
        f" it {what}."
    )


def _names_in(file: Path) -> list[str]:
    """What a pickle, of whatever protocol, names as functions and classes; nothing is made of it, and damage ends the list."""
    names: list[str] = []
    words: list[str] = []
    try:
        with zipfile.ZipFile(file) if zipfile.is_zipfile(file) else nullcontext() as archive:
            inside = next(name for name in archive.namelist() if name.endswith("data.pkl")) if archive else ""
            with archive.open(inside) if archive else file.open("rb") as stream:
                while True:  # a file of before 2020 is several pickles, one after the other
                    for operation, value, _ in pickletools.genops(stream):
                        if operation.name in ("GLOBAL", "INST"):
                            names.append(str(value).replace(" ", "."))
                        elif operation.name == "STACK_GLOBAL":
                            names.append(".".join(words[-2:]))
                        elif isinstance(value, str):
                            words.append(value)
    except Exception:  # noqa: BLE001, here is the end, or no pickle at all
        return names
