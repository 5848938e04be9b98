"""The mini-program in a browser, at `/m/`: static files that `make host` builds.

`index.html` names the phone that the pages talk to as WeChat's client would (setting `phone_url`,
empty outside demo and tests), and the Content-Security-Policy allows that address, our own, and by
their hashes the script and the styles that stand in `index.html` itself, which paint home early.
Everything else has its hash in its name, is kept for ever, and was compressed when it was built.
"""

import base64
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from sanic import HTTPResponse, Request, Sanic

from backend import errors
from backend.api.etags import is_known
from backend.api.guard import guarded
from backend.api.reply import Reply
from backend.settings import Settings

PATH = "/m/"
BUILT = Path(__file__).parent / "built"
INDEX = "index.html"
PHONE = "{{phone}}"
SUFFIXES = {"br": ".br", "gzip": ".gz"}  # best first
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file in memory. `bodies`: content encoding → bytes, "" being the file itself."""

    bodies: dict[str, bytes]
    media: str
    version: str
    headers: dict[str, str] = field(default_factory=dict)

    def reply(self, request: Request) -> HTTPResponse:
        encoding = self._choose(request.headers.get("accept-encoding", ""))
        # Each encoding has its own: a cache must not take one's bytes for the other's.
        etag = f'"{self.version}-{encoding}"' if encoding else f'"{self.version}"'
        headers = {"etag": etag, "vary": "accept-encoding", **self.headers}
        if is_known(etag, request.headers.get("if-none-match", "")):
            return Reply(b"", 304, headers, None)
        if encoding:
            headers["content-encoding"] = encoding
        return Reply(self.bodies[encoding], 200, headers, self.media)

    def _choose(self, accepted: str) -> str:
        weights = _weights(accepted)
        others = weights.get("*", 0.0)
        offered = (name for name in SUFFIXES if name in self.bodies)
        return next((name for name in offered if weights.get(name, others) > 0), "")


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
            name=f"mini_program_{handler.__name__}", strict_slashes=True,
        )  # fmt: skip


def _index(built: Path, phone_url: str) -> Asset:
    page = (built / INDEX).read_text("utf-8").replace(PHONE, escape(phone_url))
    body = page.encode()
    bodies = {"": body, "gzip": gzip.compress(body, mtime=0)}
    headers = {"cache-control": "no-cache", **_secure(page, phone_url)}
    return Asset(bodies, "text/html; charset=utf-8", _version(body), headers)


def _secure(page: str, phone_url: str) -> dict[str, str]:
    return {
        "content-security-policy": "; ".join(
            (
                "default-src 'none'",
                f"script-src 'self' {_inline('script', page)}".strip(),
                f"style-src 'self' {_inline('style', page)}".strip(),
                "img-src 'self' data: blob:",
                f"connect-src 'self' {phone_url}".strip(),
                "form-action 'none'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
            )
        ),
        "permissions-policy": "geolocation=(self), camera=(), microphone=(), payment=()",
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
        media = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        headers = {"cache-control": FOR_EVER, "x-content-type-options": "nosniff"}
        kind = media or "application/octet-stream"
        found[path.name] = Asset(bodies, kind, _version(bodies[""]), headers)
    return found


def _weights(header: str) -> dict[str, float]:
    """Each encoding that a client names: `br;q=0` refuses one, `*` stands for the others."""
    weights = {}
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        weights[name.strip()] = _number(weight.replace(" ", "").removeprefix("q="))
    return weights


def _number(weight: str) -> float:
    try:
        return float(weight or 1)
    except ValueError:
        return 0.0


def _version(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:20]
