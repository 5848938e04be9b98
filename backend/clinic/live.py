"""Tells whoever watches a line that it has moved. A hint: the table is the truth."""

from uuid import UUID

import structlog
from redis.exceptions import RedisError

from backend.hub import Hub

log = structlog.get_logger()


def channel(schedule_id: UUID) -> str:
    return f"line:{schedule_id}"


async def moved(hub: Hub, schedule_id: UUID) -> None:
    """After the commit. Where the hub is away, watchers see it when they look again."""
    try:
        await hub.publish(channel(schedule_id), b"moved")
    except (RedisError, OSError) as lost:
        log.warning("line.untold", error=type(lost).__name__)
