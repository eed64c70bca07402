"""M2FP from photo to result: golden results of ModelScope's pipeline, the geometry around the network, decoding."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from parsing.labels import HUMAN
from parsing.models.m2fp.decode import Decoded, decode_instances, decode_pixels
from parsing.models.m2fp.m2fp import M2FP, centre, scale, to_input
from parsing.models.m2fp.masks import Placement
from parsing.models.m2fp.network.config import SHORT_SIDES
from parsing.models.m2fp.network.worker import compute

FOLDER = Path(__file__).parents[1] / "golden" / "m2fp"


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("index", [0, 1])
def test_the_picture_is_modelscopes(index: int) -> None:
    model = M2FP.load(FOLDER)
    golden = np.load(FOLDER / f"expected{index}.npz")
    image = np.asarray(Image.open(FOLDER / f"input{index}.png").convert("RGB"))
    parsing = model(image)
    masks = np.unpackbits(golden["instance_masks"], axis=2, count=image.shape[1]).astype(bool)
    found = parsing.parts + parsing.people
    assert (parsing.labels == golden["label_map"]).mean() > 0.9995
    assert [segment.label for segment in found] == golden["instance_labels"].tolist()
    np.testing.assert_allclose([segment.score for segment in found], golden["instance_scores"], rtol=0, atol=1e-3)
    for segment, mask in zip(found, masks, strict=True):
        assert (segment.mask & mask).sum() >= 0.999 * (segment.mask | mask).sum()
    assert [person.person for person in parsing.people] == list(range(1, len(parsing.people) + 1))
    assert set(np.unique(parsing.person_of)) == set(range(len(parsing.people) + 1))
    assert list(parsing.timings) == ["prepare", "network", "decode"]
    assert parsing.model == model.name == "m2fp"


@pytest.mark.parametrize(
    ("size", "scaled"),
    [
        ((512, 512), (640, 640)),
        ((300, 96), (1333, 427)),
        ((96, 300), (427, 1333)),
        ((3000, 4000), (640, 853)),
        ((667, 640), (667, 640)),
        ((1, 4000), (1, 1333)),
        ((4000, 1), (1333, 1)),
    ],
)
def test_the_short_side_becomes_640_and_the_long_one_at_most_1333(size: tuple[int, int], scaled: tuple[int, int]) -> None:
    pixels, box = scale(np.zeros((*size, 3), np.uint8))
    assert pixels.shape == (*scaled, 3)
    assert box == (0, 0, scaled[1], scaled[0])


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((512, 384), (0, 0, 384, 512)),
        ((100, 200), (92, 206, 292, 306)),
        ((1024, 384), (96, 0, 288, 512)),
        ((1000, 1000), (0, 64, 384, 448)),
        ((600, 90), (154, 0, 230, 512)),
        ((1000, 751), (0, 0, 384, 512)),
        ((4000, 1), (191, 0, 192, 512)),
        ((1, 4000), (0, 255, 384, 256)),
    ],
)
def test_a_single_person_stands_in_the_middle_of_a_grey_canvas(size: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    pixels, found = centre(np.zeros((*size, 3), np.uint8), (384, 512))
    x0, y0, x1, y1 = box
    assert found == box
    assert pixels.shape == (512, 384, 3)
    assert not pixels[y0:y1, x0:x1].any()
    outside = np.ones((512, 384), bool)
    outside[y0:y1, x0:x1] = False
    assert (pixels[outside] == 128).all()


@pytest.mark.parametrize(("size", "scaled"), [("balanced", (512, 683)), ("fast", (384, 512))])
def test_smaller_inputs(size: str, scaled: tuple[int, int]) -> None:
    pixels, _ = scale(np.zeros((300, 400, 3), np.uint8), SHORT_SIDES[size])
    assert pixels.shape == (*scaled, 3)


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("index", [0, 1])
def test_bfloat16_gives_nearly_the_same_picture(index: int) -> None:
    golden = np.load(FOLDER / f"expected{index}.npz")
    parsing = M2FP.load(FOLDER, precision="bf16")(np.asarray(Image.open(FOLDER / f"input{index}.png").convert("RGB")))
    assert (parsing.labels == golden["label_map"]).mean() > 0.98


def test_all_threads_get_the_same_answer(small_model: M2FP) -> None:
    """Torch computes in one thread, whoever asks."""
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(small_model, [image] * 6))
    assert all((answer.labels == answers[0].labels).all() for answer in answers)
    with pytest.raises(ZeroDivisionError):
        compute(lambda: 1 // 0)


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1), (1, 1)])
def test_a_line_of_pixels_is_parsed(size: tuple[int, int], small_model: M2FP) -> None:
    assert small_model(np.zeros((*size, 3), np.uint8)).size == size


def test_a_photo_short_of_one_pixel_gets_no_canvas() -> None:
    pixels, box = centre(np.zeros((512, 383, 3), np.uint8), (384, 512))
    assert (pixels.shape, box) == ((512, 383, 3), (0, 0, 383, 512))


def test_the_input_is_normalised_and_padded_with_zeros() -> None:
    pixels = np.zeros((40, 33, 3), np.uint8)
    pixels[3, 5] = (255, 128, 0)
    x = to_input(pixels)
    assert x.shape == (1, 3, 64, 64)
    expected = [(255 - 123.675) / 58.395, (128 - 116.28) / 57.12, -103.53 / 57.375]
    assert x[0, :, 3, 5].tolist() == pytest.approx(expected, abs=1e-5)
    assert not x[0, :, 40:].any()
    assert not x[0, :, :, 33:].any()


PLACEMENT = Placement(padded=(64, 96), box=(0, 0, 90, 61), photo=(83, 122))


def outputs(queries: int, classes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Random logits: confident classes, smooth masks of all sizes, one of them empty."""
    generator = torch.Generator().manual_seed(seed)
    class_logits = torch.randn(queries, classes + 1, generator=generator) * 5
    coarse = torch.randn(1, queries, 5, 7, generator=generator) * 6 - 2
    mask_logits = functional.interpolate(coarse, size=(16, 24), mode="bicubic")[0]
    mask_logits[0] = -1
    return class_logits, mask_logits


