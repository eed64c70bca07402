"""The parts of the way the embedded model is made: pictures, targets, figures; tests/programs/test_train.py goes all of it."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from support.figures import FACE, LEFT_ARM, RIGHT_ARM, draw_figures

from training import augment
from training.courses import COURSES
from training.data import IGNORE, PERSON, read_ids, read_photo, read_photos, sampling_weights, split_ids
from training.evaluate import confusion, intersection_over_union, paste_group
from training.export import drop_empty_inputs
from training.mixture import read_mixture
from training.network import GarmentNetwork, LiteNetwork, load_network
from training.targets import make_batch, parts_loss, person_targets, presence_target
from training.transplant import transplant


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("figures")
    draw_figures(root)
    return root


def library(data: Path) -> augment.Library:
    photos = read_photos(data, read_ids(data)[:8])
    return augment.Library(photos, sampling_weights(photos), [])


def test_a_bystander_is_not_the_person(data: Path) -> None:
    photo = read_photo(data, "000")
    assert photo.people[130, 10] == 0
    assert photo.labels[130, 10] == IGNORE
    x0, _, x1, _ = photo.boxes[1]
    assert x1 - x0 == 65


def test_the_split_is_the_same_whatever_the_order(data: Path) -> None:
    ids = read_ids(data)
    training, held_out = split_ids(ids, 20)
    assert (training, held_out) == split_ids(ids[::-1], 20)
    assert len(held_out) == 20
    assert not set(training) & set(held_out)


@pytest.mark.parametrize(("extra", "share"), [(False, 0), (True, 0.25)])
def test_a_quarter_of_the_labelled_people_have_a_models_labels(data: Path, extra: bool, share: float) -> None:
    options = argparse.Namespace(data=[data], extra=[data] * extra, wild=[], places=[])
    library = read_mixture(options, 20, COURSES["parts"].shares).sources[0].library
    labelled = len(read_ids(data)) - 20
    assert len(library.photos) == labelled + extra * len(read_ids(data))
    assert library.weights.sum() == pytest.approx(1)
    assert library.weights[labelled:].sum() == pytest.approx(share)


@pytest.mark.parametrize("make", [augment.crop, augment.scene, augment.close_up])
def test_pictures_and_labels_agree(data: Path, make: object) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        picture = make(library(data), rng, (128, 96))
        assert picture.pixels.shape == (128, 96, 3)
        assert picture.labels.shape == picture.people.shape == (128, 96)
        assert set(np.unique(picture.labels)) <= {0, 7, FACE, LEFT_ARM, RIGHT_ARM, IGNORE}
        assert not picture.people[picture.labels == 0].any()


def test_mirroring_swaps_left_and_right(data: Path) -> None:
    photo = read_photo(data, "000")
    rng = np.random.default_rng(0)
    for _ in range(10):
        placed = augment.place(photo, 1, rng, 200, (240, 160), 0.5, 0.95)
        left, right = (np.nonzero(placed.labels == arm)[1].mean() for arm in (LEFT_ARM, RIGHT_ARM))
        assert left > right  # the figure faces us, mirrored or not: its left arm is on our right


def test_every_pixel_of_a_person_points_at_its_centre() -> None:
    people = np.zeros((128, 192), np.uint8)
    people[32:96, 16:48] = 1
    people[16:112, 120:160] = 2
    heat, x, y, known, inside = person_targets(people, people)
    rows, columns = np.nonzero(inside)
    assert np.unique(np.round(columns * 8 + 3.5 + x[rows, columns] * 32, 3)).tolist() == [31.5, 139.5]
    assert np.unique(np.round(rows * 8 + 3.5 + y[rows, columns] * 32, 3)).tolist() == [63.5]
    assert (heat > 0.999).sum() == 4 + 2  # a centre between four cells belongs to all of them, one between two to both
    assert known.all()


def test_intersection_over_union() -> None:
    truth = np.array([[0, 5, 5, IGNORE]], np.uint8)
    guess = np.array([[0, 5, 0, 7]], np.uint8)
    scores = intersection_over_union(confusion(truth, guess))
    assert scores[0] == 0.5
    assert scores[5] == 0.5
    assert np.isnan(scores[7])


def test_groups_have_the_people_they_are_asked_for(data: Path) -> None:
    picture = paste_group(library(data), np.random.default_rng(0), (160, 200), 3)
    assert np.unique(picture.people).tolist() == [0, 1, 2, 3]


def small_network() -> LiteNetwork:
    torch.manual_seed(0)
    return LiteNetwork("lite0", context=32, blocks=1, pyramid=16, quarter=16, half=16)


def test_attention_sees_the_whole_picture() -> None:
    network = small_network().eval()
    image = torch.zeros(1, 3, 96, 384)
    changed = image.clone()
    changed[..., -32:] = 255
    with torch.inference_mode():
        parts, centers, offsets, presence = network(image)
        other = network(changed)[0]
    assert parts.shape == (1, 20, 48, 192)
    assert centers.shape == (1, 1, 12, 48)
    assert offsets.shape == (1, 2, 12, 48)
    assert presence.shape == (1, 20)
    assert (parts[..., :4] != other[..., :4]).any()


def test_a_class_that_is_not_in_the_picture_is_at_no_pixel() -> None:
    network = small_network().eval()
    network.presence.bias.data.fill_(-50.0)
    network.presence.weight.data.zero_()
    with torch.inference_mode():
        absent = network(torch.zeros(1, 3, 64, 64))[0]
        network.presence.bias.data.fill_(50.0)
        present = network(torch.zeros(1, 3, 64, 64))[0]
    torch.testing.assert_close(present - absent, torch.full_like(present, 50.0))


def test_what_is_worn_stays_where_only_its_place_is_learnt() -> None:
    network = GarmentNetwork("lite0", context=32, blocks=1)
    network.keep_presence()
    image = torch.rand(2, 3, 64, 64) * 255
    parts, presence = network(image)
    parts.square().mean().backward()
    torch.optim.SGD([weights for weights in network.parameters() if weights.requires_grad], 0.1).step()
    other_parts, same_presence = network(image)
    assert not torch.allclose(parts, other_parts)
    assert torch.equal(presence, same_presence)


def test_presence_is_what_the_labels_show_and_unknown_where_they_hide_too_much() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[:20, :20], labels[0, 30:33] = FACE, LEFT_ARM  # three pixels of an arm are too few to see it
    people = (labels > 0).astype(np.uint8)
    present = presence_target(labels, people)
    assert (present[FACE], present[LEFT_ARM], present[RIGHT_ARM]) == (1, -1, 0)
    labels[:15, :20] = PERSON
    assert presence_target(labels, people)[RIGHT_ARM] == -1


def test_somebodys_pixel_may_be_anything_but_background() -> None:
    labels = torch.full((1, 1, 2), PERSON, dtype=torch.uint8)
    labels[0, 0, 1] = FACE
    scores = torch.zeros(1, 20, 1, 2)
    scores[0, FACE, 0, 1] = 20.0
    for part, expected in ((FACE, 0), (LEFT_ARM, 0), (0, 4.6)):  # at most -log(1e-4), of two pixels
        scores[0, :, 0, 0] = 0
        scores[0, part, 0, 0] = 20.0
        assert parts_loss(scores, labels)["cross_entropy"].item() == pytest.approx(expected, abs=0.1)


def test_a_batch_is_what_the_network_takes(data: Path) -> None:
    rng = np.random.default_rng(0)
    batch = make_batch([augment.crop(library(data), rng, (128, 96)) for _ in range(2)], rng)
    assert batch.pixels.shape == (2, 3, 128, 96)
    assert batch.labels.shape == (2, 64, 48)
    assert batch.person.shape == (2, 5, 16, 12)
    assert batch.presence.shape == (2, 20)


def test_several_checkpoints_are_loaded_as_the_mean_of_their_weights(tmp_path: Path) -> None:
    states = [LiteNetwork().state_dict(), LiteNetwork().state_dict()]
    files = [tmp_path / "one.pt", tmp_path / "other.pt"]
    for file, state in zip(files, states, strict=True):
        torch.save({"average": state, "variant": "movenet"}, file)
    name = "classes"
    mean = dict(load_network(*files).named_parameters())[name]
    torch.testing.assert_close(mean, (states[0][name] + states[1][name]) / 2)
    assert not torch.equal(states[0][name], states[1][name])


def test_with_an_encoder_that_says_the_same_in_other_words_the_network_answers_the_same() -> None:
    old, new = small_network().eval(), small_network().eval()
    for parameter in new.parameters():
        torch.nn.init.normal_(parameter)
    new.encoder.load_state_dict(old.encoder.state_dict())
    last = new.encoder.stages[-1][-1].project  # at stride 32: every other channel has the opposite sign, and all are larger
    with torch.no_grad():
        signs = 3 * (-1.0) ** torch.arange(last.out_channels)
        last.weight.mul_(signs[:, None, None, None])
        last.bias.mul_(signs)
    generator = torch.Generator().manual_seed(0)
    pictures = [torch.rand(4, 3, 96, 96, generator=generator) * 255 for _ in range(12)]
    transplant(old, new, pictures)
    with torch.inference_mode():
        for answer, wanted in zip(new(pictures[0]), old(pictures[0]), strict=True):
            assert (answer - wanted).abs().max() < 0.1 * wanted.std()


def test_inputs_without_a_name_are_left_out_at_a_nodes_end_only() -> None:
    nodes = [
        onnx.helper.make_node("Pad", ["x", "pads", ""], ["y"]),
        onnx.helper.make_node("Resize", ["y", "", "scales"], ["z"]),
    ]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "graph", [], []))
    drop_empty_inputs(model)
    assert [list(node.input) for node in model.graph.node] == [["x", "pads"], ["y", "", "scales"]]
