"""Gives a trained network another encoder: `python -m training.transplant --checkpoint OLD/checkpoint.pt --movenet FILE --data
FOLDER --out runs/start.pt`; `training.train --start` goes on from there.

All that follows the encoder is kept. It meets the encoder in five 1x1 convolutions, each with its normalisation: affine maps of
features. They are fitted by least squares, so that they make of the new encoder's features what the old ones made of the old
features.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from training.courses import COURSES
from training.mixture import read_mixture
from training.movenet import load_movenet
from training.network import ConvNorm, LiteNetwork, load_network
from training.targets import make_batch
from training.train import HELD_OUT, add_data_options

JOINTS: Final = {"lateral.0": 0, "lateral.1": 1, "lateral.2": 2, "lateral.3": 3, "reduce": 4}
"""The convolutions that take an encoder's features, and which features."""
RIDGE: Final = 1e-3
"""Weight of the penalty on large factors, in squares of the feature that they belong to."""
LARGEST_SAMPLE: Final = 40_000
"""Cells of a batch that are looked at."""
BATCHES, PICTURES = 80, 8


class Regression:
    """Least squares from features (N, F) to answers (N, A), over batches; a further feature, always 1, carries the constant."""

    def __init__(self) -> None:
        self.count = 0
        self.products = self.answers = torch.zeros(1, dtype=torch.float64)

    def add(self, features: Tensor, answers: Tensor) -> None:
        """Takes a batch into account."""
        features = torch.cat((features, torch.ones(len(features), 1)), 1).double()
        self.count += len(features)
        self.products = self.products + features.T @ features  # (F + 1, F + 1)
        self.answers = self.answers + features.T @ answers.double()  # (F + 1, A)

    def fill(self, joint: ConvNorm) -> None:
        """Makes the fitted map of a convolution and its normalisation."""
        ridge = torch.diag(RIDGE * self.products.diagonal())
        solution = torch.linalg.solve(self.products + ridge, self.answers)
        weight, constant = solution[:-1].T, solution[-1]
        mean = self.products[-1, :-1] / self.count
        covariance = self.products[:-1, :-1] / self.count - torch.outer(mean, mean)
        convolution, norm = joint[0], joint[1]
        with torch.no_grad():
            convolution.weight.copy_(weight[:, :, None, None])
            norm.running_mean.copy_(weight @ mean)
            norm.running_var.copy_(((weight @ covariance) * weight).sum(1))
            norm.weight.copy_((norm.running_var + norm.eps).sqrt())
            norm.bias.copy_(weight @ mean + constant)


@torch.no_grad()
def transplant(old: LiteNetwork, new: LiteNetwork, batches: Iterable[Tensor]) -> None:
    """Fills all of `new` but its encoder, so that it answers much as `old` does on pictures (B, 3, H, W)."""
    kept = {name: value for name, value in old.state_dict().items() if not name.startswith(("encoder", *JOINTS))}
    new.load_state_dict(new.state_dict() | kept)
    regressions = {name: Regression() for name in JOINTS}
    for pixels in batches:
        before, after = old.encoder(pixels), new.encoder(pixels)
        for name, level in JOINTS.items():
            answers, features = _cells(old.get_submodule(name)(before[level])), _cells(after[level])
            sample = torch.randperm(len(features))[:LARGEST_SAMPLE]
            regressions[name].add(features[sample], answers[sample])
    for name, regression in regressions.items():
        joint = new.get_submodule(name)
        assert isinstance(joint, ConvNorm)
        regression.fill(joint)


def _cells(features: Tensor) -> Tensor:
    """(B, C, H, W) to (B*H*W, C)."""
    return features.permute(0, 2, 3, 1).flatten(0, 2)


def main() -> None:
    """Reads the command line and writes a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", type=Path, required=True, help="of the network whose encoder is replaced")
    parser.add_argument("--movenet", type=Path, required=True, help="movenet-multipose.json, the new encoder's weights")
    parser.add_argument("--out", type=Path, required=True, help="file of the new checkpoint")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="as for training.train")
    add_data_options(parser)
    options = parser.parse_args()
    course = COURSES["parts"]
    mixture, rng = read_mixture(options, HELD_OUT, course.shares), np.random.default_rng(0)
    new = LiteNetwork("movenet").eval()
    load_movenet(new.encoder, options.movenet)
    sizes = (course.shapes[index % len(course.shapes)] for index in range(BATCHES))
    transplant(
        load_network(options.checkpoint),
        new,
        (make_batch([mixture.make(rng, size) for _ in range(PICTURES)], rng).pixels for size in sizes),
    )
    state = new.state_dict()
    torch.save({"network": state, "average": state, "variant": "movenet"}, options.out)


if __name__ == "__main__":
    main()
