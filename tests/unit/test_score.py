"""`python -m parsing score`: data sets read back, and what is printed of a model beside them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as pycoco
from support.crowd_model import PARSED, PHOTO, Crowd
from support.segments import MASKS, segment_of

import parsing
from parsing.cli import parse as cli
from parsing.cli import score
from parsing.formats.sample import Sample
from parsing.formats.table import FORMATS
from parsing.formats.truth import read_truth
from parsing.labels import HUMAN
from parsing.result import Parsing

DATA_SETS = {"coco": "annotations.coco.json", "label-studio": "annotations.label-studio.json", "labelme": ""}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos, and what the model finds in them in each format."""
    folder = tmp_path_factory.mktemp("score")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(cli, "load", lambda name, **options: parsing.Parser(Crowd()))
        for name in ("a.png", "deep/b.png"):
            Path("photos", name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(PHOTO).save(Path("photos", name))
        for name in DATA_SETS:
            assert cli.main(["photos", "-o", f"out/{name}", "--recursive", "--format", name]) == 0
    return folder


@pytest.fixture(autouse=True)
def photos(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder, with a copy of all that, and the model that found it."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(score, "load", lambda name, **options: parsing.Parser(Crowd()))


def printed(capfd: pytest.CaptureFixture[str]) -> dict[str, str]:
    lines = capfd.readouterr().out.splitlines()
    return dict(re.split(r" {2,}", line, maxsplit=1) for line in lines)


@pytest.mark.parametrize("mask_name", MASKS)
@pytest.mark.parametrize("form", DATA_SETS)
def test_what_was_written_is_read(form: str, mask_name: str, tmp_path: Path) -> None:
    mask = MASKS[mask_name]
    nothing = np.zeros(mask.shape, np.uint8)
    parsed = Parsing(nothing, [segment_of(mask)], [segment_of(mask, HUMAN)], "example", {}, nothing)
    file = tmp_path / "one.json"
    file.write_bytes(
        FORMATS[form].make_file(Sample(np.zeros((*mask.shape, 3), np.uint8), parsed, "sub/a.jpg", "/photos", "/photos"))
    )
    ((name, regions),) = read_truth(file)
    assert name.endswith("sub/a.jpg")
    found = list(regions())
    assert [label for label, _ in found] == ["Human", "UpperClothes"]
    for _, read in found:
        np.testing.assert_array_equal(read, mask)


@pytest.mark.parametrize("form", DATA_SETS)
def test_a_model_beside_its_own_answer(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["score", "photos", "--recursive", "--truth", f"out/{form}/{DATA_SETS[form]}"]) == 0
    assert printed(capfd) == {
        "photos": "2",
        "mean IoU": "1.000",
        "pixel accuracy": "1.000",
        "people found": "6 of 6, 0 too many",
    }


def test_a_correction_costs_what_it_changes(capfd: pytest.CaptureFixture[str]) -> None:
    path = Path("out/coco", DATA_SETS["coco"])
    document = json.loads(path.read_bytes())
    first = document["images"][0]["id"]
    changed = [entry for entry in document["annotations"] if entry["image_id"] == first]
    (hair,) = [entry for entry in changed if entry["category_id"] == 2 and entry["attributes"]["person"] == 1]
    hair["category_id"] = 1  # it was a hat
    document["annotations"].remove(next(entry for entry in changed if entry["category_id"] == HUMAN))
    path.write_text(json.dumps(document))
    assert cli.main(["score", "photos", "--recursive", "--truth", str(path)]) == 0
    told = printed(capfd)
    assert told["people found"] == "5 of 5, 1 too many"
    assert told["pixel accuracy"] == f"{1 - hair['area'] / (2 * PARSED.labels.size):.3f}"
    ious = np.ones(20)
    hats, hairs = (2 * sum(part.area for part in PARSED.parts if part.label == label) for label in (1, 2))
    ious[1], ious[2] = hats / (hats + hair["area"]), (hairs - hair["area"]) / hairs
    assert told["mean IoU"] == f"{ious.mean():.3f}"


def test_people_find_each_other_once() -> None:
    left, right = np.zeros((2, 9, 9), bool)
    left[:, :4], right[:, 5:] = True, True
    assert score.count_found([left, right], [right, left]) == 2
    assert score.count_found([left, left], [left]) == 1
    assert score.count_found([left], [left | right]) == 1
    assert score.count_found([left[:3]], [right[:3]]) == score.count_found([], [left]) == 0


@pytest.mark.parametrize("name", ["a.png", "photos/a.png", "../../photos/a.png", "/home/else/a.png"])
def test_a_photo_is_found_by_what_the_truth_calls_it(name: str) -> None:
    known = {photo: Path(photo) for photo in ("a.png", "deep/a.png")}
    assert score.find_photo(name, known) == Path("a.png")
    assert score.find_photo("photos/deep/a.png", known) == Path("deep/a.png")
    assert score.find_photo("b.png", known) is None


COMPRESSED = pycoco.encode(np.asfortranarray(MASKS["ring"]))


@pytest.mark.parametrize("counts", [COMPRESSED["counts"].decode(), [0, 4800]])
def test_run_lengths_of_others(counts: Any) -> None:
    document = {
        "images": [{"id": 7, "file_name": "a.png", "height": 60, "width": 80}],
        "categories": [{"id": 3, "name": "hair"}],
        "annotations": [{"image_id": 7, "category_id": 3, "segmentation": {"size": [60, 80], "counts": counts}}],
    }
    Path("truth.json").write_text(json.dumps(document))
    ((_, regions),) = read_truth(Path("truth.json"))
    ((label, mask),) = regions()
    assert label == "hair"
    np.testing.assert_array_equal(mask, MASKS["ring"] if isinstance(counts, str) else True)


COCO = {"images": [{"id": 1, "file_name": "a.png", "height": 96, "width": 131}], "categories": [{"id": 1, "name": "Hat"}]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "The file 'truth.json' cannot be read: No such file"),
        ("words", "'truth.json' is no JSON file."),
        ({"a": 1}, "'truth.json' is no data set of COCO, Label Studio or labelme."),
        ({**COCO, "annotations": [{"image_id": 5}]}, "'truth.json' is damaged: KeyError 5."),
        ({**COCO, "images": [], "annotations": []}, "The truth has no photos."),
    ],
)
def test_a_truth_that_is_none_is_one_line(content: Any, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    if content is not None:
        Path("truth.json").write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(SystemExit) as ending:
        cli.main(["score", "photos", "--truth", "truth.json"])
    assert ending.value.code == 2
    assert capfd.readouterr().err.startswith(said)


LABELME = {"imagePath": "a.png", "imageHeight": 96, "imageWidth": 131}
MASK = {"label": "Hat", "shape_type": "mask", "points": [[0, 0], [3, 3]]}
BRUSH = {"type": "brushlabels", "original_width": 131, "original_height": 96}
TASK = {"data": {"image": "/data/local-files/?d=photos/a.png"}, "predictions": []}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({**COCO, "annotations": [{"image_id": 1, "category_id": 7}]}, "'truth.json' is damaged: KeyError 7."),
        ({**LABELME, "shapes": [{"label": "Hat"}]}, "'truth.json' is damaged: KeyError 'shape_type'."),
        ({**LABELME, "shapes": [{**MASK, "mask": "AAAA"}]}, "A mask of labelme's cannot be read,"),
        (
            {**LABELME, "shapes": [{**MASK, "shape_type": "rectangle", "points": [[0, 0]]}]},
            "'truth.json' is damaged: IndexError list index out of range.",
        ),
        (
            [{**TASK, "annotations": [{"result": [{**BRUSH, "value": {"brushlabels": ["Hat"], "rle": [1, 2, 3]}}]}]}],
            "The brush's run lengths are cut off.",
        ),
    ],
)
def test_a_region_that_cannot_be_read_is_said_to_be_that(content: Any, said: str) -> None:
    Path("truth.json").write_text(json.dumps(content))
    ((_, regions),) = read_truth(Path("truth.json"))
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        list(regions())


