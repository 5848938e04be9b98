"""Leaving the waiting list, at any time; what is offered meanwhile goes to the next in line."""

from uuid import UUID

import structlog
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.booking import events, holds
from backend.booking.desk import Desk
from backend.booking.models import Appointment
from backend.booking.policy import CANCELLED, PENDING
from backend.booking.waitlist import answers, diary, entries
from backend.booking.waitlist.errors import WaitOver
from backend.booking.waitlist.models import WaitlistEntry
from backend.booking.waitlist.policy import LEFT, OFFERED, WAITING
from backend.identity.access import Actor

log = structlog.get_logger()

WHY = "退出候补"


async def leave(actor: Actor, desk: Desk, entry_id: UUID) -> None:
    """Take one entry off the line; who has left already stays so. The rest of a family stays.

    Raises:
        NotFound; WaitOver: it has led to a booking, or has expired.
    """
    await entries.find(actor, entry_id, "book")

    async def attempt() -> list[UUID]:
        async with db.transaction():
            return await _leave(actor, entry_id)

    for slot_id in await db.retried(attempt):
        desk.taking.freed(slot_id)
    log.info("waitlist.left", entry_id=str(entry_id))


async def _leave(actor: Actor, entry_id: UUID) -> list[UUID]:
    """Returns the slots whose places came back."""
    row = await WaitlistEntry.get(id=entry_id)
    freed: list[UUID] = []
    if row.state == OFFERED and row.appointment_id is not None:
        await holds.end_dead(Q(id=row.appointment_id))
        freed = await _drop(actor, row.appointment_id)
    waiting = WaitlistEntry.filter(id=entry_id, state=WAITING)
    if await waiting.update(state=LEFT, appointment_id=None, changed_at=clock.now()):
        await diary.write_down(actor, row, "leave")
    else:
        now = await WaitlistEntry.get(id=entry_id)
        if now.state == OFFERED and now.appointment_id != row.appointment_id:  # since we looked
            return await _leave(actor, entry_id)
        if now.state != LEFT:
            raise WaitOver(state=now.state)
    # Only now, so that the place does not come to the one who leaves.
    await holds.give_back(freed)
    return freed


async def _drop(actor: Actor, appointment_id: UUID) -> list[UUID]:
    """Cancel what is offered; the place is still to be given back."""
    alive = Appointment.filter(id=appointment_id, status=PENDING, held_until__gt=clock.now())
    if not await alive.update(
        status=CANCELLED, cancelled_by="patient", reason=WHY, changed_at=clock.now()
    ):
        return []
    row = await Appointment.get(id=appointment_id)
    await events.note(
        actor, row.id, "cancel", PENDING, CANCELLED, from_slot_id=row.slot_id, reason=WHY
    )
    await audit.record(
        actor, "appointment.cancelled", entity_id=row.id, patient_ids=[row.patient_id]
    )
    await answers.declined(actor, appointment_id)
    return [row.slot_id]


async def of_patient(actor: Actor, patient_id: UUID) -> None:
    """End all waits of somebody for whom nobody cares any more, inside the caller's transaction."""
    for row in await WaitlistEntry.filter(patient_id=patient_id, state=WAITING):
        still = WaitlistEntry.filter(id=row.id, state=WAITING)
        if await still.update(state=LEFT, changed_at=clock.now()):
            await diary.write_down(actor, row, "leave")
