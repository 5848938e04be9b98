"""已送达、已读: the highest number that a side has got, or has seen. Marks never go back."""

from uuid import UUID

from tortoise.expressions import F

from backend import db
from backend.chat.messages import QUIET, RESIDENT
from backend.chat.models import Conversation, Message

DELIVERED, READ = "delivered", "read"


async def mark(conversation_id: UUID, side: str, what: str, seq: int) -> bool:
    """Note that a side (`resident` or `staff`) has got or read all up to `seq`.

    In a transaction of its own. Returns whether that was new. What is read is delivered too.
    """
    async with db.transaction():
        row = Conversation.filter(id=conversation_id)
        ahead = {f"{side}_{what}__lt": seq, "last_seq__gte": seq}
        if not await row.filter(**ahead).update(
            **{f"{side}_{what}": seq}, version=F("version") + 1
        ):
            return False
        if what == READ:
            lagging = row.filter(**{f"{side}_{DELIVERED}__lt": seq})
            await lagging.update(**{f"{side}_{DELIVERED}": seq})
            await row.update(**{f"{side}_unread": await _unread(conversation_id, side, seq)})
    return True


async def _unread(conversation_id: UUID, side: str, seq: int) -> int:
    rows = Message.filter(conversation_id=conversation_id, seq__gt=seq).exclude(kind__in=QUIET)
    if side == RESIDENT:
        return await rows.exclude(author_kind=RESIDENT).count()
    return await rows.filter(author_kind=RESIDENT).count()
