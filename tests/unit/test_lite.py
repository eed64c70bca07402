"""The embedded model on the example photos: what anybody can see in them is found, whatever the size and shape of the
picture.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.spoilt_model import spoilt

import parsing
from parsing.labels import PARTS, part_index
from parsing.models.lite.lite import GARMENTS_NAME, MODEL_FILE, Lite, _claim, _network_size, _Person, garments_beside
from parsing.models.lite.networks import Answer, GarmentNetwork
from parsing.models.lite.scores import GARMENTS, crop_scores, settle_garments, with_opinion, with_presence

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"


@pytest.fixture(scope="module")
def lite() -> parsing.Parser:
    return parsing.load("lite")


@pytest.mark.parametrize(
    ("name", "part", "x", "y"),
    [
        ("astronaut.jpg", "Face", 222, 120),
        ("astronaut.jpg", "Hair", 215, 45),
        ("astronaut.jpg", "UpperClothes", 120, 300),
        ("astronaut.jpg", "Background", 340, 60),
        ("admiral.jpg", "Face", 256, 230),
        ("admiral.jpg", "Hat", 256, 75),
        ("photographer.jpg", "Hair", 215, 95),
        ("photographer.jpg", "Pants", 140, 480),
        ("photographer.jpg", "Background", 450, 60),
    ],
)
def test_what_anybody_can_see(lite: parsing.Parser, name: str, part: str, x: int, y: int) -> None:
    assert PARTS[lite(EXAMPLES / name).labels[y, x]].name == part


@pytest.mark.parametrize("content", ["no network", "cut off", "not a number"])
@pytest.mark.parametrize("name", [MODEL_FILE.name, GARMENTS_NAME])
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path: Path, name: str, content: str) -> None:
    for file in (MODEL_FILE, garments_beside(MODEL_FILE)):
        shutil.copy(file, tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes({"no network": b"", "cut off": whole[:-1000], "not a number": spoilt(whole)}[content])
    with pytest.raises(OSError, match=rf"^The embedded model, {name}, is damaged; fetch the repository again.$"):
        Lite(tmp_path / MODEL_FILE.name)


@pytest.mark.parametrize(
    ("name", "people"),
    [("astronaut", 1), ("admiral", 1), ("photographer", 1), ("group-collage", 3), ("musicians", 4)],
)
def test_people_are_counted(lite: parsing.Parser, name: str, people: int) -> None:
    assert len(lite(EXAMPLES / f"{name}.jpg").people) == people


def test_parts_people_and_label_map_tell_the_same_story(lite: parsing.Parser) -> None:
    result = lite(EXAMPLES / "astronaut.jpg")
    for person in result.people:
        assert (person.mask == (result.person_of == person.person)).all()
    for part in result.parts:
        assert (part.mask == ((result.labels == part.label) & (result.person_of == part.person))).all()
        assert 0 < part.score <= 1
    assert sum(part.area for part in result.parts) == np.count_nonzero(result.labels)
    assert result.model == "lite"
    assert list(result.timings) == ["open", "find", "parse", "decode"]


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3), (64, 64), (1100, 90)])
def test_any_size(lite: parsing.Parser, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    result = lite(noise)
    assert result.labels.shape == result.person_of.shape == size


def test_nobody_in_an_empty_picture(lite: parsing.Parser) -> None:
    result = lite(np.full((300, 400, 3), 200, np.uint8))
    assert result.people == []
    assert not result.labels.any()


def test_somebody_of_whom_the_closer_look_is_not_sure_is_nobody(lite: parsing.Parser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parsing.models.lite.lite.LEAST_CERTAIN", 1.0)
    result = lite(EXAMPLES / "admiral.jpg")
    assert (result.people, result.parts) == ([], [])
    assert not result.labels.any()


def test_a_mirrored_photo_swaps_left_and_right(lite: parsing.Parser) -> None:
    photo = parsing.open_image(EXAMPLES / "astronaut.jpg")
    plain, mirrored = lite(photo), lite(np.ascontiguousarray(photo[:, ::-1]))
    swap = np.array([part.mirror for part in PARTS], np.uint8)
    assert (swap[mirrored.labels[:, ::-1]] == plain.labels).mean() > 0.85
    assert plain.labels[120, 222] == part_index("Face")


def test_threads_get_the_same_answer(lite: parsing.Parser) -> None:
    photo = parsing.open_image(EXAMPLES / "astronaut.jpg")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lite, [photo] * 4))
    assert all((result.labels == results[0].labels).all() for result in results)


def test_network_sizes_keep_the_shape_and_the_area() -> None:
    for size in ((512, 512), (1080, 1920), (4000, 500)):
        height, width = _network_size(size, 320 * 320)
        assert height % 32 == width % 32 == 0
        assert 0.7 < height * width / 320**2 < 1.4
    assert _network_size((1, 10000), 320 * 320)[0] == 32


def test_a_missing_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"lite.onnx, is missing; fetch the repository again"):
        Lite(tmp_path / "lite.onnx")
    shutil.copy(MODEL_FILE, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"garments.onnx, is missing; fetch the repository again"):
        Lite(tmp_path / "lite.onnx")


def test_the_model_is_small_enough_to_carry() -> None:
    assert sum(file.stat().st_size for file in MODEL_FILE.parent.glob("*.onnx")) < 20e6


def probability(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    likely = np.exp(scores - scores.max(axis=0))
    return np.asarray(likely / likely.sum(axis=0), np.float32)


def test_what_the_second_network_says_of_clothes_takes_the_place_of_what_the_first_says() -> None:
    background, dress, face = (part_index(name) for name in ("Background", "Dress", "Face"))
    scores = np.zeros((20, 4, 4), np.float32)
    scores[dress] = 5
    presence, worn = np.full(20, -1, np.float32), np.full(20, -4, np.float32)
    changed = with_presence(scores, presence, worn)
    np.testing.assert_array_equal(changed[dress], 2)
    np.testing.assert_array_equal(changed[face], 0)
    np.testing.assert_allclose(probability(changed)[background], probability(scores)[background], rtol=1e-5)
    assert not scores[background].any()


def test_two_networks_have_the_same_say_in_which_part_it_is_and_the_first_in_whose() -> None:
    background, dress, coat = (part_index(name) for name in ("Background", "Dress", "Coat"))
    scores, others = np.zeros((20, 4, 4), np.float32), np.zeros((20, 4, 4), np.float32)
    scores[dress], others[coat], others[background] = 4, 6, 50
    joined = with_opinion(scores, others)
    np.testing.assert_array_equal(joined[dress], 2)
    np.testing.assert_array_equal(joined[coat], 3)
    np.testing.assert_allclose(probability(joined)[background], probability(scores)[background], rtol=1e-5)


def test_the_second_network_says_what_is_worn_with_and_without_where() -> None:
    picture = parsing.open_image(EXAMPLES / "admiral.jpg")[:320, :256]
    network = GarmentNetwork(garments_beside(MODEL_FILE))
    parts, worn = network.parse(picture)
    assert parts.shape == (20, 160, 128)
    np.testing.assert_allclose(network.worn(picture), worn, atol=1e-4)
    assert worn[part_index("Hat")] > np.log(0.9) > np.log(0.1) > worn[part_index("Skirt")]


def test_a_patch_of_doubt_in_a_coat_becomes_coat_and_skin_stays_skin() -> None:
    coat, upper, arm = (part_index(name) for name in ("Coat", "UpperClothes", "Left-Arm"))
    scores = np.zeros((20, 8, 8), np.float32)
    scores[coat] = 6
    scores[upper, :2, :2] = 6.5
    scores[arm, 6:, 6:] = 6.1
    settled = settle_garments(scores)
    best = settled.argmax(axis=0)
    assert (scores.argmax(axis=0)[:2, :2] == upper).all()
    assert (best[:2, :2] == coat).all()
    assert (best[6:, 6:] == arm).all()
    before, after = (np.exp(some[GARMENTS]).sum(axis=0) for some in (scores, settled))
    assert np.allclose(before, after, rtol=1e-4)


def test_a_crop_of_scores_lies_where_its_box_lies_in_the_photo() -> None:
    down, across = np.mgrid[:30, :40].astype(np.float32)
    scores = np.stack((across, down, across + down))  # each cell knows where it is; the photo has two pixels a cell
    cropped = crop_scores(scores, (20, 10, 60, 50), (60, 80), (40, 40))
    pixels = (np.arange(40) + 0.5) / 2 - 0.5  # the middle of each pixel of the box, in cells
    np.testing.assert_allclose(cropped[0], np.broadcast_to(10 + pixels, (40, 40)), atol=0.04)
    np.testing.assert_allclose(cropped[1], np.broadcast_to(5 + pixels[:, None], (40, 40)), atol=0.04)
    whole = crop_scores(scores, (0, 0, 80, 60), (60, 80), (30, 40))
    np.testing.assert_allclose(whole, scores, atol=1e-5)


def test_a_glance_is_enough_for_somebody_large_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model, shown = Lite(), list[tuple[int, int]]()
    ask = model.ask

    def note(picture: NDArray[np.uint8]) -> Answer:
        shown.append((picture.shape[0], picture.shape[1]))
        return ask(picture)

    monkeypatch.setattr(model, "ask", note)
    photo = parsing.open_image(EXAMPLES / "astronaut.jpg")
    model(photo)
    glance, _ = shown
    assert glance == (256, 256)
    shown.clear()
    around = np.full((1100, 1100, 3), 200, np.uint8)
    around[300:812, 300:812] = photo
    assert len(model(around).people) == 1
    assert shown[:2] == [glance, (320, 320)]
    assert shown[2] == shown[3]  # closer, there and in the mirror


def test_a_cell_is_claimed_by_the_one_whom_it_votes_for() -> None:
    view = (0, 0, 64, 32)
    left, right = (_Person((x, 16.0), box, view, 1.0) for x, box in ((16.0, (0, 0, 40, 32)), (48.0, (24, 0, 64, 32))))
    spots = np.full((2, 4, 8), 16, np.float32)  # all vote for the left one but the last column
    spots[0, :, 7] = 52
    answer = Answer(np.zeros((20, 16, 32), np.float32), np.zeros((4, 8), np.float32), spots, np.zeros(20, np.float32))
    of_left, of_right = (_claim(answer, [left, right], index) for index in (0, 1))
    np.testing.assert_array_equal(of_left > 0, np.arange(8) < 7 + np.zeros((4, 1)))
    np.testing.assert_allclose(of_left, -of_right, atol=1e-6)
    assert (_claim(answer, [left], 0) > of_left).all()
