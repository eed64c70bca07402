"""For scripts: `POST /predict`, `POST /parse`, `GET /labels` and `GET /health`, described by `/openapi.json` and `/docs`.

Photos come as multipart files in the field `image`. They wait in `Turns` as they came, compressed, and are decoded only when it
is their turn, by Pillow, from the formats that `open_image` allows. Whatever cannot be done is {"error": "one sentence"}.
"""

from __future__ import annotations

import base64
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import FastAPI, File, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

import parsing
from parsing.effects import WIDEST_EDGE
from parsing.formats import picture
from parsing.formats.document import describe
from parsing.formats.sample import Sample
from parsing.formats.table import FORMATS
from parsing.labels import part_index
from parsing.models import MODELS, NAMES
from parsing.pictures import PICTURE_FORMATS, encode_labels
from parsing.render import COLOR, LIP, PALETTES, VIEWS, View, grow_edges, restrict
from parsing.web.photos import Photos
from parsing.web.rest.answers import Health, Label, Labels, ParsedPhotos, Picture
from parsing.web.rest.api_page import api_page
from parsing.web.rest.refusals import COME_AGAIN_SECONDS, REFUSALS, add_refusals, refuse_other_methods, with_status
from parsing.web.server.models import ServedModels
from parsing.web.server.turns import gone

MAX_PHOTOS: Final = 32
"""In one call of `/parse`."""
FORMAT_NAMES: Final = (*PICTURE_FORMATS, *FORMATS)
if TYPE_CHECKING:  # a type checker takes no names from tables
    FormatName = str
    ModelName = str
    PaletteName = str
else:
    FormatName, ModelName, PaletteName = Literal[FORMAT_NAMES], Literal[NAMES], Literal[tuple(PALETTES)]

ModelField = Annotated[
    ModelName, Form(description="`auto` takes the best model that is ready; `GET /labels` lists those of this server.")
]


_LIST: Final = "; ".join(f"`{row.name}` is {row.holds}" for row in FORMATS.values())


