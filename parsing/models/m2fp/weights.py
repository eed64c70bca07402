"""Where M2FP's weights come from: a local folder, the cache, or ModelScope; read safely, checked strictly, kept small.

The official weights are CC BY-NC 4.0: no commercial use. They come as a training checkpoint of 758 MB (723 MiB), a pickle,
which is opened in the mode that reads nothing but data. The cache keeps only the network's own 253 MB, as safetensors beside
the configuration, in

    ~/.cache/parsing-m2fp/   (or the folder that the environment variable PARSING_CACHE names)

which may be deleted at any time. Files appear there complete or not at all; a download that broke off goes on where it ended.
How the files travel is in `parsing.models.m2fp.download`.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from parsing.files import cache_folder, lock, whole_file
from parsing.models.m2fp.download import CHECKPOINT, CONFIGURATION, DOCTOR, SLIM, WeightsError, download
from parsing.models.m2fp.hub import Progress

if TYPE_CHECKING:
    from torch import Tensor

    from parsing.models.m2fp.network.config import NetworkConfig

DISK_BYTES: Final = 1_100_000_000
"""Free space that a download and its slim copy need together."""

LARGEST_CONFIGURATION: Final = 1 << 20
"""Characters that are read; the official one has a few thousand."""

Shapes = Mapping[str, tuple[int, ...]]
"""Name and shape of every weight that a network has."""

log = logging.getLogger(__name__)


def local_folder(name: str, folder: str | os.PathLike[str] | None = None) -> Path | None:
    """The folder with a model's weights if nothing has to be downloaded: the one given, PARSING_WEIGHTS, or the cache.

    Raises:
        WeightsError: a folder was given, but it holds no model.
    """
    given = folder or os.environ.get("PARSING_WEIGHTS")
    if given:
        path = Path(given)
        if not (path / CONFIGURATION).is_file() or not any((path / file).is_file() for file in (SLIM, CHECKPOINT)):
            raise WeightsError(
                f"The weights folder {path.name!r} needs a {CONFIGURATION} and a {CHECKPOINT}, as ModelScope's folders have."
            )
        return path
    cached = cache_folder(name)
    return cached if _is_complete(cached) else None


def _is_complete(cached: Path) -> bool:
    return (cached / CONFIGURATION).is_file() and (cached / SLIM).is_file()


def read_configuration(folder: Path) -> dict[str, Any]:
    """The `model` section of a folder's configuration.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    return parse_configuration(configuration_text(folder))


def configuration_text(folder: Path) -> str:
    """A folder's configuration as it is; raises `WeightsError` where the file is missing or no text."""
    try:
        with (folder / CONFIGURATION).open(encoding="utf-8-sig") as file:
            return file.read(LARGEST_CONFIGURATION)
    except (OSError, ValueError) as error:
        raise WeightsError(f"The model's {CONFIGURATION} cannot be read.") from error


def configuration_with_sizes(folder: Path, network: NetworkConfig) -> str:
    """A folder's configuration with the sizes of the network that its weights are of, as JSON text."""
    from parsing.models.m2fp.network.config import with_sizes

    whole = json.loads(configuration_text(folder))
    return json.dumps({**whole, "model": with_sizes(whole["model"], network)})


