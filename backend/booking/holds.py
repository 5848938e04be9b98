"""A held place whose time has passed is free: by predicate at once, and by a job for the books."""

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from tortoise.expressions import F, Q

from backend import audit, clock, db
from backend.booking.models import Appointment, AppointmentEvent, Slot
from backend.booking.policy import CANCELLED, PENDING
from backend.identity.access import Actor
from backend.ids import new_id

CHUNK = 200  # holds ended in one transaction
CHUNKS_MOST = 50


async def expire(consortium_id: UUID) -> list[UUID]:
    """End every hold that has passed its time; returns the slots that got places back."""
    freed: list[UUID] = []
    for _ in range(CHUNKS_MOST):
        try:
            async with db.transaction():
                ended = await end_dead(Q(consortium_id=consortium_id))
        except Exception as error:
            if not db.retryable(error):  # a deadlock with somebody who moves: once more
                raise
            continue
        freed += ended
        if len(ended) < CHUNK:
            break
    return freed


async def end_dead(where: Q) -> list[UUID]:
    """End dead holds among `where`, inside the caller's transaction; returns their slots."""
    dead = Q(where, status=PENDING, held_until__lte=clock.now())
    rows = await Appointment.filter(dead).order_by("id").limit(CHUNK)
    ended = [row for row in rows if await _end(row)]
    await give_back(row.slot_id for row in ended)
    if ended:
        await AppointmentEvent.bulk_create(_event(row) for row in ended)
        actor = Actor.system(ended[0].consortium_id)
        await audit.record(actor, "hold.expired", patient_ids=[row.patient_id for row in ended])
    return [row.slot_id for row in ended]


async def _end(row: Appointment) -> bool:
    # Guarded: whoever confirms at this very moment wins or loses as a whole.
    still = Appointment.filter(id=row.id, status=PENDING, held_until__lte=clock.now())
    return bool(
        await still.update(
            status=CANCELLED, cancelled_by="system", reason="超过确认时间", changed_at=clock.now()
        )
    )


def _event(row: Appointment) -> AppointmentEvent:
    facts: dict[str, Any] = {
        "consortium_id": row.consortium_id,
        "appointment_id": row.id,
        "from_status": PENDING,
        "to_status": CANCELLED,
        "from_slot_id": row.slot_id,
        "reason": "超过确认时间",
    }
    return AppointmentEvent(
        id=new_id(), at=clock.now(), actor_kind="system", action="expire", **facts
    )


async def give_back(slot_ids: Iterable[UUID]) -> None:
    """Return one place to each slot named, in the order of ids so that rivals can't deadlock."""
    for slot_id, places in sorted(Counter(slot_ids).items(), key=lambda item: str(item[0])):
        await Slot.filter(id=slot_id).update(booked=F("booked") - places)
