"""A ticket opens the socket of one conversation, once, for the log-in that asked for it."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend import clock, passes
from backend.chat import conversations
from backend.errors import Unauthenticated
from backend.hub import Hub
from backend.identity.access import Actor

GOOD_S = 30


class Pass(msgspec.Struct, frozen=True, tag="chat"):
    """What a ticket stands for."""

    account_id: UUID
    session_id: UUID
    conversation_id: UUID


async def issue(actor: Actor, hub: Hub, conversation_id: UUID) -> tuple[str, datetime]:
    """A ticket for one's own conversation, and when it expires. Raises NotFound."""
    await conversations.find(actor, conversation_id, "view")
    if actor.session_id is None:
        raise Unauthenticated
    granted = msgspec.json.encode(Pass(actor.account_id, actor.session_id, conversation_id))
    text = await passes.issue(hub, granted, good_s=GOOD_S)
    return text, clock.now() + timedelta(seconds=GOOD_S)


async def redeem(hub: Hub, text: str) -> Pass:
    """What it stands for, once. Raises Unauthenticated."""
    known = await passes.redeem(hub, text, good_s=GOOD_S)
    try:
        return msgspec.json.decode(known or b"", type=Pass)
    except msgspec.MsgspecError:  # none, or a ticket for something else
        raise Unauthenticated("这张票已经用过或过期了，请重新进入咨询页面。") from None
