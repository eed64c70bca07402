"""The browser that the benchmarks, the tests and the picture in the README are made with."""

from __future__ import annotations

import shutil
from typing import Final

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
"""The machine's own; None where it has none, for which Playwright takes the one that it has installed."""
FAKE_CAMERA: Final = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""What Chromium is started with where it is to have a camera that anybody may use."""
