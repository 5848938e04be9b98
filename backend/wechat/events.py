"""What WeChat told us about subscriptions: each event once, however often it was delivered.

Append-only rows; the reminders count their one-time quota from them. Messages to customer service
are not kept here: they belong to the chat.
"""

from typing import Any
from uuid import UUID, uuid4

import structlog
from tortoise import fields
from tortoise.exceptions import IntegrityError
from tortoise.models import Model

from backend import clock
from backend.wechat.push import Push

log = structlog.get_logger()


class WechatEvent(Model):
    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    dedupe_key = fields.CharField(max_length=64)
    openid_index = fields.CharField(max_length=64)
    event = fields.CharField(max_length=40)
    details: Any = fields.JSONField()
    happened_at = fields.DatetimeField()
    received_at = fields.DatetimeField()

    class Meta:
        table = "wechat_event"
        unique_together = (("consortium_id", "dedupe_key"),)
        indexes = (("openid_index", "happened_at"),)


async def keep(consortium_id: UUID, push: Push, openid_index: str) -> bool:
    """Keep an event; False: it was here before, or is no event."""
    if push.kind != "event":
        log.info("push.ignored", kind=push.kind)
        return False
    try:
        await WechatEvent.create(
            id=uuid4(),
            consortium_id=consortium_id,
            dedupe_key=push.dedupe_key,
            openid_index=openid_index,
            event=push.event[:40],
            details=list(push.details),
            happened_at=push.created_at,
            received_at=clock.now(),
        )
    except IntegrityError:
        return False
    log.info("push.kept", wechat_event=push.event)
    return True