def build_rest(photos: Photos) -> FastAPI:
    """The interface around what the page has too: its models, its line, its way to open photos."""
    rest = FastAPI(
        title="Human Parsing",
        summary="Colours every person in a photo by body part and garment.",
        version="1",
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
    )
    turns = photos.reception.turns
    add_refusals(rest)

    @rest.post("/predict", responses=REFUSALS)
    async def predict(
        request: Request,
        image: Annotated[UploadFile, File(description="JPEG, PNG, WebP, BMP, TIFF or GIF")],
        parts: Annotated[
            list[str] | None, Form(description="English names such as `Hair`, several fields or commas between; all by default")
        ] = None,
        opacity: Annotated[float, Form(ge=0, le=1, description="of the colours in the overlay")] = 0.6,
        view: Annotated[View, Form()] = "overlay",
        palette: Annotated[PaletteName, Form()] = LIP.name,
        model: ModelField = "auto",
        person: Annotated[int | None, Form(ge=1, description="number of the only one to draw; everybody by default")] = None,
        grow: Annotated[int, Form(ge=-WIDEST_EDGE, le=WIDEST_EDGE, description="pixels by which edges grow or shrink")] = 0,
        feather: Annotated[int, Form(ge=0, le=WIDEST_EDGE, description="pixels over which edges fade")] = 0,
        crop: Annotated[bool, Form(description="whether only the rectangle around what is chosen is sent")] = False,
        color: Annotated[
            str | None,
            Form(pattern=f"^{COLOR}$", description="`#rrggbb`, of all that is chosen; by default the palette's"),
        ] = None,
        format: Annotated[
            FormatName,
            Form(description=f"JPEG shows white where `cutout` is transparent; {_LIST}"),
        ] = "jpeg",
    ) -> Picture:
        """Parses a photo and colours it, at its own size, or hands it on in a format of other tools."""
        parser = _pick(photos.models, model)
        chosen = _read_parts(parts, parser.classes)

        def draw() -> bytes:
            shown = photos.open_and_parse(_read(image), parser)
            try:
                seen = grow_edges(restrict(shown.parsing, chosen, person), grow)
                sample = Sample(
                    shown.photo,
                    seen,
                    _file_name(image) or "photo",
                    opacity=opacity,
                    palette=palette,
                    view=view,
                    feather=feather,
                    crop=crop,
                    color=color,
                )
                return picture.encode(sample, format) if format in PICTURE_FORMATS else FORMATS[format].make_file(sample)
            except ValueError as error:  # a person who is not there, a side too long for the format
                raise HTTPException(422, str(error)) from None
            except ImportError as error:
                raise HTTPException(501, str(error)) from None

        content = await turns.take(with_status(draw), partial(gone, request), parser.title, image.size or 0)
        media_type = f"image/{format}" if format in PICTURE_FORMATS else FORMATS[format].media_type
        return Picture(result=_data_url(media_type, content))

    @rest.post("/parse", response_model=ParsedPhotos, responses=REFUSALS, response_model_exclude_unset=True)
    async def parse(
        request: Request,
        image: Annotated[
            list[UploadFile], File(description="JPEG, PNG, WebP, BMP, TIFF or GIF; several are answered in order")
        ],
        model: ModelField = "auto",
        labels: Annotated[bool, Form(description="whether the label map is sent too, as an indexed PNG")] = False,
    ) -> JSONResponse:
        """Parses photos: size, model, milliseconds, parts and people with their masks. A photo that cannot be used has a
        sentence in its entry; where none can, the status is the first one's.
        """
        if len(image) > MAX_PHOTOS:
            raise HTTPException(422, f"There are {len(image)} photos, but {MAX_PHOTOS} are the limit; send fewer at a time.")
        parser = _pick(photos.models, model)

        def describe_one(photo: UploadFile) -> dict[str, Any]:
            shown = photos.open_and_parse(_read(photo), parser)
            answer = {"file": _file_name(photo), **describe(shown.parsing)}
            if labels:
                answer["labels"] = _data_url("image/png", encode_labels(shown.parsing.labels))
            return answer

        results: list[dict[str, Any]] = []
        refusals: list[HTTPException] = []
        for photo in image:  # each its own turn: others need not wait for all of them
            work, begun = with_status(partial(describe_one, photo)), photo is not image[0]
            try:
                results.append(await turns.take(work, partial(gone, request), parser.title, photo.size or 0, begun))
            except HTTPException as error:
                refusals.append(error)
                results.append({"file": _file_name(photo), "error": error.detail, "status": error.status_code})
        if len(refusals) == len(image):
            raise refusals[0]
        return JSONResponse({"results": results})

    @rest.get("/labels")
    async def list_labels(
        model: Annotated[ModelName, Query(description="whose classes; `auto` is the model that answers now")] = "auto",
    ) -> Labels:
        """The classes of a model's label map, and what else can be named."""
        return Labels(
            labels=[_describe_label(part) for part in _classes(photos.models, model)],
            views=list(VIEWS),
            palettes=list(PALETTES),
            formats=list(FORMAT_NAMES),
            models=list(photos.models.names),
        )

    @rest.get("/health")
    async def health() -> Health:
        """Whether the server is there; never asks for a password."""
        return Health(status="ok", waiting=turns.waiting)

    @rest.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    async def show_description() -> str:
        return api_page(rest.openapi())

    refuse_other_methods(rest)
    return rest


def _read(upload: UploadFile) -> bytes:
    upload.file.seek(0)
    return upload.file.read()


def _pick(models: ServedModels, name: str) -> parsing.Parser:
    """The parser of a model's name; the request ends where this server has no such model, or not yet."""
    if name not in models.names:
        raise HTTPException(422, f"This server has no {name}; ask for {' or '.join(models.names[::-1])}.")
    loader = models.loader
    if loader is not None and name == loader.name and loader.parser is None:
        loader.start()
        why = loader.state.error or f"{name} is being loaded; try again later, or ask for lite."
        raise HTTPException(503, why, {"Retry-After": str(COME_AGAIN_SECONDS)})
    return models.pick(None if name == "auto" else name)


def _classes(models: ServedModels, name: str) -> tuple[parsing.Part, ...]:
    """The classes that answers of this model have; of one that is not loaded, those of its data set."""
    if name == "auto":
        return models.pick().classes
    loader = models.loader
    larger = loader and loader.parser
    return larger.classes if loader and larger and name in (loader.name, larger.name) else MODELS[name].classes


def _read_parts(fields: list[str] | None, classes: tuple[parsing.Part, ...]) -> list[str] | None:
    """Part names, one or several to a field, each of which is in the table."""
    if fields is None:
        return None
    names = [name for field in fields for name in field.split(",")]
    try:
        for name in names:
            part_index(name, classes)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    return names


def _file_name(upload: UploadFile) -> str:
    """The name without the folders that some clients send along."""
    return PurePath((upload.filename or "").replace("\\", "/")).name


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _describe_label(part: parsing.Part) -> Label:
    colors = {name: "#" + palette.colors[part.index].tobytes().hex() for name, palette in PALETTES.items()}
    return Label(index=part.index, name=part.name, name_zh=part.name_zh, group=part.group, mirror=part.mirror, colors=colors)
