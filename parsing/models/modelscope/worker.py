"""ModelScope's own pipeline, in the process that `engine.py` starts: photos come in, what was found goes out.

    python -I worker.py FOLDER

It runs under the Python and the packages of `requirements-reference.txt`, so it imports nothing else of this project. A message
is an archive of numpy's, `.npz`, after its length in eight bytes. The first one, empty, says that the model is loaded. Whatever
goes wrong ends the process; its last words on standard error say what it was.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import time
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTH = struct.Struct("<Q")


def send(stream: BinaryIO, **arrays: Any) -> None:
    """Writes one message; raises OSError where nobody reads any more."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    stream.write(LENGTH.pack(content.tell()))
    stream.write(content.getbuffer())
    stream.flush()


def receive(stream: BinaryIO) -> dict[str, NDArray[Any]]:
    """Waits for one message and reads it; raises EOFError where the other process has ended."""
    header = stream.read(LENGTH.size)
    if len(header) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(header)
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    with np.load(io.BytesIO(content)) as archive:
        return dict(archive)


class WatchedPipeline:
    """ModelScope's pipeline, watched while it works: when its stages end, and the label map, which it computes and drops."""

    def __init__(self, folder: str) -> None:
        from modelscope.pipelines import pipeline
        from modelscope.utils.constant import Tasks

        self._pipeline = pipeline(Tasks.image_segmentation, model=folder, device="cpu")
        self._read_masks = self._pipeline.postprocess
        self._pipeline.postprocess = self._postprocess
        network = self._pipeline.model
        network.backbone.register_forward_pre_hook(lambda *_: self._ends.append(time.perf_counter()))
        network.sem_seg_head.register_forward_hook(lambda *_: self._ends.append(time.perf_counter()))
        self._ends: list[float] = []
        self._labels = np.empty((0, 0), np.uint8)

    def __call__(self, photo: NDArray[np.uint8]) -> dict[str, Any]:
        """Parses one photo.

        Args:
            photo: RGB uint8 (H, W, 3).

        Returns:
            "labels", (H, W) uint8; of the instances, in the pipeline's order, "classes", (N,) int, "scores", (N,), and "masks",
            (N, H, (W + 7) // 8) uint8, packed along the rows; "milliseconds", (3,), before, in and after the network.
        """
        from PIL import Image

        self._ends = [time.perf_counter()]
        found = self._pipeline(Image.fromarray(photo))
        self._ends.append(time.perf_counter())
        height, width = photo.shape[:2]
        masks = np.empty((len(found["masks"]), height, (width + 7) // 8), np.uint8)
        for packed, mask in zip(masks, found["masks"], strict=True):
            packed[:] = np.packbits(mask > 0, axis=1)
        return {
            "labels": self._labels,
            "classes": [self._pipeline.model.classes.index(name) for name in found["labels"]],
            "scores": found["scores"],
            "masks": masks,
            "milliseconds": np.diff(self._ends) * 1000,
        }

    def _postprocess(self, inputs: dict[str, Any], **options: Any) -> dict[str, Any]:
        scores = inputs["eval_result"][0]["parsing"]["semantic_outputs"]  # (20, H, W)
        self._labels = scores.numpy().argmax(axis=0).astype(np.uint8)
        found: dict[str, Any] = self._read_masks(inputs, **options)
        return found


def main() -> None:
    """Loads the folder's model, then answers one photo after the other, until nobody asks any more."""
    photos = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the libraries print is no answer
    parse = WatchedPipeline(sys.argv[1])
    send(answers)
    while True:
        try:
            photo = receive(photos)["photo"]
        except EOFError:
            return
        send(answers, **parse(photo))


if __name__ == "__main__":
    main()
