"""Whatever the API offers residents, the mini-program can ask for."""

import re
from pathlib import Path

from backend.api import route

PAGES = Path(__file__).resolve().parents[1] / "miniprogram_stub" / "mp"
# Opened by a browser or a calendar, under addresses that `links` gives; by `<image>`, under those
# that a message has.
ELSEWHERE = {
    "/appointments/*/slip", "/appointments/*.ics", "/attachments/*", "/attachments/*/thumbnail",
}  # fmt: skip


def test_every_route_is_used_by_a_page() -> None:
    written = "\n".join(path.read_text("utf-8") for path in PAGES.rglob("*.js"))
    asked = [pattern(text) for text in re.findall(r"[`'](/[^`'\s]+)[`']", written)]
    offered = {re.sub(r"<[^>]*>", "*", one.path) for one in route.routes} - ELSEWHERE
    missing = [path for path in offered if not any(one.fullmatch(path) for one in asked)]
    assert sorted(missing) == []


def pattern(text: str) -> re.Pattern[str]:
    """Of a path as pages write it: what they put in stands for one segment."""
    path = re.sub(r"\$\{[^}]*\}", "*", text.partition("?")[0])
    return re.compile(re.escape(path).replace(r"\*", "[^/]+"))
