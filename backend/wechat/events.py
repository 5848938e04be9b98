"""What WeChat told us: each event once, however often it was delivered.

Messages to customer service are not kept here: they belong to the chat.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from tortoise import fields
from tortoise.models import Model

from backend import clock, db
from backend.wechat.push import Push

KEPT = timedelta(days=180)
SWEEP_MOST = 5000  # rows a tick


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
        indexes = (("openid_index", "happened_at"), ("received_at",))


async def keep(consortium_id: UUID, push: Push, openid_index: str) -> None:
    """Keep an event, in the transaction of what follows from it.

    Raises:
        IntegrityError: it was here before.
    """
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


async def sweep() -> int:
    """Forget events older than 180 days; a limited number a call. Returns how many."""
    rows = await db.fetch(
        "SELECT id FROM wechat_event WHERE received_at < $1 ORDER BY received_at LIMIT $2",
        clock.now() - KEPT,
        SWEEP_MOST,
    )
    return await WechatEvent.filter(id__in=[row["id"] for row in rows]).delete()
