"""What has to be set inside Gradio, where it has no option for it."""

from __future__ import annotations

import time
from typing import Final

import gradio as gr

from parsing.web.server.listeners import Listeners
from parsing.web.server.turns import PLACES

SPARE_JOBS: Final = 32
"""Calls that Gradio works on beside those in line: those that are being refused, or have just been answered."""
UNHEARD_SECONDS: Final = 60.0
"""How long an answer is kept for somebody who does not listen."""


def open_queue(page: gr.Blocks, places: int = PLACES) -> None:
    """Lets Gradio begin every call at once, because the line is not Gradio's but `Turns`."""
    page.queue(max_size=places, api_open=False)  # no call passes by the queue
    queue = page._queue
    queue.max_thread_count = places + SPARE_JOBS
    queue.sleep_when_free = 0.01  # seconds; Gradio looks a thousand times a second, and takes 4 % of an idle core for it
    queue.ANALYTICS_MAX_EVENTS = 1  # nothing is counted: Gradio would make a table of 10,000 calls after each call
    queue.ANAYLTICS_CACHE_FREQUENCY = 2**62
    # Only `launch` says so itself. Without it, Gradio takes any file that a request names for one of the app's own.
    page.has_launched = True


class Sessions:
    """What Gradio keeps for ever: a session for everybody who has ever called.

    Args:
        page: whose calls they are.
        listeners: who hears what becomes of them.
    """

    def __init__(self, page: gr.Blocks, listeners: Listeners) -> None:
        self.page = page
        self.listeners = listeners
        self._idle_since: dict[str, float] = {}

    def forget(self) -> None:
        """Drops those whose calls have been answered and to whom nobody has listened for a while."""
        queue, now = self.page._queue, time.monotonic()
        at_work = {event.session_hash for event in queue.event_ids_to_events.values()}
        sessions = [*queue.pending_event_ids_session, *queue.pending_messages_per_session]
        idle = {session for session in sessions if session not in at_work and not self.listeners.present(session)}
        self._idle_since = {session: self._idle_since.get(session, now) for session in idle}
        for session, since in self._idle_since.items():
            if now - since > UNHEARD_SECONDS:
                queue.pending_event_ids_session.pop(session, None)
                queue.pending_messages_per_session.pop(session, None)
