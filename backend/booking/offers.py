"""A place held for somebody who did not tap for it: from the waiting list, or after a suspension.

An offer is an appointment like any hold, `pending` until `held_until`: the same keys keep it from
being sold twice, the resident takes it with `confirm` and leaves it with `cancel`, and it is free
again the moment its time has passed.
"""

from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from backend.booking import granting, holds
from backend.booking.models import Appointment
from backend.booking.places import Place
from backend.identity.access import Actor


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
    """Hold one place for a patient, inside the caller's transaction.

    Raises:
        SlotFull, BookingClosed, AlreadyBooked, TooManyThatDay, TooManyInDepartment, Restricted.
    """
    await holds.end_dead(Q(slot_id=place.slot_id) | Q(patient_id=patient_id))
    return await granting.hold(
        actor,
        place,
        patient_id=patient_id,
        account_id=account_id,
        until=until,
        origin=origin,
        reason=reason,
    )
