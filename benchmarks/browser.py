"""The browser that the benchmarks, the tests and the picture in the README are made with, and what serves it files."""

from __future__ import annotations

import shutil
import sys
from http.server import ThreadingHTTPServer
from typing import Any, Final

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
"""The machine's own; None where it has none, for which Playwright takes the one that it has installed."""
FAKE_CAMERA: Final = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""What Chromium is started with where it is to have a camera that anybody may use."""


class SiteServer(ThreadingHTTPServer):
    """Serves files to a browser, and says nothing of answers that it breaks off."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
