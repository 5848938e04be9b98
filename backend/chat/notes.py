"""内部备注: what staff tell each other about a conversation. No verb for residents reads them."""

from datetime import datetime
from uuid import UUID

import msgspec

from backend import audit, clock, db
from backend.chat.desk import find
from backend.chat.duty_models import NOTE_MOST, ConversationNote
from backend.errors import Malformed
from backend.identity.access import Actor
from backend.ids import new_id
from backend.staff.models import Staff

LISTED_MOST = 100


class Note(msgspec.Struct, frozen=True):
    id: UUID
    by: str
    text: str
    at: datetime


async def add(actor: Actor, conversation_id: UUID, text: str) -> UUID:
    """Raises NotFound, Malformed."""
    said = text.strip()
    if not said or len(said) > NOTE_MOST:
        raise Malformed(f"备注要有内容，不超过 {NOTE_MOST} 个字。", field="note")
    row, _ = await find(actor, conversation_id)
    async with db.transaction():
        made = await ConversationNote.create(
            id=new_id(),
            conversation_id=conversation_id,
            staff_id=actor.id,
            text=said,
            at=clock.now(),
        )
        await audit.record(actor, "chat.noted", entity_id=row.id, patient_ids=[row.patient_id])
    return UUID(str(made.id))


async def of(conversation_id: UUID) -> list[Note]:
    """The latest first. Whoever calls has checked that the actor may see the conversation."""
    rows = (
        await ConversationNote.filter(conversation_id=conversation_id)
        .order_by("-at", "-id")
        .limit(LISTED_MOST)
    )
    staff = await Staff.filter(id__in=list({row.staff_id for row in rows}))
    names = {one.id: one.name for one in staff}
    return [Note(row.id, names.get(row.staff_id or row.id, ""), row.text, row.at) for row in rows]
