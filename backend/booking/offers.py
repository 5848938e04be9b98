"""A place held for somebody who did not tap for it: from the waiting list, or after a suspension.

An offer is an appointment like any hold, `pending` until `held_until`: the same keys keep it from
being sold twice, the resident takes it with `confirm` and leaves it with `cancel`, and it is free
again the moment its time has passed.
"""

from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from backend import audit, clock
from backend.booking import granting, holds, standing
from backend.booking.models import Appointment, AppointmentEvent
from backend.booking.places import Place
from backend.booking.policy import BARRED_KIND, PENDING
from backend.identity.access import Actor
from backend.ids import new_id


async def hold(
    actor: Actor,
    place: Place,
    *,
    patient_id: UUID,
    account_id: UUID,
    until: datetime,
    origin: str,
    reason: str,
) -> Appointment:
    """Hold one place for a patient, inside the caller's transaction; the slots are locked by it.

    Raises:
        SlotFull, BookingClosed, AlreadyBooked, TooManyThatDay, TooManyInDepartment, Restricted.
    """
    await holds.end_dead(Q(slot_id=place.slot_id) | Q(patient_id=patient_id))
    await granting.check_earlier(patient_id, place, but=None)
    if place.kind == BARRED_KIND:
        await standing.check(patient_id, place.kind)
    day_place, department_place = await granting.numbers(patient_id, place, but=None)
    if not await granting.take(place.slot_id):
        await granting.refuse(place.slot_id)
    now = clock.now()
    appointment = await Appointment.create(
        id=new_id(),
        account_id=account_id,
        patient_id=patient_id,
        status=PENDING,
        origin=origin,
        held_until=min(until, place.starts_at),
        day_place=day_place,
        department_place=department_place,
        created_at=now,
        changed_at=now,
        **granting.facts(place),
    )
    await AppointmentEvent.create(
        id=new_id(),
        consortium_id=place.consortium_id,
        appointment_id=appointment.id,
        at=now,
        actor_kind=actor.kind,
        actor_id=actor.id,
        action="offer",
        to_status=PENDING,
        to_slot_id=place.slot_id,
        reason=reason,
    )
    await audit.record(
        actor, "appointment.offered", entity_id=appointment.id, patient_ids=[patient_id]
    )
    return appointment
