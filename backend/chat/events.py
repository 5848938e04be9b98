"""What happened to a conversation, by whom and why: a row each, in the transaction of the deed."""

from typing import Any

from backend import clock
from backend.chat.models import Conversation, ConversationEvent
from backend.identity.access import Actor
from backend.ids import new_id


async def note(
    actor: Actor,
    conversation: Conversation,
    action: str,
    *,
    before: str | None,
    reason: str = "",
    **detail: Any,
) -> None:
    """`before`: the state it was in; the row says the one it is in now. `detail` has no words."""
    await ConversationEvent.create(
        id=new_id(),
        conversation_id=conversation.id,
        at=clock.now(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        action=action,
        from_state=before,
        to_state=conversation.state,
        reason=reason,
        detail=detail,
    )
