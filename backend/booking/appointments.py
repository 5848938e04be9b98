"""预约: book, hold and confirm, cancel, move. One transaction each; the database has the last word.

Places are counted and not numbered (ADR 0004). `receipt` makes a repeated request harmless: every
verb raises `Replayed` or `KeyReused` when its key was used before.
"""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from tortoise.expressions import Q

from backend import clock, db
from backend.booking import diary, granting, holds, standing
from backend.booking import policy as rules
from backend.booking.desk import Desk
from backend.booking.errors import (
    BookingClosed,
    ByDraw,
    HoldExpired,
    NotPossibleNow,
    NotYetOpen,
    SameSlot,
    SlotFull,
    TooLateToMove,
    TooManyMoves,
)
from backend.booking.models import Appointment, AppointmentEvent
from backend.booking.places import Place
from backend.booking.policy import BOOKED, CANCELLED, PENDING
from backend.booking.taking import Claim, Outcome, Refused, Unclear, Wish
from backend.booking.tickets import Ticket
from backend.booking.waitlist import answers
from backend.errors import NotFound, Problem
from backend.identity.access import Actor
from backend.ids import new_id
from backend.logs import request_id
from backend.receipts import Answer, Receipt, Replayed

log = structlog.get_logger()


async def book(
    actor: Actor,
    desk: Desk,
    *,
    slot_id: UUID,
    patient_id: UUID,
    confirm: bool,
    receipt: Receipt,
) -> Ticket:
    """Take one place in a slot; with `confirm` false, hold it for `policy.hold_min` minutes.

    Raises:
        NotFound: no such slot, or the actor may not book for the patient.
        NotYetOpen, BookingClosed, SlotFull, AlreadyBooked, TooManyThatDay, TooManyInDepartment,
        Restricted, KeyReused, Busy.
    """
    place = await _open_place(actor, desk, slot_id)
    facts: dict[str, Any] = {
        "place": place,
        "patient_id": patient_id,
        "account_id": actor.account_id,
        "receipt": receipt,
    }
    _refuse(await desk.taking.refusal(Claim(**facts)), receipt)
    name = await desk.care.name_of(actor, patient_id)
    ticket = _ticket(place, patient_id, name, confirm)
    wish = Wish(
        appointment_id=ticket.id,
        status=ticket.status,
        held_until=ticket.held_until,
        ticket=ticket,
        answer=receipt.write(201, ticket).body,
        request_id=request_id.get() or None,
        **facts,
    )
    outcome = await desk.taking.take(wish)
    _refuse(outcome, receipt)
    if isinstance(outcome, Unclear):
        await _book_carefully(actor, desk, [ticket], receipt, ticket)
        return ticket
    # Not logged: the event and the audit row say it, and a line of log costs as much as they do.
    return ticket


def _refuse(outcome: Outcome, receipt: Receipt) -> None:
    """Raise what the queue found out about a claim."""
    if isinstance(outcome, Answer):
        raise Replayed(outcome)
    if isinstance(outcome, Refused):
        receipt.settled = True
        raise outcome.problem(outcome.detail, **outcome.extra)


async def book_family(
    actor: Actor,
    desk: Desk,
    wanted: Sequence[tuple[UUID, UUID]],
    *,
    confirm: bool,
    receipt: Receipt,
) -> list[Ticket]:
    """Places for several patients, (slot, patient) each: all of them or none.

    Raises:
        What `book` raises, with `index` telling which one could not be had.
    """
    tickets = []
    for index, (slot_id, patient_id) in enumerate(wanted):
        with _naming(index):
            name = await desk.care.name_of(actor, patient_id)
            place = await _open_place(actor, desk, slot_id)
            tickets.append(_ticket(place, patient_id, name, confirm))
    await _book_carefully(actor, desk, tickets, receipt, tickets)
    return tickets


@contextlib.contextmanager
def _naming(index: int | None) -> Iterator[None]:
    """Let a refusal say which of several it is about."""
    try:
        yield
    except Problem as refused:
        if index is not None:
            refused.extra.setdefault("index", index)
        raise


