"""Label Studio's SDK checks our tasks against our labelling interface and decodes our brushes: `python label_studio.py FOLDER
PHOTOS`.
"""

import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from expected import compare, expected_masks
from label_studio_sdk.converter.brush import decode_rle
from label_studio_sdk.label_interface import LabelInterface
from pycocotools import mask as coco

folder = Path(sys.argv[1])
documentation = Path(__file__).parents[2] / "docs" / "formats.md"
interface = LabelInterface(re.search(r"```xml\n(.*?)```", documentation.read_text(encoding="utf-8"), re.DOTALL)[1])
interface.validate()
for task in json.loads((folder / "annotations.label-studio.json").read_text()):
    (prediction,) = task["predictions"]
    if errors := interface.validate_prediction(prediction, return_errors=True):
        raise SystemExit(f"Label Studio: {errors[0]}")
    found = []
    for region in prediction["result"]:
        height, width, value = region["original_height"], region["original_width"], region["value"]
        if region["type"] == "brushlabels":
            found.append((value["brushlabels"][0], decode_rle(value["rle"]).reshape(height, width, 4)[:, :, 3] > 0))
        else:
            corners = np.round(np.array(value["points"]) * (width, height) / 100, 2).ravel().tolist()
            found.append((value["polygonlabels"][0], coco.decode(coco.frPyObjects([corners], height, width))[:, :, 0] > 0))
    photo = unquote(task["data"]["image"]).rpartition("/")[2]
    compare(f"Label Studio, {photo}", found, expected_masks(folder, photo))
