"""Granting one place inside a transaction, with the exact reason where it can't be granted.

The slow and careful half of booking; `taking.py` is the fast one. Moves use it too.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from tortoise.expressions import F

from backend import audit, clock
from backend.booking import events, standing
from backend.booking.errors import (
    AlreadyBooked,
    BookingClosed,
    SlotFull,
    TooManyInDepartment,
    TooManyThatDay,
)
from backend.booking.models import Appointment, Slot
from backend.booking.places import Place
from backend.booking.policy import CANCELLED, EXCUSED, PENDING, bars_kind
from backend.booking.tickets import Ticket
from backend.identity.access import Actor, care_of
from backend.ids import new_id

DONE = {"book": "booked", "confirm": "confirmed", "cancel": "cancelled", "move": "moved"}


async def freeze(slot_ids: Iterable[UUID]) -> None:
    """Until the transaction ends nobody takes or gives back a place in these slots.

    For whoever shuts, withdraws or resizes them by what is booked. Run it under `db.retried`.
    """
    ids = sorted(set(slot_ids), key=str)
    await Slot.filter(id__in=ids).order_by("id").select_for_update(no_key=True).only("id")


async def grant(actor: Actor, ticket: Ticket) -> None:
    """Make `ticket` true; the caller has ended dead holds in the way.

    Raises what `appointments.book` raises.
    """
    await care_of(actor, ticket.patient_id, "book")
    await give(actor, ticket, by=actor.account_id)


async def give(actor: Actor, ticket: Ticket, *, by: UUID, reason: str = "") -> None:
    """The same where the caller has decided that `by` may book."""
    place = ticket.place
    taken = await take(place.slot_id)
    await check_earlier(ticket.patient_id, place, but=None)
    if not taken:
        await refuse(place.slot_id)
    if bars_kind(place.kind, place.tier):
        await standing.check(ticket.patient_id, place.kind)
    day_place, department_place = await numbers(ticket.patient_id, place, but=None)
    await Appointment.create(
        id=ticket.id,
        account_id=by,
        patient_id=ticket.patient_id,
        status=ticket.status,
        origin=ticket.origin,
        held_until=ticket.held_until,
        day_place=day_place,
        department_place=department_place,
        created_at=ticket.created_at,
        changed_at=ticket.created_at,
        **facts(place),
    )
    await write_down(actor, ticket, "book", before=None, to_slot_id=place.slot_id, reason=reason)


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
    """Hold a place as an offer; dead holds in its way were ended before. See `offers.hold`."""
    await check_earlier(patient_id, place, but=None)
    if bars_kind(place.kind, place.tier):
        await standing.check(patient_id, place.kind)
    day_place, department_place = await numbers(patient_id, place, but=None)
    if not await take(place.slot_id):
        await refuse(place.slot_id)
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
        **facts(place),
    )
    await events.note(
        actor, appointment.id, "offer", None, PENDING, to_slot_id=place.slot_id, reason=reason
    )
    await audit.record(
        actor, "appointment.offered", entity_id=appointment.id, patient_ids=[patient_id]
    )
    return appointment


def facts(place: Place) -> dict[str, Any]:
    """What an appointment copies from its place."""
    return {
        "consortium_id": place.consortium_id,
        "organization_id": place.organization_id,
        "department_id": place.department_id,
        "schedule_id": place.schedule_id,
        "slot_id": place.slot_id,
        "held_on": place.held_on,
        "starts_at": place.starts_at,
        "policy_version": place.policy.version,
        "fee_fen": place.fee_fen,
    }


async def take(slot_id: UUID) -> bool:
    """Count one more in the slot; False when there is no room or it is shut."""
    # One guarded UPDATE decides who gets the last place.
    free = Slot.filter(id=slot_id, open=True, booked__lt=F("capacity"))
    return bool(await free.update(booked=F("booked") + 1))


async def retake(slot_id: UUID) -> bool:
    """`take` for whoever had a place there before: it may be shut still."""
    free = Slot.filter(id=slot_id, booked__lt=F("capacity"))
    return bool(await free.update(booked=F("booked") + 1))


async def refuse(slot_id: UUID) -> NoReturn:
    """Say why `take` could not."""
    slot = await Slot.get_or_none(id=slot_id)
    raise SlotFull(slot_id=slot_id) if slot is not None and slot.open else BookingClosed()


async def check_earlier(patient_id: UUID, place: Place, *, but: UUID | None) -> None:
    """Raises AlreadyBooked: the patient has another living appointment in this schedule."""
    earlier = (
        await Appointment.filter(patient_id=patient_id, schedule_id=place.schedule_id)
        .exclude(status__in=(CANCELLED, EXCUSED))
        .first()
    )
    if earlier is not None and earlier.id != but:
        raise AlreadyBooked(appointment_id=earlier.id)


async def numbers(patient_id: UUID, place: Place, *, but: UUID | None) -> tuple[int, int]:
    """The lowest free numbers of the patient's day; a unique key keeps rivals off them."""
    rows = (
        await Appointment.filter(patient_id=patient_id, held_on=place.held_on)
        .exclude(status__in=(CANCELLED, EXCUSED))
        .values_list("id", "department_id", "day_place", "department_place")
    )
    others = [row for row in rows if row[0] != but]
    of_day = {row[2] for row in others}
    of_department = {row[3] for row in others if row[1] == place.department_id}
    policy = place.policy
    if len(of_department) >= policy.per_department_day:
        raise TooManyInDepartment(most=policy.per_department_day)
    if len(of_day) >= policy.per_day:
        raise TooManyThatDay(most=policy.per_day)
    return _lowest(of_day), _lowest(of_department)


def _lowest(used: set[int]) -> int:
    return next(number for number in range(1, len(used) + 2) if number not in used)


async def write_down(
    actor: Actor,
    ticket: Ticket,
    action: str,
    *,
    before: str | None,
    from_slot_id: UUID | None = None,
    to_slot_id: UUID | None = None,
    reason: str = "",
) -> None:
    """The event and the audit row of a change, in its transaction."""
    await events.note(
        actor,
        ticket.id,
        action,
        before,
        ticket.status,
        from_slot_id=from_slot_id,
        to_slot_id=to_slot_id,
        reason=reason,
    )
    await audit.record(
        actor, f"appointment.{DONE[action]}", entity_id=ticket.id, patient_ids=[ticket.patient_id]
    )
