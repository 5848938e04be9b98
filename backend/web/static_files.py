"""Styles and scripts of the pages, at `/staff/static/<version>/<name>`, for browsers to keep."""

import gzip
from functools import cache
from pathlib import Path
from typing import Any

from sanic import HTTPResponse, Request, Sanic

from backend import errors
from backend.api.assets import FOR_EVER, Asset, media_of, version_of
from backend.api.guard import guarded
from backend.settings import Settings

FOLDER = Path(__file__).parent / "static"
PATH = "/staff/static/"
SERVED = {".js", ".css", ".svg", ".png"}


@cache
def assets() -> dict[str, Asset]:
    """All of it, by name: some hundred kilobytes."""
    found = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in SERVED:
            body = path.read_bytes()
            bodies = {"": body, "gzip": gzip.compress(body, mtime=0)}
            headers = {"cache-control": FOR_EVER, "x-content-type-options": "nosniff"}
            found[path.name] = Asset(bodies, media_of(path), version_of(body), headers)
    return found


def address(name: str) -> str:
    """Where a page finds the file. Raises KeyError: there is no such file."""
    return f"{PATH}{assets()[name].version}/{name}"


async def _serve(request: Request, version: str, name: str) -> HTTPResponse:
    """A page from before an update gets what is here now, and must not keep it.

    Raises NotFound.
    """
    asset = assets().get(name)
    if asset is None:
        raise errors.NotFound
    response = asset.reply(request)
    if version != asset.version:
        response.headers["cache-control"] = "no-cache"
    return response


def mount(app: Sanic[Any, Any], settings: Settings) -> None:
    app.add_route(
        guarded(settings.allowed_hosts, _serve),
        PATH + "<version:str>/<name:str>",
        methods=("GET", "HEAD"),
        name="staff_static",
        error_format="json",
    )
