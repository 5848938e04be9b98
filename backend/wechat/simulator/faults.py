"""Bad days on demand: for each call a queue of faults to come."""

import asyncio
import re
from collections import defaultdict, deque
from typing import cast

from sanic import HTTPResponse, Request
from sanic.response import BaseHTTPResponse, html, raw

from backend.wechat.simulator.refusals import MESSAGES, Refused

PLANNED_MOST = 1000
"""Faults waiting for one call."""

KINDS = ("slow", "5xx", "reset", "half", "bad_json")
"""Beside these, any errcode that WeChat knows, as a string: `45009`, `40001`, `-1`."""


def is_kind(kind: str) -> bool:
    return kind in KINDS or (re.fullmatch(r"-?\d{1,6}", kind) is not None and int(kind) in MESSAGES)


class Faults:
    """`half` loses the answer after the work was done; the others strike before it."""

    def __init__(self, slow_s: float) -> None:
        self._slow_s = slow_s
        self._planned: dict[str, deque[str]] = defaultdict(deque)

    def plan(self, call: str, kind: str, times: int) -> int:
        """Queue `times` more; 0 forgets those of this call. Returns how many are waiting."""
        queue = self._planned[call]
        if times == 0:
            queue.clear()
        queue.extend([kind] * min(times, PLANNED_MOST - len(queue)))
        return len(queue)

    def take(self, call: str) -> str | None:
        queue = self._planned[call]
        return queue.popleft() if queue else None

    async def strike(self, request: Request, kind: str) -> HTTPResponse | None:
        """Before the work. None lets the call go on. Raises Refused for an errcode."""
        if kind == "slow":
            await asyncio.sleep(self._slow_s)
            return None
        if kind == "half":
            return None
        if kind == "5xx":
            return html("<html><h1>502 Bad Gateway</h1></html>", status=502)
        if kind == "bad_json":
            return raw(b'{"errcode":0,"errmsg":"ok', content_type="application/json")
        if kind == "reset":
            _transport(request).abort()
            return raw(b"")
        raise Refused(int(kind))


def cut_in_half(request: Request, response: BaseHTTPResponse) -> None:
    """Promise the whole body, write half of it, hang up."""
    body = response.body or b""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    transport = _transport(request)
    transport.write(head + body[: len(body) // 2])
    transport.close()


def _transport(request: Request) -> asyncio.Transport:
    # uvloop's transport is one in all but name.
    return cast(asyncio.Transport, request.transport)
