"""datumaro imports our COCO file, as it does to turn it into other formats: `python coco.py FOLDER PHOTOS`."""

import json
import shutil
import sys
from pathlib import Path

from datumaro.components.dataset import Dataset
from expected import compare, expected_masks
from pycocotools.coco import COCO

folder, photos = map(Path, sys.argv[1:])
root = folder / "datumaro"
(root / "annotations").mkdir(parents=True)
shutil.copy(folder / "annotations.coco.json", root / "annotations" / "instances_all.json")
shutil.copytree(photos, root / "images" / "all")

own = COCO(folder / "annotations.coco.json")
for photo in own.loadImgs(own.getImgIds()):
    entries = own.loadAnns(own.getAnnIds(imgIds=[photo["id"]]))
    found = [(own.cats[entry["category_id"]]["name"], own.annToMask(entry) > 0) for entry in entries]
    compare(f"pycocotools, {photo['file_name']}", found, expected_masks(folder, photo["file_name"]))

imported = Dataset.import_from(str(root), "coco_instances")
names = [label.name for label in imported.categories()[next(iter(imported.categories()))].items]
counted = sum(len(item.annotations) for item in imported)
wanted = json.loads((folder / "annotations.coco.json").read_text())["annotations"]
scores = {annotation.attributes["score"] for item in imported for annotation in item.annotations}
people = {annotation.attributes.get("person") for item in imported for annotation in item.annotations}
if not (counted >= len(wanted) and "Hair" in names and scores == {entry["score"] for entry in wanted}):
    raise SystemExit(f"datumaro: {counted} annotations of {len(wanted)}, labels {names}.")
imported.export(str(folder / "voc"), "voc", save_media=True)
print(f"datumaro: {len(wanted)} annotations with scores, people {sorted(people, key=str)}; exported as Pascal VOC.")
