"""A doctor books for the resident from within the conversation, from the pool kept for it."""

from uuid import UUID

import structlog

from backend import audit, db
from backend.booking import priority
from backend.booking.desk import Desk
from backend.booking.tickets import Ticket
from backend.chat import answering, events, messages
from backend.chat.desk import find
from backend.chat.duty_errors import NoPatientYet
from backend.chat.duty_wording import clock_time
from backend.chat.locking import lock
from backend.chat.messages import DOCTOR, Author, Draft, SentBefore
from backend.chat.telling import tell
from backend.hub import Hub
from backend.identity.access import Actor

log = structlog.get_logger()


async def book(
    actor: Actor, hub: Hub, desk: Desk, conversation_id: UUID, *, slot_id: UUID
) -> Ticket:
    """Book, and leave a card in the conversation. Two transactions: a card that could not be left
    takes no appointment away, and the resident's inbox tells of it in any case.

    Raises:
        NotFound: not the actor's conversation, resident (by contract) or place.
        NotNow, ClaimedByOther: not claimed by the actor. NoPatientYet.
        NotYetOpen, BookingClosed, SlotFull, AlreadyBooked, TooManyThatDay, TooManyInDepartment,
        Restricted, Busy.
    """
    row, _ = await find(actor, conversation_id)
    answering.must_have(actor, row)
    if row.patient_id is None:
        raise NoPatientYet
    ticket = await priority.book(actor, desk, slot_id=slot_id, patient_id=row.patient_id)
    await _leave_card(actor, hub, conversation_id, ticket)
    return ticket


async def _leave_card(actor: Actor, hub: Hub, conversation_id: UUID, ticket: Ticket) -> None:
    try:
        async with db.transaction():
            row = await lock(conversation_id)
            await messages.append(row, Author(DOCTOR, actor.id), _card(ticket))
            await answering.answered(actor, row)
            await events.note(actor, row, "book", before=row.state, appointment_id=str(ticket.id))
            await audit.record(
                actor, "chat.booked", entity_id=ticket.id, patient_ids=[row.patient_id]
            )
    except SentBefore:
        return
    await tell(hub, row)
    log.info("conversation.booked", conversation_id=str(conversation_id))


def _card(ticket: Ticket) -> Draft:
    place = ticket.place
    return Draft(
        client_id=f"card-{ticket.id}",
        kind="card",
        body=f"已帮您约好：{place.organization}{place.department}，{clock_time(place.starts_at)}。"
        "不去请提前取消。",
        payload={
            "appointment_id": str(ticket.id),
            "organization": place.organization,
            "department": place.department,
            "starts_at": place.starts_at.isoformat(),
        },
    )
