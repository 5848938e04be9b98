"""A ticket opens one socket: browsers send no log-in with it, and addresses end up in logs."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend import clock
from backend.booking import diary
from backend.booking.desk import Desk
from backend.errors import Unauthenticated
from backend.hub import Hub
from backend.identity.access import Actor

GOOD_S = 60
USED_S = 2 * GOOD_S


class Pass(msgspec.Struct, frozen=True):
    """What a ticket stands for."""

    account_id: UUID
    appointment_id: UUID


async def issue(actor: Actor, desk: Desk, hub: Hub, appointment_id: UUID) -> tuple[str, datetime]:
    """A ticket for one's own appointment, and when it expires. Raises NotFound."""
    await diary.find(actor, desk, appointment_id, "view")
    text = secrets.token_urlsafe(24)
    granted = msgspec.json.encode(Pass(actor.account_id, appointment_id))
    await hub.set(f"ticket:{text}", granted, GOOD_S)
    return text, clock.now() + timedelta(seconds=GOOD_S)


async def redeem(hub: Hub, text: str) -> Pass:
    """What it stands for, once. Raises Unauthenticated."""
    known = await hub.get(f"ticket:{text}") if text.isascii() and len(text) == 32 else None
    # Claimed by a holder of this moment: of two who come with it, one gets in.
    if known is None or not await hub.claim(f"ticket-used:{text}", secrets.token_hex(8), USED_S):
        raise Unauthenticated("这张票已经用过或过期了，请重新进入候诊页面。")
    return msgspec.json.decode(known, type=Pass)
