"""Tools for language models, by the Model Context Protocol (https://modelcontextprotocol.io), at `/mcp`: to parse a photo, to
draw it, to list what can be named. Off unless it is asked for.

The docstrings of the tools are what a model reads of them. Photos wait in the one line of page and REST, and stand behind the
same password and limits. A photo comes as its file's bytes in base 64: the server fetches no address and opens no path for
anybody.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError
from starlette.applications import Starlette

import parsing
from parsing.effects import WIDEST_EDGE
from parsing.extras import needs
from parsing.pictures import encode_picture
from parsing.render import LIP, PALETTES, VIEWS, View, composite
from parsing.web.photos import Photos, Shown
from parsing.web.server.guard import MAX_BODY
from parsing.web.server.memory import memory_told
from parsing.web.server.turns import Answer, BusyError, StoppingError, never

ADDRESS: Final = "/mcp"
INSTRUCTIONS: Final = (
    "Finds the people in a photo and says which pixels are which body part or garment: 19 parts such as Hair and Face."
    " Photos are given as the bytes of an image file in base 64; nothing is kept."
)

PhotoText = Annotated[
    str, Field(description="The bytes of a JPEG, PNG, WebP, BMP, TIFF or GIF file, in base 64, or as a data: address.")
]


def build_agents(photos: Photos) -> Starlette:
    """The application with the tools; it must be running, by its lifespan, to answer.

    Raises:
        ImportError: the package mcp is missing; it says how to install it.
    """
    with needs("mcp"):
        from mcp.server.mcpserver import Image, MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        from mcp.server.transport_security import TransportSecuritySettings

    class Server(MCPServer):
        """Says in one sentence which argument is wrong, instead of pydantic's lines."""

        async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
            try:
                return await super().call_tool(name, arguments, context)
            except ToolError as error:
                if isinstance(error.__cause__, ValidationError):
                    raise ToolError(say_what_is_wrong(error.__cause__)) from None
                raise

    tools = Server("human-parsing", title="Human Parsing", instructions=INSTRUCTIONS, version=parsing.__version__)

    async def in_turn(photo: str, work: Callable[[Shown], Answer]) -> Answer:
        """What `work` makes of the parsed photo, once it is its turn; what cannot be done is a sentence for the model."""
        content = read_base64(photo)
        if content is None:
            raise ToolError("The photo is no base 64; send the bytes of an image file in base 64.")
        parser = photos.models.pick()

        def parse() -> Answer:
            with memory_told():
                return work(photos.open_and_parse(content, parser))

        try:
            return await photos.reception.turns.take(parse, never, parser.title, len(content))
        except (BusyError, StoppingError, ValueError) as error:
            raise ToolError(str(error)) from None

    @tools.tool()
    async def parse_photo(photo: PhotoText) -> dict[str, Any]:
        """Finds the people in a photo and the body parts and garments of each.

        Gives the photo's size in pixels; "people" and "parts", each with name, score from 0 to 1, number of the person, box
        [x0, y0, x1, y1] and area in pixels; and "shares" from 0 to 1: how much of the people each part takes up, and how much
        of the whole photo the Background.
        """

        def describe(shown: Shown) -> dict[str, Any]:
            return {**shown.parsing.to_dict(), "shares": shown.parsing.area()}

        return await in_turn(photo, describe)

    @tools.tool(structured_output=False)
    async def draw_photo(
        photo: PhotoText,
        view: Annotated[
            View,
            Field(
                description="overlay: colours over the photo; map: flat colours; cutout: only the parts, the rest transparent;"
                " outlines: a line around each part; blur, pixelate: the parts made unrecognisable, such as Face;"
                " recolor: the parts in other colours, light and shade kept"
            ),
        ] = "overlay",
        parts: Annotated[
            list[str] | None,
            Field(description="English names from list_labels, such as Hair; all where none are given"),
        ] = None,
        person: Annotated[int | None, Field(ge=1, description="number of the only person to draw, from parse_photo")] = None,
        opacity: Annotated[float, Field(ge=0, le=1, description="of the colours in the overlay")] = 0.6,
        palette: Annotated[
            str,
            Field(
                description="lip: the usual colours; article: those of Cityscapes; safe: for colour-blind people",
                json_schema_extra={"enum": list(PALETTES)},
            ),
        ] = LIP.name,
        color: Annotated[
            str | None, Field(description="as #rrggbb, of all that is drawn; the palette's where none is given")
        ] = None,
        grow: Annotated[
            int, Field(ge=-WIDEST_EDGE, le=WIDEST_EDGE, description="pixels by which edges grow, or shrink below 0")
        ] = 0,
        feather: Annotated[int, Field(ge=0, le=WIDEST_EDGE, description="pixels over which edges fade")] = 0,
        crop: Annotated[bool, Field(description="whether only the rectangle around what is chosen is drawn")] = False,
    ) -> Any:
        """Draws the body parts and garments of the people in a photo, coloured, cut out or made unrecognisable.

        Gives the picture as a PNG of the photo's size, or smaller with crop.
        """

        def draw(shown: Shown) -> bytes:
            picture = composite(shown.photo, shown.parsing, parts, opacity, palette, view, person, grow, feather, crop, color)
            return encode_picture(picture, "png")

        return Image(data=await in_turn(photo, draw), format="png")

    @tools.tool()
    async def list_labels() -> dict[str, Any]:
        """Lists the parts that can be found and named, with their groups, and the views and palettes."""
        classes = photos.models.pick().classes
        labels = [{"index": part.index, "name": part.name, "group": part.group} for part in classes]
        return {"labels": labels, "views": list(VIEWS), "palettes": list(PALETTES)}

    return tools.streamable_http_app(
        streamable_http_path=ADDRESS,
        json_response=True,
        stateless_http=True,
        max_request_body_size=MAX_BODY,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # `KnownHosts` stands in front
    )


def say_what_is_wrong(error: ValidationError) -> str:
    """A sentence about the first argument that is wrong."""
    first = error.errors()[0]
    return f"The argument {str(first['loc'][0])!r} is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}."


def read_base64(text: str) -> bytes | None:
    """The bytes of a text in base 64, or of a data address; None where it is neither."""
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
