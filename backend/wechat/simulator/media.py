"""Temporary media: kept three days, in memory only, so a restart forgets them."""

import secrets
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.request import File
from sanic.response import raw

from backend.wechat.simulator.refusals import Refused
from backend.wechat.simulator.simulation import authorized, json
from backend.wechat.simulator.state import now_s

MEDIA_S = 3 * 86_400
IMAGE_MOST = 2 * 1024 * 1024
"""Bytes. WeChat's page says 10 MB in one place and 2 MB in another."""

KEPT_MOST = 32
SIGNATURES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
}

media = Blueprint("media")


@media.post("/cgi-bin/media/upload", name="media_upload")
async def upload(request: Request) -> HTTPResponse:
    authorized(request)
    if request.args.get("type") != "image":
        raise Refused(40004)
    body, content_type = _image(request.files.get("media") if request.files else None)
    media_id, now = secrets.token_urlsafe(48), now_s()
    kept = _kept(request)
    while len(kept) >= KEPT_MOST:
        del kept[next(iter(kept))]
    kept[media_id] = (content_type, body, now + MEDIA_S)
    return json({"type": "image", "media_id": media_id, "created_at": int(now)})


@media.get("/cgi-bin/media/get", name="media_get")
async def get(request: Request) -> HTTPResponse:
    authorized(request)
    media_id = request.args.get("media_id")
    if not is_kept(request, media_id):
        raise Refused(40007)
    content_type, body, _ = _kept(request)[media_id]
    return raw(body, content_type=content_type)


def is_kept(request: Request, media_id: object) -> bool:
    found = _kept(request).get(media_id) if isinstance(media_id, str) else None
    return found is not None and found[2] > now_s()


def _kept(request: Request) -> dict[str, tuple[str, bytes, float]]:
    kept: dict[str, Any] = request.app.ctx.media
    return kept


def _image(file: File | None) -> tuple[bytes, str]:
    """Raises Refused: 40006 nothing or too much, 40005 no image."""
    if file is None or not 0 < len(file.body) <= IMAGE_MOST:
        raise Refused(40006)
    for start, content_type in SIGNATURES.items():
        if file.body.startswith(start):
            return file.body, content_type
    raise Refused(40005)