def parse_configuration(text: str) -> dict[str, Any]:
    """The `model` section of a configuration's JSON text; raises `WeightsError` where there is none."""
    try:
        section = json.loads(text)["model"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError(f"The model's {CONFIGURATION} cannot be read or has no section 'model'.") from error
    if not isinstance(section, dict):
        raise WeightsError(f"The section 'model' of the model's {CONFIGURATION} is not an object.")
    return section


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Whatever weights of M2FP a folder's safetensors file, else its checkpoint, holds, memory-mapped.

    Raises:
        WeightsError: the file is damaged, holds more than data, or has none.
    """
    from parsing.models.m2fp.checkpoint import read_file  # here, for it imports torch

    return read_file(folder / (SLIM if (folder / SLIM).is_file() else CHECKPOINT))


def choose_weights(found: Mapping[str, Tensor], shapes: Shapes) -> dict[str, Tensor]:
    """Those weights that a network has.

    Args:
        found: what `read_weights` gave.
        shapes: what the network has.

    Returns:
        For each name in `shapes` a float32 tensor of that shape.

    Raises:
        WeightsError: some are missing, have another shape, or hold what is no finite number; these are listed.
    """
    wrong = [f"{name} is missing" for name in shapes if name not in found]
    wrong += [
        f"{name} is {tuple(found[name].shape)} instead of {shape}"
        for name, shape in shapes.items()
        if name in found and tuple(found[name].shape) != tuple(shape)
    ]
    if wrong:
        raise WeightsError(f"The weights do not fit the network that {CONFIGURATION} describes: {_listed(wrong)}. {DOCTOR}")
    if extra := len(found) - len(shapes):
        log.info("%d entries of the weights file are not part of the network and were ignored", extra)
    weights = {name: found[name].float() for name in shapes}
    if spoilt := [name for name, weight in weights.items() if not np.isfinite(weight.numpy()).all()]:
        raise WeightsError(f"The weights hold numbers that are not finite: {_listed(spoilt)}. Fetch them again.")
    return weights


def _listed(items: list[str]) -> str:
    return "; ".join(items[:8]) + (f"; and {len(items) - 8} more" if len(items) > 8 else "")


def fetch(name: str, read: Callable[[Path], Mapping[str, Tensor]], progress: Progress | None = None) -> Path:
    """Downloads a model's official weights into the cache, as the slim copy.

    Args:
        name: "m2fp" or "m2fp-single".
        read: from a model folder to the weights that its network has; raises `WeightsError` where they do not fit.
        progress: told how far the download is; the terminal always shows it.

    Returns:
        The cache folder, complete.

    Raises:
        WeightsError: out of reach, broken off, disk full, or not the expected weights. Another call goes on where this ended.
    """
    target = cache_folder(name)
    arriving = target / "download"
    try:
        target.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            if _is_complete(target):  # another program has fetched them meanwhile
                return target
            arriving.mkdir(exist_ok=True)
            _check_space(arriving)
            download(name, arriving, progress)
            _slim_down(arriving, target, read(arriving))
            shutil.rmtree(arriving, ignore_errors=True)
    except WeightsError:
        (arriving / SLIM).unlink(missing_ok=True)  # a mirror's file that is of no use must not be found there next time
        raise
    except OSError as error:
        raise _disk_error(error) from error
    log.warning("The weights are in %s (253 MB); delete that folder to remove them", target)
    return target


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other program fetches into the folder; waits for one that does, where the system and the disk have locks."""
    with folder.with_name(f".{folder.name}-fetching").open("w") as mark:
        lock(mark.fileno(), wait=True)
        yield


def discard(name: str) -> None:
    """Removes a model's slim copy from the cache, so that the next start downloads it anew."""
    (cache_folder(name) / SLIM).unlink(missing_ok=True)


def _slim_down(source: Path, target: Path, found: Mapping[str, Tensor]) -> None:
    """Writes a folder's configuration and these weights into `target`; a file appears complete or not at all."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    weights = {name: tensor.contiguous() for name, tensor in found.items()}
    try:
        with whole_file(target / SLIM) as partial:
            save_file(weights, partial, metadata={"format": "pt", "license": "CC BY-NC 4.0"})
            shutil.copyfile(source / CONFIGURATION, target / CONFIGURATION)
            shutil.copymode(target / CONFIGURATION, partial)  # safetensors writes for its own user only
    except SafetensorError as error:  # the library's own wrapping of a failed write
        raise OSError(errno.ENOSPC if "No space" in str(error) else errno.EIO, str(error)) from error


def _check_space(folder: Path) -> None:
    """Asks for the room before the download starts; what an earlier one left there counts as room."""
    there = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    if shutil.disk_usage(folder).free + there < DISK_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _disk_error(error: OSError) -> WeightsError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WeightsError(
            f"The disk is full: M2FP's weights need {DISK_BYTES / 1e9:.1f} GB while they are fetched and 0.3 GB afterwards;"
            " make room, or set PARSING_CACHE to a folder on another disk."
        )
    return WeightsError("The cache for M2FP's weights cannot be written; set PARSING_CACHE to a folder that can.")
