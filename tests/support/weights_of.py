"""A loaded model's weights, to compare."""

from __future__ import annotations

import torch

from parsing.models.m2fp.m2fp import M2FP
from parsing.models.m2fp.network import packed


def assert_same_weights(one: M2FP, other: M2FP) -> None:
    """Every weight of one model is the other's, bit by bit."""
    weights = other.network.state_dict()
    assert len(weights) > 100
    for name, weight in one.network.state_dict().items():
        assert torch.equal(packed.unpack(weight), packed.unpack(weights[name])), name
