"""After the commit: whoever watches one of the lists that a conversation stands in looks again."""

from uuid import UUID

import structlog
from redis.exceptions import RedisError

from backend.chat import live
from backend.chat.models import Conversation
from backend.hub import Hub

log = structlog.get_logger()


async def tell(hub: Hub, row: Conversation, *before: UUID | None) -> None:
    """`before`: institutions in whose lists it stood until now."""
    await live.publish(hub, row)
    others = {*before, row.home_id} - {None, row.organization_id}
    try:
        for place in others:
            await hub.publish(live.inbox_of_organization(place), live.CHANGED)  # type: ignore[arg-type]
    except (RedisError, OSError) as lost:
        log.warning("chat.untold", error=type(lost).__name__)
