"""Pictures of pages, to look at after a change. They cost: only where CI_ARTEFACTS is set."""

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

ARTEFACTS = Path(__file__).resolve().parents[2] / "var" / "browser"
WANTED = bool(os.environ.get("CI_ARTEFACTS"))
TALLEST = 4000  # px


def picture(page: Page, folder: str, name: str) -> None:
    """The page as tall as it is, in `folder` of `var/browser`."""
    if not WANTED:
        return
    file = ARTEFACTS / folder / f"{name}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    width, height = page.evaluate(
        "[document.documentElement.clientWidth, document.documentElement.scrollHeight]"
    )
    clip: Any = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST)}
    page.screenshot(path=file, full_page=True, clip=clip)
