"""The table of formats in which a parsed photo can be written.

The command line, REST and the page's Save menu read it. A format is added by a file beside this one and by a row in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from parsing.formats import coco, document, label_map, label_studio, labelme, masks, picture, psd
from parsing.formats.sample import Sample


@dataclass(frozen=True)
class Format:
    """A row of the table: a format and what it can do.

    Attributes:
        name: what `--format` and REST's `format` call it.
        suffix: how its files end.
        media_type: of its files.
        title: what the page's Save menu calls it.
        title_zh: in Simplified Chinese.
        holds: what is in it, as a phrase.
        reader: the tool that it is proven with.
        encode: a sample to the bytes of its file; where there is `gather`, to one line of JSON without a line break. It raises
            ImportError with a sentence for the user where a package is missing, ValueError where the format cannot hold it.
        gather: for a data set in one file: the lines of all samples, which may be read several times, to the pieces of the
            file. None where each photo has a file of its own.
        on_device: whether the page makes it without the server too, in `web/device/files.js`.
    """

    name: str
    suffix: str
    media_type: str
    title: str
    title_zh: str
    holds: str
    reader: str
    encode: Callable[[Sample], bytes]
    gather: Callable[[Iterable[bytes]], Iterator[bytes]] | None = None
    on_device: bool = False

    def make_file(self, sample: Sample) -> bytes:
        """The bytes of the file of one photo; raises ImportError and ValueError as `encode` does."""
        content = self.encode(sample)
        return content if self.gather is None else b"".join(self.gather([content]))


_ROWS: Final = (
    Format(
        "picture",
        ".png",
        "image/png",
        "Picture",
        "图片",
        "the coloured picture",
        "Pillow",
        picture.encode,
        on_device=True,
    ),
    Format(
        "labels",
        ".labels.png",
        "image/png",
        "Label map",
        "标签图",
        "the label map as an indexed PNG",
        "Pillow",
        label_map.encode,
        on_device=True,
    ),
    Format(
        "masks",
        ".zip",
        "application/zip",
        "Masks (ZIP)",
        "掩码（ZIP）",
        "a ZIP of PNG masks",
        "zipfile, Pillow",
        masks.encode,
        on_device=True,
    ),
    Format(
        "json",
        ".parsing.json",
        "application/json",
        "JSON",
        "JSON",
        "sizes, parts and people with masks as COCO run lengths",
        "pycocotools",
        document.encode,
        on_device=True,
    ),
    Format(
        "coco",
        ".coco.json",
        "application/json",
        "COCO",
        "COCO",
        "a COCO data set, all photos in one file, as polygons or run lengths",
        "pycocotools",
        coco.encode,
        coco.gather,
    ),
    Format(
        "label-studio",
        ".label-studio.json",
        "application/json",
        "Label Studio",
        "Label Studio",
        "tasks for Label Studio, all photos in one file, as polygons or brush masks",
        "label-studio-sdk",
        label_studio.encode,
        label_studio.gather,
    ),
    Format(
        "labelme",
        ".json",
        "application/json",
        "labelme",
        "labelme",
        "a labelme file for each photo, as polygons or masks",
        "labelme",
        labelme.encode,
    ),
    Format(
        "psd",
        ".psd",
        "image/vnd.adobe.photoshop",
        "Layers (PSD)",
        "图层（PSD）",
        "a group of layers for each person, a layer for each part, cut out of the photo, which lies below",
        "ImageMagick",
        psd.encode,
    ),
)
FORMATS: Final = {row.name: row for row in _ROWS}
"""The table, by name."""
