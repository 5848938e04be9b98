"""Ending holds whose time has passed, and counting places back: the two halves of a place's return.

Neither says who gets the place next: that is `holds`, which everybody else uses.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from tortoise.expressions import F, Q

from backend import audit, clock
from backend.booking.models import Appointment, AppointmentEvent, Slot
from backend.booking.policy import CANCELLED, PENDING
from backend.booking.waitlist import answers
from backend.identity.access import Actor
from backend.ids import new_id

CHUNK = 100  # holds ended in one transaction
EXPIRED = "超过确认时间"
OFFERED = ("waitlist", "suspension")  # origins of holds that nobody tapped for


async def lapse(where: Q) -> list[UUID]:
    """End dead holds among `where` and count their places back, inside the caller's transaction.

    Returns the slots, one for each place: whose turn it is there, the caller sees to.
    """
    dead = Q(where, status=PENDING, held_until__lte=clock.now())
    rows = await Appointment.filter(dead).order_by("id").limit(CHUNK)
    ended = [row for row in rows if await _end(row)]
    if not ended:
        return []
    slot_ids = [row.slot_id for row in ended]
    await count_back(slot_ids)
    await AppointmentEvent.bulk_create(_event(row) for row in ended)
    actor = Actor.system(ended[0].consortium_id)
    await audit.record(actor, "hold.expired", patient_ids=[row.patient_id for row in ended])
    for row in ended:
        if row.origin == "waitlist":
            await answers.lapsed(row)
    return slot_ids


async def _end(row: Appointment) -> bool:
    # Guarded: whoever confirms at this very moment wins or loses as a whole.
    still = Appointment.filter(id=row.id, status=PENDING, held_until__lte=clock.now())
    return bool(
        await still.update(
            status=CANCELLED, cancelled_by="system", reason=EXPIRED, changed_at=clock.now()
        )
    )


def _event(row: Appointment) -> AppointmentEvent:
    facts: dict[str, Any] = {
        "consortium_id": row.consortium_id,
        "appointment_id": row.id,
        "from_status": PENDING,
        "to_status": CANCELLED,
        "from_slot_id": row.slot_id,
        "reason": EXPIRED,
    }
    # An offer that runs out is told in other words than a hold of one's own.
    action = "lapse" if row.origin in OFFERED else "expire"
    return AppointmentEvent(
        id=new_id(), at=clock.now(), actor_kind="system", action=action, **facts
    )


async def count_back(slot_ids: Iterable[UUID]) -> None:
    """Return one place to each slot named, in the order of ids so that rivals can't deadlock."""
    for slot_id, places in sorted(Counter(slot_ids).items(), key=lambda item: str(item[0])):
        await Slot.filter(id=slot_id).update(booked=F("booked") - places)
