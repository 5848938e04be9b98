"""A ticket opens the socket of one's place in the line, once, for the log-in that asked for it."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend import clock, passes
from backend.booking import diary
from backend.booking.desk import Desk
from backend.errors import Unauthenticated
from backend.hub import Hub
from backend.identity.access import Actor

GOOD_S = 60


class Pass(msgspec.Struct, frozen=True, tag="queue"):
    """What a ticket stands for."""

    account_id: UUID
    session_id: UUID
    appointment_id: UUID


async def issue(actor: Actor, desk: Desk, hub: Hub, appointment_id: UUID) -> tuple[str, datetime]:
    """A ticket for one's own appointment, and when it expires. Raises NotFound."""
    await diary.find(actor, desk, appointment_id, "view")
    if actor.session_id is None:
        raise Unauthenticated
    granted = msgspec.json.encode(Pass(actor.account_id, actor.session_id, appointment_id))
    text = await passes.issue(hub, granted, good_s=GOOD_S)
    return text, clock.now() + timedelta(seconds=GOOD_S)


async def redeem(hub: Hub, text: str) -> Pass:
    """What it stands for, once. Raises Unauthenticated."""
    known = await passes.redeem(hub, text, good_s=GOOD_S)
    try:
        return msgspec.json.decode(known or b"", type=Pass)
    except msgspec.MsgspecError:  # none, or a ticket for something else
        raise Unauthenticated("这张票已经用过或过期了，请重新进入候诊页面。") from None
