"""M2FP in one file, run by ONNX Runtime: the graph that `python -m parsing export` writes, its configuration inside.

Everything around the network, and so the picture, is that of `parsing.models.m2fp.m2fp`.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

from parsing.inference_session import open_session
from parsing.models.m2fp import weights as store
from parsing.models.m2fp.m2fp import Pipeline, parse_config
from parsing.models.m2fp.network.config import SHORT_SIDES
from parsing.models.m2fp.network.onnx_graph import INPUT, OUTPUTS


class OnnxNetwork:
    """A network for `Pipeline`, computed by ONNX Runtime.

    Attributes:
        config: what the file says of the model.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        """Loads a file; raises `WeightsError`, a sentence for the user, where it is missing, damaged, or of another model."""
        path = Path(file)
        if not path.is_file():
            raise store.WeightsError(f"There is no file {path.name!r}; 'python -m parsing export' writes one.")
        try:
            self._session = open_session(path)
        except Exception as error:
            raise store.WeightsError(f"The file {path.name!r} is damaged or no ONNX file; export it again.") from error
        text = self._session.get_modelmeta().custom_metadata_map.get(store.CONFIGURATION)
        names = [[node.name for node in nodes] for nodes in (self._session.get_inputs(), self._session.get_outputs())]
        if text is None or names != [[INPUT], list(OUTPUTS)]:
            raise store.WeightsError(f"The file {path.name!r} holds another model; 'python -m parsing export' writes M2FP's.")
        self.config = parse_config(store.parse_configuration(text), single_person=False, weights={})
        sizes = self.config.network
        if self._session.get_outputs()[0].shape[1:] != [sizes.num_queries, sizes.num_classes + 1]:
            raise store.WeightsError(f"The file {path.name!r} holds another network than its {store.CONFIGURATION} describes.")

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """From a picture (1, 3, H, W) to class logits (1, Q, classes + 1) and mask logits (1, Q, H/4, W/4)."""
        classes, masks = self._session.run(OUTPUTS, {INPUT: x.contiguous().numpy()})
        return torch.from_numpy(classes), torch.from_numpy(masks)


class OnnxM2FP(Pipeline):
    """M2FP computed by ONNX Runtime, "m2fp-onnx"; it has float32 only."""

    @classmethod
    def load(cls, file: str | os.PathLike[str], size: str = "official") -> OnnxM2FP:
        """Loads an exported model.

        Args:
            file: what `python -m parsing export` wrote.
            size: one of `SHORT_SIDES`.

        Raises:
            WeightsError: the file is not there, damaged, or holds something else; one sentence for the user.
        """
        network = OnnxNetwork(file)
        note = ", ONNX Runtime" + f", {size}" * (size != "official")
        return cls("m2fp-onnx", network.config, network, SHORT_SIDES[size], note)
