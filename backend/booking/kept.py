"""Taking a place that a pool keeps, for somebody who did not tap for it: the shared half of booking
by a family doctor and of walk-ins at the desk. Who may is decided before."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from tortoise.expressions import F, Q

from backend import clock
from backend.booking import granting, holds, places
from backend.booking.errors import BookingClosed
from backend.booking.models import Slot
from backend.booking.places import Place
from backend.booking.policy import BOOKED
from backend.booking.tickets import Ticket
from backend.errors import NotFound
from backend.identity.access import Actor
from backend.ids import new_id


async def places_of(schedule_id: UUID, pool: str) -> list[Place]:
    """A schedule's places of one pool, by time; taken ones among them. Before a transaction."""
    ids: Any = Slot.filter(schedule_id=schedule_id, pool=pool).values_list("id", flat=True)
    found = await places.load(list(await ids))
    return sorted(found.values(), key=lambda place: place.starts_at)


async def take(
    actor: Actor,
    wanted: Sequence[Place],
    *,
    patient_id: UUID,
    patient_name: str,
    origin: str,
    status: str = BOOKED,
    reason: str = "",
    bars: bool = True,
) -> Ticket:
    """The first of these places that is free, inside the caller's transaction.

    `patient_name` is masked; `origin` is one of `models.ORIGINS`. `bars` False: restrictions do not
    count, as for walk-ins. Run it under `db.retried`: it may lose a race for the patient's day.

    Raises:
        SlotFull, BookingClosed, AlreadyBooked, TooManyThatDay, TooManyInDepartment, Restricted.
    """
    if actor.id is None:
        raise NotFound
    if not wanted:
        raise BookingClosed
    ids = [place.slot_id for place in wanted]
    await granting.freeze(ids)  # or the first might be lost while the next is free
    await holds.end_dead(Q(slot_id__in=ids) | Q(patient_id=patient_id))
    free: Any = Slot.filter(id__in=ids, open=True, booked__lt=F("capacity"))
    slot_id = (await free.order_by("starts_at", "id").values_list("id", flat=True) or ids)[0]
    place = next(place for place in wanted if place.slot_id == slot_id)
    ticket = Ticket(
        id=new_id(),
        status=status,
        patient_id=patient_id,
        patient_name=patient_name,
        place=place,
        policy=place.policy,
        fee_fen=place.fee_fen,
        held_until=None,
        created_at=clock.now(),
        origin=origin,
    )
    await granting.give(actor, ticket, by=actor.id, reason=reason, bars=bars)
    return ticket
