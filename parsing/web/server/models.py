"""The models behind the page and REST: the embedded one at once, a larger one as soon as it is loaded."""

from __future__ import annotations

from threading import Lock

from parsing.cores import has_bfloat16
from parsing.models import MODELS, HasBfloat16
from parsing.parser import Parser
from parsing.web.server.background import BackgroundLoader


class ServedModels:
    """Says which parser is next. Thread-safe.

    Attributes:
        lite: the embedded model's parser.
        loader: of the larger model; None where there is none.
        choice: what counts where nobody has chosen: "lite", or anything else for the larger one as soon as it is loaded.
    """

    def __init__(self, lite: Parser, loader: BackgroundLoader | None = None, choice: str = "auto") -> None:
        self.lite = lite
        self.loader = loader
        self.choice = choice
        self._rounded: Parser | None = None
        self._lock = Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """The names, as in `parsing.models`, that can be asked for here."""
        return ("auto", "lite") if self.loader is None else ("auto", "lite", self.loader.name)

    @property
    def offers_faster(self) -> bool:
        """Whether the larger model can compute in bfloat16, and the processor has instructions for that."""
        return self.loader is not None and "bf16" in MODELS[self.loader.name].precisions and has_bfloat16()

    def pick(self, name: str | None = None, faster: bool = False) -> Parser:
        """The parser for the next photo: the larger one once it is ready, unless lite is asked for.

        Args:
            name: one of `names`; None for `choice`.
            faster: in bfloat16, where the larger model has that.
        """
        larger = None if self.loader is None or (name or self.choice) == "lite" else self.loader.parser
        if larger is not None and faster and isinstance(larger.model, HasBfloat16):
            return self._in_bfloat16(larger.model)
        return larger or self.lite

    def _in_bfloat16(self, model: HasBfloat16) -> Parser:
        """The same model in bfloat16, made once, when it is first wanted: it takes 80 MB."""
        with self._lock:
            if self._rounded is None:
                self._rounded = Parser(model.in_bfloat16())
            return self._rounded
