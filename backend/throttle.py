"""Limits on how often one may do a thing, counted in the hub in fixed windows, and on how much one
may have at once."""

import asyncio
import contextlib
import contextvars
import secrets
from collections.abc import AsyncIterator

from redis.exceptions import RedisError

from backend.errors import Busy, Throttled
from backend.hub import Hub

WINDOW_S = 60
SEAT_S = 90.0  # a process that dies keeps its seats for so long
SEAT_AGAIN_S = 30.0
AWAY = (RedisError, OSError)


async def check(
    hub: Hub, deed: str, who: str, *, most: int, fail_open: bool = False, window_s: int = WINDOW_S
) -> None:
    """Count one `deed` of `who`; more than `most` in a window are refused.

    Where the hub does not answer, reads go on (`fail_open`) and log-ins are refused.

    Raises:
        Throttled, Busy.
    """
    try:
        done = await hub.count(f"throttle:{deed}:{who}", window_s)
    except AWAY as unreachable:
        if fail_open:
            return
        raise Busy from unreachable
    if done > most:
        raise Throttled(retry_after_s=window_s)


class Seats:
    """How many of a thing each may have at once, whichever process they come to.

    Where the hub does not answer nobody is kept out: whoever calls has a limit of its process.
    """

    def __init__(self, hub: Hub, deed: str, *, most: int) -> None:
        self._hub, self._deed, self._most = hub, deed, most
        self._mine: set[str] = set()
        self._keeping: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def taken(self, who: str) -> AsyncIterator[None]:
        """Have one for the length of a block. Raises Throttled."""
        holder = secrets.token_hex(8)
        name = await self._take(who, holder)
        if name is None:
            yield
            return
        self._mine.add(name)
        if self._keeping is None or self._keeping.done():
            # A context of its own: not that of the request that happened to come first.
            self._keeping = asyncio.create_task(self._keep(), context=contextvars.Context())
        try:
            yield
        finally:
            self._mine.discard(name)
            with contextlib.suppress(*AWAY):
                await self._hub.release(name, holder)

    async def _take(self, who: str, holder: str) -> str | None:
        """None: the hub does not answer. Raises Throttled."""
        with contextlib.suppress(*AWAY):
            for number in range(self._most):
                name = f"seat:{self._deed}:{who}:{number}"
                if await self._hub.claim(name, holder, SEAT_S):
                    return name
            raise Throttled
        return None

    async def _keep(self) -> None:
        """All of this process in one go, for as long as anybody sits. A seat that was lost while
        the hub was away stays lost."""
        while self._mine:
            await asyncio.sleep(SEAT_AGAIN_S)
            with contextlib.suppress(*AWAY):
                await self._hub.keep(list(self._mine), SEAT_S)
