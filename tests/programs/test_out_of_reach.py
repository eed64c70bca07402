"""M2FP's weights where nothing answers: the sentence says whether the connection or a proxy is in the way."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.program import ROOT

PROXY = "http://127.0.0.1:9"
"""Where nobody listens."""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"MODELSCOPE_ENDPOINT": "http://127.0.0.1:9"}, "check the connection"),
        ({"MODELSCOPE_ENDPOINT": "http://nohost.invalid"}, "check the connection"),
        ({"MODELSCOPE_ENDPOINT": "http://hub.invalid", "HTTP_PROXY": PROXY, "http_proxy": PROXY}, "The proxy"),
    ],
    ids=["refused", "no such host", "proxy"],
)
def test_what_is_in_the_way_is_said(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    program = "from parsing.models.m2fp.m2fp import M2FP\ntry: M2FP.load()\nexcept OSError as error: print(error)"
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PARSING_", "MODELSCOPE_"))}
    homes = {name: str(tmp_path / name) for name in ("PARSING_CACHE", "MODELSCOPE_HOME", "MODELSCOPE_CACHE")}
    environment = {**own, **homes, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **settings}
    # In a process of its own, because ModelScope's client keeps the address that it was told first.
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, cwd=ROOT)
    assert re.search(said, done.stdout), done.stdout + done.stderr
