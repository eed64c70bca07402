"""M2FP as one ONNX file, weights and configuration inside, as `python -m parsing export` writes it.

The file is kept only if ONNX Runtime answers as PyTorch does, at two sizes. The licence of the weights goes with them: the
official ones are CC BY-NC 4.0, no commercial use.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from parsing.extras import needs
from parsing.files import whole_file
from parsing.models.m2fp import weights as store

if TYPE_CHECKING:
    from parsing.models.m2fp.m2fp import Network

CHECKED_SIZES: Final = ((96, 128), (160, 96))
"""Height and width of the pictures on which the file is checked."""
LARGEST_DIFFERENCE: Final = 0.01
"""Of 98 % of all logits, which have deviations of 4 and more."""
LEAST_AGREEMENT: Final = 0.999
"""Share of mask pixels on the same side of the mask's edge."""


class ExportError(ValueError):
    """The file that was written does not compute what the network does; the message is one sentence for the user."""


def export(weights: str | os.PathLike[str] | None, output: Path) -> None:
    """Writes the file, complete or not at all.

    Args:
        weights: a model folder of M2FP for several people; None for PARSING_WEIGHTS or the cache.
        output: the file to write.

    Raises:
        ImportError: the package onnx is missing.
        WeightsError: there are no weights, or they cannot be used.
        OSError: the file cannot be written.
        ExportError: the file was written, but ONNX Runtime's answer differs from PyTorch's.
    """
    with needs("export"):
        import onnx
    from parsing.models.m2fp.m2fp import open_folder
    from parsing.models.m2fp.network.m2fp import M2FPNetwork
    from parsing.models.m2fp.network.onnx_graph import write_onnx
    from parsing.models.m2fp.onnx import OnnxNetwork

    if output.is_dir():
        raise IsADirectoryError(f"The file {output.name!r} cannot be written: it is a folder.")
    folder = store.local_folder("m2fp", weights)
    if folder is None:
        raise store.WeightsError("There are no weights to export; name a ModelScope model folder with --weights.")
    config, found = open_folder(folder, single_person=False)
    network = M2FPNetwork.from_weights(config.network, found)
    try:
        with whole_file(output) as partial:
            partial.touch()  # a folder that cannot be written shows before the work
            write_onnx(network, partial)
            model = onnx.load(partial)
            onnx.helper.set_model_props(model, {store.CONFIGURATION: store.configuration_with_sizes(folder, config.network)})
            onnx.save(model, partial)
            del model
            verify(network, OnnxNetwork(partial))
    except OSError as error:
        if isinstance(error, store.WeightsError):
            raise
        raise OSError(f"The file {output.name!r} cannot be written: {error.strerror or error}.") from error


def verify(network: Network, exported: Network) -> None:
    """Compares the answers of both to the same noise; raises `ExportError` where they differ by more than rounding.

    Rounding may move a cell over the edge of an attention mask, which changes one query a little. So it is not the largest
    difference that counts, but that of nearly all logits, and on which side of each mask's edge a pixel is.
    """
    import torch

    from parsing.models.m2fp.network.worker import compute

    generator = torch.Generator().manual_seed(0)
    for size in CHECKED_SIZES:
        picture = torch.randn(1, 3, *size, generator=generator)
        expected, found = compute(network, picture), compute(exported, picture)
        for wanted, got in zip(expected, found, strict=True):
            difference = np.quantile(np.abs(wanted.numpy() - got.numpy()), 0.98)
            agreement = ((wanted > 0) == (got > 0)).float().mean().item()
            if not (difference <= LARGEST_DIFFERENCE and agreement >= LEAST_AGREEMENT):  # also where it is not a number
                raise ExportError(
                    f"ONNX Runtime's answer differs from PyTorch's at {size[0]}x{size[1]}: by {difference:.3g} in the logits,"
                    f" {agreement:.2%} of the signs agree; the file was not kept."
                )
