"""Scripts of others are what their list says; styles and scripts reach a browser for good."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from backend.web import static_files, vendor
from tests.web.conftest import Pages

LISTED = json.loads((static_files.FOLDER / vendor.LIST).read_text())
OURS = {"staff.css", "staff.js", "chart.js", "chat.js", vendor.LIST}
TEMPLATES = Path(static_files.__file__).parent / "templates"


@pytest.mark.parametrize("one", LISTED, ids=lambda one: one["name"])
def test_what_is_served_is_what_was_published(one: dict[str, str]) -> None:
    body = (static_files.FOLDER / one["file"]).read_bytes()
    assert hashlib.sha256(body).hexdigest() == one["sha256"]
    assert len(base64.b64decode(one["integrity"].removeprefix("sha512-"))) == 64
    licence = (static_files.FOLDER / one["licence"]).read_text()
    assert "Permission to use" in licence or "Apache License" in licence
    assert vendor.PACKAGES[one["name"]] == (one["version"], one["path"], one["file"])


def test_everything_else_is_ours() -> None:
    listed = {one[name] for one in LISTED for name in ("file", "licence")}
    assert {path.name for path in static_files.FOLDER.iterdir()} == listed | OURS


async def test_a_browser_keeps_it_for_ever(pages: Pages) -> None:
    for name in ("staff.css", "staff.js", "htmx.min.js", "sse.min.js"):
        answer = await pages.http.get(static_files.address(name))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    old = await pages.http.get("/staff/static/0/staff.css")
    assert old.headers["cache-control"] == "no-cache"
    assert (await pages.http.get("/staff/static/0/vendor.json")).status_code == 404
    assert (await pages.http.get("/staff/static/0/..%2fpage.py")).status_code == 404


INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|\|\s*safe|hx-on|Markup\(")


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_templates_hold_nothing_that_the_policy_refuses(path: Path) -> None:
    assert INLINE.findall(path.read_text("utf-8")) == []
