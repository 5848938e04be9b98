"""The way of the Tab key through a page."""

import asyncio
from typing import Any

from playwright.sync_api import Page

STOPS_MOST = 200
MORE = 8  # presses, when it has not come round yet: a date has three stops
# Where the key comes to is looked at when the next one is pressed: that halves the talk with the
# browser. What was there before the first one is where the way begins.
BEGIN = """(() => {
  const look = %s, stops = [], end = new AbortController()
  addEventListener('keydown', () => stops.push(look()), { capture: true, signal: end.signal })
  window.tabbing = { stops, look, end }
})()"""
SO_FAR = "[...tabbing.stops, tabbing.look()]"
END = "tabbing.end.abort()"


def stops(page: Page, look: str, expected: int) -> list[Any]:
    """What `look` says of each control, from the focus on until the end of the page.

    `look` gives null outside of the page, else something with its `order` there.
    """
    page.evaluate(BEGIN % look)
    found: list[Any] = []
    presses, came_round = expected + 2, False
    while not came_round and len(found) < STOPS_MOST:
        press(page, presses)
        found, came_round = _once(page.evaluate(SO_FAR))
        presses = MORE
    page.keyboard.up("Tab")
    page.evaluate(END)
    return found


def press(page: Page, times: int) -> None:
    """The Tab key, held: a release each time says nothing more.

    All are on their way at once, in their order: half the work of one after the other, and the
    only thing for which we reach behind Playwright's calls that wait.
    """

    async def send() -> None:
        key = page.keyboard._impl_obj
        await asyncio.gather(*(key.down("Tab") for _ in range(times)))

    page._sync(send())


def _once(seen: list[Any]) -> tuple[list[Any], bool]:
    """The first way through the page, and whether it ended."""
    began = seen[0]["order"] if seen[0] else -1
    found: list[Any] = []
    for stop in seen[1:]:
        if stop and found and stop["order"] == found[-1]["order"]:
            continue  # year, month and day of one date
        known = {one["order"] for one in found}
        if stop is None or stop["order"] <= began or stop["order"] in known:
            return found, True  # Chromium does not always stop at its own bar
        found.append(stop)
    return found, False
