"""labelme's own code reads our files: `python labelme.py FOLDER PHOTOS`."""

import importlib
import sys
from pathlib import Path

HERE = sys.path.pop(0)  # or this file would be imported as labelme
label_file = importlib.import_module("labelme._label_file")
utils = importlib.import_module("labelme.utils")
sys.path.append(HERE)

from expected import compare, expected_masks  # noqa: E402

for file in sorted(Path(sys.argv[1]).glob("*.json")):
    read = label_file.LabelFile(str(file))
    size = utils.img_data_to_arr(read.image_data).shape[:2]  # of the photo, found by its path
    found = []
    for shape in read.shapes:
        classes, _ = utils.shapes_to_label(size, [shape], {shape["label"]: 1})
        found.append((shape["label"], classes > 0))
    compare(f"labelme, {file.stem}", found, expected_masks(Path(sys.argv[1]), read.image_path.rpartition("/")[2]))
