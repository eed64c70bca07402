"""What other programs call by way of gradio_client: two functions on a photo, answered in its turn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeVar

import gradio as gr
from starlette.concurrency import run_in_threadpool

import parsing
from parsing.pictures import encode_picture
from parsing.render import View
from parsing.web.photos import Photos, Shown
from parsing.web.server.turns import BusyError, GoneError, StoppingError

Answer = TypeVar("Answer")


class Programs:
    """The two functions, around what opens and parses photos."""

    def __init__(self, photos: Photos) -> None:
        self.photos = photos

    async def serve_parse(self, photo: gr.FileData, request: gr.Request) -> dict[str, Any]:
        """Parses a photo. Returns its size, the parts and people found (name, score, box x0 y0 x1 y1, area in pixels), the
        milliseconds of each stage, and "shares", 0 to 1: of the person area for each part, of the photo for Background.
        """

        def describe(shown: Shown) -> dict[str, Any]:
            return {**shown.parsing.to_dict(), "shares": shown.parsing.area()}

        return await self._serve(photo, request, describe)

    async def serve_recolor(
        self,
        photo: gr.FileData,
        request: gr.Request,
        parts: list[str] | None = None,
        opacity: float = 0.6,
        view: View = "overlay",
        palette: Literal["lip", "article", "safe"] = "lip",
        person: int | None = None,
        grow: int = 0,
        feather: int = 0,
        crop: bool = False,
        color: str | None = None,
    ) -> gr.FileData:
        """Parses a photo and colours it. Returns a PNG of the photo's size, or cropped. `parts` are English part names, all 19
        where none are given; `opacity` is 0 (photo) to 1 (flat colours); `view` is "overlay", "map" (only colours), "cutout",
        "outlines", "blur", "pixelate" or "recolor"; `palette` is "lip" (the usual colours), "article" or "safe" (for
        colour-blind people); `person` is the number of one person, from 1, everybody where none is given; `grow` is by how many
        pixels edges grow, or shrink where it is negative, and `feather` over how many they fade, 64 at most; `crop` leaves only
        the rectangle around what is chosen; `color`, "#rrggbb", is that of all that is chosen, the palette's where none is
        given.
        """

        def draw(shown: Shown) -> gr.FileData:
            picture = parsing.composite(
                shown.photo, shown.parsing, parts, opacity, palette, view, person, grow, feather, crop, color
            )
            return gr.FileData(path=str(self.photos.reception.uploads.add(encode_picture(picture, "png"), ".png")))

        return await self._serve(photo, request, draw)

    async def _serve(self, photo: Any, request: gr.Request, answer: Callable[[Shown], Answer]) -> Answer:
        """What a program is answered on a photo that it has sent, at full size, in its turn."""
        reception, models = self.photos.reception, self.photos.models
        try:
            content = await run_in_threadpool(reception.uploads.read, photo)
            return await reception.turns.take(
                lambda: answer(self.photos.open_and_parse(content, models.pick())),
                partial(reception.listeners.gone, request.session_hash or ""),
                models.pick().title,
                len(content),
            )
        except (ValueError, BusyError, StoppingError) as error:  # an ImageError, a person who is not there
            raise gr.Error(str(error), print_exception=False) from None
        except GoneError:
            raise gr.Error("Nobody has listened.", print_exception=False) from None
