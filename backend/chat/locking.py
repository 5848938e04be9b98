"""One at a time: whoever changes a conversation has its row first, and sees it as it is then."""

from typing import Any
from uuid import UUID

from tortoise.expressions import F

from backend.chat.models import Conversation
from backend.errors import Busy, NotFound


async def lock(conversation_id: UUID) -> Conversation:
    """Raise its version, which queues all others until this transaction ends. Raises NotFound."""
    if not await Conversation.filter(id=conversation_id).update(version=F("version") + 1):
        raise NotFound
    return await Conversation.get(id=conversation_id)


async def change(conversation: Conversation, **facts: Any) -> None:
    """Write facts down, in the row and in `conversation`, if it still is as `lock` found it.

    Raises:
        Busy: it was not locked, and somebody else has changed it.
    """
    same = Conversation.filter(id=conversation.id, version=conversation.version)
    if not await same.update(**facts):
        raise Busy
    for name, value in facts.items():
        setattr(conversation, name, value)
