"""Taking a place that a pool keeps, for somebody who did not tap for it.

Who may is decided before.
"""

from uuid import UUID

from tortoise.expressions import Q

from backend import clock
from backend.booking import granting, holds
from backend.booking.places import Place
from backend.booking.policy import BOOKED
from backend.booking.tickets import Ticket
from backend.errors import NotFound
from backend.identity.access import Actor
from backend.ids import new_id


async def take(
    actor: Actor,
    place: Place,
    *,
    patient_id: UUID,
    patient_name: str,
    origin: str,
    reason: str = "",
) -> Ticket:
    """Inside the caller's transaction. `patient_name` is masked; `origin` one of `models.ORIGINS`.

    Run it under `db.retried`: it may lose a race for the patient's day.

    Raises:
        SlotFull, BookingClosed, AlreadyBooked, TooManyThatDay, TooManyInDepartment, Restricted.
    """
    if actor.id is None:
        raise NotFound
    await holds.end_dead(Q(slot_id=place.slot_id) | Q(patient_id=patient_id))
    ticket = Ticket(
        id=new_id(),
        status=BOOKED,
        patient_id=patient_id,
        patient_name=patient_name,
        place=place,
        policy=place.policy,
        fee_fen=place.fee_fen,
        held_until=None,
        created_at=clock.now(),
        origin=origin,
    )
    await granting.give(actor, ticket, by=actor.id, reason=reason)
    return ticket