def test_a_task_that_was_skipped_is_left_out() -> None:
    skipped = {**TASK, "annotations": [{"was_cancelled": True, "result": []}]}
    done = {**TASK, "annotations": [{"result": []}]}
    Path("truth.json").write_text(json.dumps([skipped, done]))
    assert [name for name, _ in read_truth(Path("truth.json"))] == ["photos/a.png"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"file_name": "c.png"}, "c.png: The truth has this photo, but the folder has not."),
        ({"height": 95}, "a.png: A mask is 131 by 96 pixels, but its photo is 131 by 95."),
        ({"category": "tail"}, "a.png: There is no part 'tail'; there are Background, Hat,"),
    ],
)
def test_a_photo_that_cannot_be_counted_is_a_line_and_the_others_count(
    changed: dict[str, Any], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = Path("out/coco", DATA_SETS["coco"])
    document = json.loads(path.read_bytes())
    for entry in document["annotations"]:
        if "height" in changed and isinstance(entry["segmentation"], list):
            entry["segmentation"] = json.loads(FORMATS["json"].make_file(Sample(PHOTO, PARSED)))["people"][0]["rle"]
    if category := changed.pop("category", None):
        document["categories"].append({"id": 99, "name": category})
        document["annotations"][0]["category_id"] = 99
    document["images"][0].update(changed)
    path.write_text(json.dumps(document))
    assert cli.main(["score", "photos", "--recursive", "--truth", str(path)]) == 1
    output = capfd.readouterr()
    assert output.err.startswith(said)
    assert len(output.err.splitlines()) == 1
    assert output.out.startswith("photos          1\n")