async def _open_place(actor: Actor, desk: Desk, slot_id: UUID) -> Place:
    place = await desk.places.get(slot_id)
    if place.consortium_id != actor.consortium_id or place.pool != "public":
        raise NotFound("没有找到这个时段，请刷新后再选。")
    if place.release == "draw":
        raise ByDraw
    now = clock.now()
    opens_at = rules.opens_at(place.policy, place.held_on)
    if now < opens_at:
        raise NotYetOpen(opens_at=opens_at)
    if now >= rules.closes_at(place.policy, place.starts_at):
        raise BookingClosed
    return place


def _ticket(place: Place, patient_id: UUID, name: str, confirm: bool) -> Ticket:
    now = clock.now()
    hold = timedelta(minutes=place.policy.hold_min)
    return Ticket(
        id=new_id(),
        status=BOOKED if confirm else PENDING,
        patient_id=patient_id,
        patient_name=name,
        place=place,
        policy=place.policy,
        fee_fen=place.fee_fen,
        held_until=None if confirm else min(now + hold, place.starts_at),
        created_at=now,
    )


async def _book_carefully(
    actor: Actor, desk: Desk, tickets: list[Ticket], receipt: Receipt, result: Any
) -> None:
    """One by one in one transaction, each refusal with its reason. `result` is what is answered."""

    async def attempt() -> None:
        async with db.transaction():
            await receipt.check()
            for index, ticket in enumerate(tickets):
                with _naming(index if len(tickets) > 1 else None):
                    await _end_dead_for(ticket.place, ticket.patient_id)
                    await granting.grant(actor, ticket)
            await receipt.keep(201, result)

    try:
        with desk.taking.alone():
            await db.retried(attempt)
    except SlotFull:
        # The place of a dead hold may have gone to somebody in line, which the refusal undid.
        await holds.settle([ticket.place.slot_id for ticket in tickets])
        raise
    for ticket in tickets:
        desk.taking.freed(ticket.place.slot_id)
    log.info("appointment.booked", appointment_ids=[str(ticket.id) for ticket in tickets])


async def _end_dead_for(place: Place, patient_id: UUID) -> None:
    await holds.end_dead(Q(slot_id=place.slot_id) | Q(patient_id=patient_id))


# --- what may be done to an appointment -----------------------------------------------------------


async def confirm(actor: Actor, desk: Desk, appointment_id: UUID, *, receipt: Receipt) -> Ticket:
    """Turn a hold, or a place that was offered, into a booking.

    Raises NotFound, HoldExpired, NotPossibleNow.
    """
    ticket = await diary.find(actor, desk, appointment_id, "book")
    async with db.transaction():
        await receipt.check()
        alive = Appointment.filter(id=ticket.id, status=PENDING, held_until__gt=clock.now())
        if not await alive.update(status=BOOKED, held_until=None, changed_at=clock.now()):
            await _refuse_state(ticket.id)
        ticket = _changed(ticket, status=BOOKED, held_until=None)
        await granting.write_down(
            actor, ticket, "confirm", before=PENDING, to_slot_id=ticket.place.slot_id
        )
        if ticket.origin == "waitlist":
            await answers.accepted(actor, ticket.id)
        await receipt.keep(200, ticket)
    log.info("appointment.confirmed", appointment_id=str(ticket.id))
    return ticket


async def cancel(
    actor: Actor, desk: Desk, appointment_id: UUID, *, reason: str, receipt: Receipt
) -> Ticket:
    """Give the place back. Late, it counts as a no-show; the ticket says so beforehand.

    Raises:
        NotFound; NotPossibleNow: it is over, has begun, or is cancelled already.
    """
    ticket = await diary.find(actor, desk, appointment_id, "book")

    async def attempt() -> Ticket:
        async with db.transaction():
            await receipt.check()
            cancelled = await _cancel(actor, ticket, reason)
            await receipt.keep(200, cancelled)
            return cancelled

    cancelled = await db.retried(attempt)
    desk.taking.freed(ticket.place.slot_id)
    log.info("appointment.cancelled", appointment_id=str(ticket.id), late=cancelled.late_cancel)
    return cancelled


