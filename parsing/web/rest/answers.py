"""The shapes of REST's answers, from which its description, `/openapi.json`, is made."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Error(BaseModel):
    """Why something could not be done."""

    error: str = Field(description="one sentence")


class Picture(BaseModel):
    """A coloured photo, or a file of another format."""

    result: str = Field(description="a data URL: `data:image/jpeg;base64,…`")


class RunLengths(BaseModel):
    """A mask as COCO's compressed run lengths, which `pycocotools.mask.decode` reads."""

    size: list[int] = Field(description="height, width")
    counts: str


class Found(BaseModel):
    """A part or a person."""

    name: str
    score: float = Field(ge=0, le=1)
    person: int | None = Field(description="number from 1, or null where no person claims the part")
    box: list[int] = Field(description="x0, y0, x1, y1 in pixels; x1 and y1 are one past the last")
    area: int = Field(description="pixels")
    rle: RunLengths


class Size(BaseModel):
    """Width and height of a photo, in pixels."""

    width: int
    height: int


class ParsedPhoto(BaseModel):
    """What was found in one photo."""

    file: str = Field(description="the name that it was sent under")
    size: Size
    model: str
    timings: dict[str, float] = Field(description="milliseconds by stage")
    parts: list[Found]
    people: list[Found]
    labels: str | None = Field(None, description="the label map, where asked for: a data URL of an indexed PNG")


class RefusedPhoto(BaseModel):
    """A photo among several that cannot be used."""

    file: str
    error: str = Field(description="one sentence")
    status: int = Field(description="what the answer's status would be, had it come alone")


class ParsedPhotos(BaseModel):
    """One entry for each photo, in their order."""

    results: list[ParsedPhoto | RefusedPhoto]


class Label(BaseModel):
    """One value of the label map."""

    index: int
    name: str
    name_zh: str
    group: str
    mirror: int = Field(description="the index that it becomes in a mirrored photo")
    colors: dict[str, str] = Field(description="by palette, as `#rrggbb`")


class Labels(BaseModel):
    """Everything that can be named in a request."""

    labels: list[Label]
    views: list[str]
    palettes: list[str]
    formats: list[str]
    models: list[str]


class Health(BaseModel):
    """Says that the server answers, and how many wait for it."""

    status: Literal["ok"]
    waiting: int = Field(description="requests in line")
