"""axe-core, run in a page."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"


def findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical, with the elements concerned."""
    result = page.evaluate("axe.run()")
    assert len(result["passes"]) > 20
    bad = [finding for finding in result["violations"] if finding["impact"] in ("serious", "critical")]
    return [f"{finding['id']}: {[node['html'][:200] for node in finding['nodes']]}" for finding in bad]
