"""Limits on how often one may do a thing, counted in the hub in fixed windows, and on how much one
may have at once."""

import asyncio
import contextlib
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


@contextlib.asynccontextmanager
async def seat(hub: Hub, deed: str, who: str, *, most: int) -> AsyncIterator[None]:
    """Have one of `most` seats of `who` for the length of a block, whichever process has it.

    Where the hub does not answer nobody is kept out: whoever calls has a limit of its process.

    Raises Throttled.
    """
    holder = secrets.token_hex(8)
    try:
        taken = await _take(hub, f"seat:{deed}:{who}", holder, most)
    except AWAY:
        taken = ""
    if taken is None:
        raise Throttled
    keeping = asyncio.create_task(_keep(hub, taken, holder)) if taken else None
    try:
        yield
    finally:
        if keeping is not None:
            keeping.cancel()
            with contextlib.suppress(*AWAY):
                await hub.release(taken, holder)


async def _take(hub: Hub, name: str, holder: str, most: int) -> str | None:
    for number in range(most):
        if await hub.claim(f"{name}:{number}", holder, SEAT_S):
            return f"{name}:{number}"
    return None


async def _keep(hub: Hub, taken: str, holder: str) -> None:
    """Until it is cancelled. A seat that was lost while the hub was away stays lost."""
    while True:
        await asyncio.sleep(SEAT_AGAIN_S)
        with contextlib.suppress(*AWAY):
            await hub.claim(taken, holder, SEAT_S)
