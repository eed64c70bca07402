"""Hanging up on clients that hold a connection without getting on: HTTP/1.1 as uvicorn speaks it, with a timer.

Uvicorn itself waits for ever for the rest of a request's head, and for the rest of a body that nobody reads any more. Where
somebody reads it, `BodyLimit` has an eye on the time.
"""

from __future__ import annotations

import asyncio
import json
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS: Final = 20.0
"""For a request's head, from the opening of the connection or the end of the answer before. Where nothing at all comes after an
answer, uvicorn closes earlier.
"""


class PromptProtocol(H11Protocol):
    """Closes the connection, with 408 where a head had begun, when the client has had the word for `HEAD_SECONDS`."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._cancel()

    def _watch(self) -> None:
        """Lets the timer run exactly while no request is being answered."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._cancel()
        elif self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        if self not in self.connections:  # it has become a WebSocket's
            return
        if self.cycle is None and self.conn.trailing_data[0]:
            sentence = f"The request's head did not come within {HEAD_SECONDS:.0f} seconds; send it at once."
            body = json.dumps({"error": sentence}).encode()
            head = "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
            self.transport.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
        self.transport.close()