async def _cancel(actor: Actor, ticket: Ticket, reason: str) -> Ticket:
    now = clock.now()
    late = ticket.late_now
    counted = ticket.status == BOOKED and rules.counts(
        ticket.policy, booked_at=ticket.created_at, now=now
    )
    # Guarded by the very state that was read: whatever came in between is no longer this deed.
    cancelled = await Appointment.filter(
        Q(status=BOOKED) | Q(status=PENDING, held_until__gt=now),
        id=ticket.id,
        slot_id=ticket.place.slot_id,
        status=ticket.status,
        starts_at__gt=now,
    ).update(
        status=CANCELLED,
        cancelled_by="patient",
        reason=reason,
        late_cancel=late,
        counted_cancel=counted and not late,
        changed_at=now,
    )
    if not cancelled:
        await _refuse_state(ticket.id)
    if ticket.status == PENDING and ticket.origin == "waitlist":
        await answers.declined(actor, ticket.id)
    await holds.give_back([ticket.place.slot_id])
    after = _changed(
        ticket, status=CANCELLED, cancelled_by="patient", reason=reason, late_cancel=late
    )
    await granting.write_down(
        actor,
        after,
        "cancel",
        before=ticket.status,
        from_slot_id=ticket.place.slot_id,
        reason=reason,
    )
    await standing.review(actor.consortium_id, ticket.patient_id, ticket.policy)
    return after


async def reschedule(
    actor: Actor, desk: Desk, appointment_id: UUID, *, slot_id: UUID, receipt: Receipt
) -> Ticket:
    """Move to another slot: the new place is taken before the old one is freed, or nothing changes.

    Raises:
        NotFound, NotPossibleNow, SameSlot, TooLateToMove, TooManyMoves, and what `book` raises.
    """
    ticket = await diary.find(actor, desk, appointment_id, "book")
    place = await _open_place(actor, desk, slot_id)

    async def attempt() -> Ticket:
        async with db.transaction():
            await receipt.check()
            moved = await _move(actor, ticket, place)
            await receipt.keep(200, moved)
            return moved

    with desk.taking.alone():
        moved = await db.retried(attempt)
    desk.taking.freed(ticket.place.slot_id)
    log.info("appointment.moved", appointment_id=str(appointment_id))
    return moved


async def _move(actor: Actor, ticket: Ticket, place: Place) -> Ticket:
    await _check_move(ticket, place)
    await _end_dead_for(place, ticket.patient_id)
    taken = await granting.take(place.slot_id)
    await granting.check_earlier(ticket.patient_id, place, but=ticket.id)
    if not taken:
        await granting.refuse(place.slot_id)
    if rules.bars_kind(place.kind, place.tier):
        await standing.check(ticket.patient_id, place.kind)
    day_place, department_place = await granting.numbers(ticket.patient_id, place, but=ticket.id)
    still_there = Appointment.filter(id=ticket.id, slot_id=ticket.place.slot_id, status=BOOKED)
    if not await still_there.update(
        day_place=day_place,
        department_place=department_place,
        changed_at=clock.now(),
        **granting.facts(place),
    ):
        await _refuse_state(ticket.id)
    await holds.give_back([ticket.place.slot_id])
    moved = _changed(ticket, place=place, policy=place.policy, fee_fen=place.fee_fen)
    await granting.write_down(
        actor,
        moved,
        "move",
        before=BOOKED,
        from_slot_id=ticket.place.slot_id,
        to_slot_id=place.slot_id,
    )
    return moved


async def _check_move(ticket: Ticket, place: Place) -> None:
    if ticket.status != BOOKED:
        raise NotPossibleNow(state=ticket.status)
    if place.slot_id == ticket.place.slot_id:
        raise SameSlot
    if clock.now() > ticket.free_until:
        raise TooLateToMove(free_until=ticket.free_until)
    moves = await AppointmentEvent.filter(appointment_id=ticket.id, action="move").count()
    if moves >= ticket.policy.moves_most:
        raise TooManyMoves(most=ticket.policy.moves_most)


async def _refuse_state(appointment_id: UUID) -> None:
    row = await Appointment.get(id=appointment_id)
    if row.status == PENDING and row.held_until is not None and row.held_until <= clock.now():
        raise HoldExpired
    raise NotPossibleNow(state=row.status)


def _changed(ticket: Ticket, **facts: Any) -> Ticket:
    return msgspec.structs.replace(ticket, **facts)