def pipeline(
    class_logits: torch.Tensor, mask_logits: torch.Tensor, num_parts: int, threshold: float
) -> tuple[NDArray[np.uint8], list[tuple[int, float, NDArray[np.bool_]]]]:
    """The pipeline's rules taken literally: every mask at full size, every pair of query and class."""
    height, width = PLACEMENT.box[3], PLACEMENT.box[2]
    masks = functional.interpolate(mask_logits[None], size=PLACEMENT.padded, mode="bilinear", align_corners=False)
    masks = functional.interpolate(masks[..., :height, :width], size=PLACEMENT.photo, mode="bilinear", align_corners=False)[0]
    probabilities = class_logits.softmax(-1)[:, :-1]
    chances, pairs = probabilities.flatten().topk(min(100, probabilities.numel()), sorted=False)
    parts, people = [], []
    sums, counts = torch.zeros(num_parts, *PLACEMENT.photo), torch.zeros(num_parts, *PLACEMENT.photo)
    for chance, pair in zip(chances, pairs, strict=True):
        mask, label = masks[pair // probabilities.shape[1]], int(pair % probabilities.shape[1])
        inside = mask > 0
        score = chance * (mask.sigmoid() * inside).sum() / (inside.sum() + 1e-6)
        if label < num_parts and score >= threshold:
            value = mask.sigmoid() * score
            sums[label] += value * (value > 0.5)
            counts[label] += value > 0.5
        if label == num_parts and score > 0.1:
            people.append((HUMAN, float(score), inside.numpy()))
        elif label not in (0, num_parts) and score >= 0.1:
            parts.append((label, float(score), inside.numpy()))
    return (sums / counts.clamp(min=1)).argmax(0).to(torch.uint8).numpy(), parts + people


@pytest.mark.parametrize(("queries", "classes", "num_parts"), [(40, 21, 20), (120, 21, 20), (3, 5, 4), (40, 12, 11)])
@pytest.mark.parametrize("threshold", [0.3, 0.7])
@pytest.mark.usefixtures("both_ways")
def test_decoding_follows_the_pipelines_rules(queries: int, classes: int, num_parts: int, threshold: float) -> None:
    class_logits, mask_logits = outputs(queries, classes)
    labels, instances = pipeline(class_logits, mask_logits, num_parts, threshold)
    decoded = decode_instances(class_logits, mask_logits, PLACEMENT, num_parts, threshold)
    found = decoded.parts + decoded.people
    assert (decoded.labels == labels).mean() > 0.9995
    assert labels.any()
    assert [segment.label for segment in found] == [label for label, _, _ in instances]
    for segment, (_, score, mask) in zip(found, instances, strict=True):
        assert segment.score == pytest.approx(score, abs=1e-4)
        assert (segment.mask != mask).mean() < 1e-3


def test_nobody_and_nothing() -> None:
    class_logits, mask_logits = outputs(8, 21)
    class_logits[:, -1] = 50  # "no object"
    decoded = decode_instances(class_logits, mask_logits, PLACEMENT, 20, 0.3)
    assert (decoded.parts, decoded.people) == ([], [])
    assert not decoded.labels.any()
    assert not decoded.person_of.any()


def two_people() -> Decoded:
    """Queries 0 and 1: people left and right. 2: hair on the left; 3: a face, more on the right; 4: a shoe below them."""
    class_logits = torch.full((5, 22), -10.0)
    mask_logits = torch.full((5, 16, 24), -9.0)
    people = [(20, 4, 0, 10), (20, 4, 12, 22)]
    parts = [(2, 4, 2, 8), (13, 4, 9, 16), (18, 13, 5, 9)]
    for query, (label, top, left, right) in enumerate(people + parts):
        class_logits[query, label] = 10
        mask_logits[query, top : top + 8, left:right] = 9
    return decode_instances(class_logits, mask_logits, PLACEMENT, 20, 0.3)


def test_a_part_belongs_to_the_person_it_overlaps_most() -> None:
    decoded = two_people()
    left, right = decoded.people
    owners = {part.name: part.person for part in decoded.parts}
    by_place = {person.person: person.box[0] for person in decoded.people}
    assert {left.person, right.person} == {1, 2}
    assert by_place[owners["Hair"]] < by_place[owners["Face"]]
    assert owners["Left-shoe"] is None


def test_each_pixel_belongs_to_the_person_of_its_part_or_mask() -> None:
    decoded = two_people()
    face = next(part for part in decoded.parts if part.name == "Face")
    shoe = next(part for part in decoded.parts if part.name == "Left-shoe")
    assert (decoded.person_of[face.mask] == face.person).all()
    assert not decoded.person_of[shoe.mask].any()
    for person in decoded.people:
        assert (decoded.person_of[person.mask & ~face.mask] == person.person).all()


def test_pixel_votes_are_summed_at_the_inputs_size() -> None:
    """The single-person model: softmax times sigmoid summed over queries, then cropped, resized and the highest class taken."""
    class_logits, mask_logits = outputs(30, 20)
    placement = Placement(padded=(64, 96), box=(8, 5, 90, 61), photo=(83, 122))
    masks = functional.interpolate(mask_logits[None], size=placement.padded, mode="bilinear", align_corners=False)[0].sigmoid()
    votes = torch.einsum("qc,qhw->chw", class_logits.softmax(-1)[:, :-1], masks)[:, 5:61, 8:90]
    votes = functional.interpolate(votes[None], size=placement.photo, mode="bilinear", align_corners=False)[0]
    labels = votes.argmax(0)
    decoded = decode_pixels(class_logits, mask_logits, placement)
    assert (decoded.labels == labels.numpy()).all()
    assert [part.label for part in decoded.parts] == [label for label in labels.unique().tolist() if label]
    for part in decoded.parts:
        inside = labels == part.label
        expected = float((votes[part.label].sigmoid() * inside).sum() / (inside.sum() + 1))
        assert part.score == pytest.approx(expected, abs=1e-5)
        assert (part.mask == inside.numpy()).all()
    assert [person.person for person in decoded.people] == [1]
    assert (decoded.person_of == (decoded.labels > 0)).all()
