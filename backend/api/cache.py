"""Public answers as bytes, kept for a moment."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

from sanic import HTTPResponse, Request

from backend.api.etags import JSON, is_known
from backend.api.reply import Reply

MOST = 2000  # addresses of one route
ANSWER_S = 4.5  # for what many wait for; a request of its own has the protocol's deadline


class Cache:
    """Of one route, with their ETag. One request works for all."""

    def __init__(self, ttl_s: float) -> None:
        self._ttl_s = ttl_s
        self._control = f"public, max-age={max(1, int(ttl_s))}"
        self._kept: OrderedDict[bytes, tuple[float, str, bytes]] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[HTTPResponse]] = {}

    def get(self, request: Request) -> HTTPResponse | None:
        """What is kept for this address, if it is fresh."""
        kept = self._kept.get(request.raw_url)
        if kept is None or kept[0] < time.monotonic():
            return None
        headers = {"etag": kept[1], "cache-control": self._control}
        said = request.headers.get("if-none-match")
        if said and is_known(kept[1], said):
            return Reply(b"", 304, headers, None)
        return Reply(kept[2], 200, headers, JSON)

    async def fill(
        self, request: Request, answering: Coroutine[Any, Any, HTTPResponse]
    ) -> HTTPResponse:
        """Make the answer once for all who ask for it now. Raises what making it raises."""
        url = request.raw_url
        task = self._under_way.get(url)
        if task is None:
            # A task of its own: whoever asked first may hang up, the others still wait for it.
            task = self._under_way[url] = asyncio.create_task(self._fill(url, answering))
            task.add_done_callback(lambda _: self._under_way.pop(url))
        else:
            answering.close()
        await asyncio.shield(task)
        return self.get(request) or await task

    async def _fill(self, url: bytes, answering: Coroutine[Any, Any, HTTPResponse]) -> HTTPResponse:
        async with asyncio.timeout(ANSWER_S):
            response = await answering
        body = response.body or b""
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        self._kept[url] = (time.monotonic() + self._ttl_s, etag, body)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return response
