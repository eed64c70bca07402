"""Data sets: what each tool makes of what is written for it. pycocotools reads COCO here; `python -m tools.prove_formats` has
the others read theirs, as they need packages of their own.
"""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pycocotools import mask as pycoco
from pycocotools.coco import COCO
from support.crowd_model import PARSED, PHOTO
from support.segments import HOLED, MASKS, SIMPLE, segment_of

from parsing.formats import brush, coco, label_studio
from parsing.formats.sample import Sample
from parsing.formats.table import FORMATS, Format
from parsing.labels import PARTS
from parsing.result import Parsing, Segment


def sample_of(*segments: Segment) -> Sample:
    """A black photo with people and parts as given."""
    size = segments[0].size
    people = [segment for segment in segments if segment.name == "Human"]
    parts = [segment for segment in segments if segment.name != "Human"]
    nothing = np.zeros(size, np.uint8)
    return Sample(
        np.zeros((*size, 3), np.uint8), Parsing(nothing, parts, people, "example", {}, nothing), "a/b.jpg", "/photos", "/out"
    )


def read(name: str, sample: Sample) -> Any:
    return json.loads(FORMATS[name].make_file(sample))


def coco_mask(segmentation: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """As pycocotools has it."""
    if isinstance(segmentation, list):
        segmentation = pycoco.merge(pycoco.frPyObjects(segmentation, *size))
    return pycoco.decode(segmentation).astype(bool)


@pytest.mark.parametrize("name", MASKS)
def test_coco_gives_back_the_mask_pixel_for_pixel(name: str) -> None:
    mask = MASKS[name]
    entry = coco.describe_segment(segment_of(mask))
    assert isinstance(entry["segmentation"], list) == (name not in HOLED)
    np.testing.assert_array_equal(coco_mask(entry["segmentation"], mask.shape), mask)
    assert entry["area"] == mask.sum()
    assert entry["bbox"] == pycoco.toBbox(pycoco.encode(np.asfortranarray(mask))).tolist()
    assert (entry["score"], entry["attributes"]) == (0.875, {"score": 0.875, "person": 1})


@pytest.mark.parametrize("name", MASKS)
def test_label_studio_gives_back_the_mask_pixel_for_pixel(name: str) -> None:
    mask = MASKS[name]
    (region,) = read("label-studio", sample_of(segment_of(mask)))[0]["predictions"][0]["result"]
    if name in SIMPLE:
        assert region["type"] == "polygonlabels"
        scale = np.array([mask.shape[1], mask.shape[0]]) / 100
        corners = np.array(region["value"]["points"]) * scale
        np.testing.assert_allclose(corners, corners.round(), atol=1e-4)
        found = coco_mask([corners.round().ravel().tolist()], mask.shape)
    else:
        assert region["type"] == "brushlabels"
        found = brush.decode_brush(region["value"]["rle"], mask.shape)
    np.testing.assert_array_equal(found, mask)
    assert (region["score"], region["meta"]["text"]) == (0.875, ["person 1"])


@pytest.mark.parametrize("name", MASKS)
def test_labelme_gives_back_the_mask_pixel_for_pixel(name: str) -> None:
    mask = MASKS[name]
    (shape,) = read("labelme", sample_of(segment_of(mask)))["shapes"]
    if shape["shape_type"] == "polygon":
        assert name in SIMPLE
        picture = Image.new("1", mask.shape[::-1])
        points = [tuple(point) for point in shape["points"]]
        ImageDraw.Draw(picture).polygon(points, outline=1, fill=1)  # as labelme's own tools do
        found = np.asarray(picture)
    else:
        (x0, y0), (x1, y1) = shape["points"]
        found = np.zeros(mask.shape, bool)
        found[y0 : y1 + 1, x0 : x1 + 1] = np.asarray(Image.open(io.BytesIO(base64.b64decode(shape["mask"]))))
    np.testing.assert_array_equal(found, mask)
    assert (shape["label"], shape["group_id"], shape["score"]) == ("UpperClothes", 1, 0.875)


def test_a_large_mask_as_a_brush() -> None:
    mask = np.zeros((700, 900), bool)
    mask[300:, 100:500] = True
    mask[600:] = True  # longer runs than a length can hold
    np.testing.assert_array_equal(brush.decode_brush(brush.encode_brush(mask), mask.shape), mask)
    with pytest.raises(ValueError, match="630000 pixels, but the photo has 629999"):
        brush.decode_brush(brush.encode_brush(mask), (1, 629_999))


def test_coco_of_two_photos(tmp_path: Path) -> None:
    lines = [coco.encode(Sample(PHOTO, PARSED, name)) for name in ("a.jpg", "b/\n😀.png")]
    (tmp_path / "coco.json").write_bytes(b"".join(coco.gather(lines)))
    found = COCO(tmp_path / "coco.json")
    assert [photo["file_name"] for photo in found.loadImgs(found.getImgIds())] == ["a.jpg", "b/\n😀.png"]
    assert {category["name"] for category in found.loadCats(found.getCatIds())} == {*(part.name for part in PARTS[1:]), "Human"}
    for photo in found.getImgIds():
        annotations = found.loadAnns(found.getAnnIds(imgIds=[photo]))
        segments = [*PARSED.people, *PARSED.parts]
        assert [entry["category_id"] for entry in annotations] == [segment.label for segment in segments]
        assert [entry["attributes"]["person"] for entry in annotations] == [segment.person for segment in segments]
        for entry, segment in zip(annotations, segments, strict=True):
            np.testing.assert_array_equal(found.annToMask(entry).astype(bool), segment.mask)
    assert len(set(found.getAnnIds())) == 2 * len(segments)


def test_regions_of_label_studio_lie_inside_their_person() -> None:
    (task,) = read("label-studio", Sample(PHOTO, PARSED, "sub dir/é.jpg", "/home/me/photos", "/out"))
    assert task["data"]["image"] == "/data/local-files/?d=photos/sub%20dir/%C3%A9.jpg"
    (prediction,) = task["predictions"]
    assert prediction["model_version"] == "crowd"
    regions = {region["id"]: region for region in prediction["result"]}
    assert len(regions) == len(PARSED.people) + len(PARSED.parts)
    parents = [regions[f"part-{number}"]["parentID"] for number in range(1, len(PARSED.parts) + 1)]
    assert parents == [f"person-{part.person}" for part in PARSED.parts]
    assert regions["person-2"]["value"]["brushlabels"] == ["Human"]


def test_labelme_finds_the_photo_from_where_its_file_lies() -> None:
    sample = Sample(PHOTO, PARSED, "sub/a.jpg", "/home/me/photos", "/home/me/out/sub")
    document = read("labelme", sample)
    assert (document["imagePath"], document["imageData"]) == ("../../photos/sub/a.jpg", None)
    assert [shape["label"] for shape in document["shapes"][:4]] == ["Human", "Human", "Human", "Hat"]


@pytest.mark.parametrize("name", ["labelme", "label-studio"])
def test_a_photo_that_is_no_file_is_carried_inside(name: str) -> None:
    found = read(name, Sample(PHOTO, PARSED))
    content = found["imageData"] if name == "labelme" else found[0]["data"]["image"].split(",")[1]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))), PHOTO)


@pytest.mark.parametrize("name", ["coco", "label-studio", "labelme"])
def test_a_part_of_nobody_and_a_photo_of_nobody(name: str) -> None:
    read(name, sample_of(segment_of(SIMPLE["blob"], person=None), segment_of(np.zeros((60, 80), bool), person=None)))
    empty = np.zeros((9, 9), np.uint8)
    read(name, Sample(np.zeros((9, 9, 3), np.uint8), Parsing(empty, [], [], "example", {}, empty)))


DOCUMENTATION = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_each_format_is_in_the_documentation(form: Format) -> None:
    file = ("annotations" if form.gather else "NAME") + form.suffix
    assert f"| `{form.name}` | {file} | {form.holds} | {form.reader} |" in DOCUMENTATION


def test_the_labelling_interface_is_in_the_documentation() -> None:
    assert label_studio.labelling_interface() in DOCUMENTATION
