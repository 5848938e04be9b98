"""Whether a client has an answer already."""

import hashlib

from sanic import HTTPResponse, Request

from backend.api.reply import Reply

JSON = "application/json"


def answer(request: Request, body: bytes) -> HTTPResponse:
    """A private answer that is asked for again and again: 304 where it is known already."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = {"etag": etag, "cache-control": "private, no-cache"}
    said = request.headers.get("if-none-match")
    if said and is_known(etag, said):
        return Reply(b"", 304, headers, None)
    return Reply(body, 200, headers, JSON)


def is_known(etag: str, header: str) -> bool:
    """RFC 9110, 13.1.2: the weak comparison, as a proxy that compresses makes tags weak.

    None of ours has a comma in it.
    """
    known = {one.strip().removeprefix("W/") for one in header.split(",")}
    return etag in known or "*" in known
