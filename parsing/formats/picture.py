"""The coloured picture, as a PNG."""

from __future__ import annotations

from parsing.formats.sample import Sample
from parsing.pictures import encode_picture
from parsing.render import composite


def encode(sample: Sample, form: str = "png") -> bytes:
    """The bytes of the picture file; `form` is one of `PICTURE_FORMATS`.

    Raises:
        ValueError: a side of the picture is too long for the format, or how it is drawn cannot be meant; see `composite`.
    """
    picture = composite(
        sample.photo,
        sample.parsing,
        opacity=sample.opacity,
        palette=sample.palette,
        view=sample.view,
        feather=sample.feather,
        crop=sample.crop,
        color=sample.color,
    )
    return encode_picture(picture, form)
