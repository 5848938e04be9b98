"""Limits on how often one may do a thing, counted in the hub in fixed windows."""

from redis.exceptions import RedisError

from backend.errors import Busy, Throttled
from backend.hub import Hub

WINDOW_S = 60


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
    except (RedisError, OSError) as unreachable:
        if fail_open:
            return
        raise Busy from unreachable
    if done > most:
        raise Throttled(retry_after_s=window_s)
