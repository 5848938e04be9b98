"""The mini-program in a browser, at `/m/`: static files that `make host` builds.

`index.html` names the phone that the pages talk to as WeChat's client would (setting `phone_url`,
empty outside demo and tests), and the Content-Security-Policy allows that address, our own, and by
their hashes the script and the styles that stand in `index.html` itself, which paint home early.
Everything else has its hash in its name, is kept for ever, and was compressed when it was built.
"""

import base64
import gzip
import hashlib
import re
from html import escape
from pathlib import Path
from typing import Any

from sanic import HTTPResponse, Request, Sanic

from backend import errors
from backend.api.assets import FOR_EVER, SUFFIXES, Asset, media_of, version_of
from backend.api.guard import guarded
from backend.settings import Settings

PATH = "/m/"
BUILT = Path(__file__).parent / "built"
INDEX = "index.html"
PHONE = "{{phone}}"


def is_built(built: Path = BUILT) -> bool:
    return (built / INDEX).is_file()


def mount(app: Sanic[Any, Any], settings: Settings, built: Path = BUILT) -> None:
    """Serve what was built. Without it `/m/` is as unknown as any other address."""
    if not is_built(built):
        return
    assets = _read(built)
    index = _index(built, settings.phone_url)

    async def home(request: Request) -> HTTPResponse:
        return index.reply(request)

    async def asset(request: Request, name: str) -> HTTPResponse:
        """Raises NotFound."""
        if name not in assets:
            raise errors.NotFound
        return assets[name].reply(request)

    for handler, path in ((home, PATH), (asset, PATH + "<name:str>")):
        app.add_route(
            guarded(settings.allowed_hosts, handler), path, methods=("GET", "HEAD"),
            name=f"mini_program_{handler.__name__}", strict_slashes=True, error_format="json",
        )  # fmt: skip


def _index(built: Path, phone_url: str) -> Asset:
    page = (built / INDEX).read_text("utf-8").replace(PHONE, escape(phone_url))
    body = page.encode()
    bodies = {"": body, "gzip": gzip.compress(body, mtime=0)}
    headers = {"cache-control": "no-cache", **_secure(page, phone_url)}
    return Asset(bodies, "text/html; charset=utf-8", version_of(body), headers)


def _secure(page: str, phone_url: str) -> dict[str, str]:
    return {
        "content-security-policy": "; ".join(
            (
                "default-src 'none'",
                f"script-src 'self' {_inline('script', page)}".strip(),
                f"style-src 'self' {_inline('style', page)}".strip(),
                "img-src 'self' data: blob:",
                "media-src 'self' blob:",
                f"connect-src 'self' {phone_url}".strip(),
                "form-action 'none'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
            )
        ),
        "permissions-policy": "geolocation=(self), camera=(), microphone=(self), payment=()",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


def _inline(tag: str, page: str) -> str:
    """The hashes of what stands inside of these tags."""
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in found)
    return " ".join(f"'sha256-{one.decode()}'" for one in hashes)


def _read(built: Path) -> dict[str, Asset]:
    """All of it: some hundred kilobytes."""
    found = {}
    for path in built.iterdir():
        if path.name == INDEX or path.suffix in SUFFIXES.values():
            continue
        bodies = {"": path.read_bytes()}
        for encoding, suffix in SUFFIXES.items():
            twin = path.with_name(path.name + suffix)
            if twin.is_file():
                bodies[encoding] = twin.read_bytes()
        headers = {"cache-control": FOR_EVER, "x-content-type-options": "nosniff"}
        found[path.name] = Asset(bodies, media_of(path), version_of(bodies[""]), headers)
    return found
