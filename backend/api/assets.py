"""Files served from memory, compressed where a client takes it, with their ETag."""

import hashlib
import mimetypes
from dataclasses import dataclass, field
from pathlib import Path

from sanic import HTTPResponse, Request

from backend.api.etags import is_known
from backend.api.reply import Reply

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


def media_of(path: Path) -> str:
    return (
        TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    )


def version_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:20]


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
