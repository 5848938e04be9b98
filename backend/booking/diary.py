"""Reading appointments: the account's list, one in detail. Each read leaves its audit row."""

from collections.abc import Sequence
from datetime import datetime, time
from uuid import UUID

from tortoise.expressions import Q

from backend import clock, db
from backend.booking.desk import Desk
from backend.booking.models import Appointment, AppointmentEvent
from backend.booking.policies import policies
from backend.booking.policy import CANCELLED, PENDING, UPCOMING
from backend.booking.tickets import Ticket
from backend.errors import NotFound
from backend.identity.access import Actor, care_of, note_read, patients_of
from backend.identity.documents import mask_name

Cursor = tuple[datetime, UUID]


async def find(actor: Actor, desk: Desk, appointment_id: UUID, scope: str) -> Ticket:
    """The actor's appointment. Raises NotFound. The caller leaves the audit row."""
    row = await Appointment.get_or_none(id=appointment_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    await care_of(actor, row.patient_id, scope)
    name = await desk.care.name_of(actor, row.patient_id, scope)
    return (await _tickets(actor, desk, [row], {row.patient_id: name}))[0]


async def _tickets(
    actor: Actor, desk: Desk, rows: Sequence[Appointment], names: dict[UUID, str]
) -> list[Ticket]:
    table = await policies(actor.consortium_id)
    places = await desk.places.each(row.slot_id for row in rows)
    tickets = []
    for row, place in zip(rows, places, strict=True):
        policy = table.version(row.policy_version, place.tier)
        tickets.append(Ticket.of(row, place, policy, names[row.patient_id]))
    return tickets


async def show(actor: Actor, desk: Desk, appointment_id: UUID) -> Ticket:
    """One appointment in detail. Raises NotFound."""
    ticket = await find(actor, desk, appointment_id, "view")
    async with db.transaction():
        await note_read(actor, "appointment.shown", {ticket.patient_id})
    return ticket


async def changes_of(ticket: Ticket) -> int:
    """How often the appointment has changed since it was made. A dead hold has, job or not."""
    events = AppointmentEvent.filter(appointment_id=ticket.id, action__in=("confirm", "move"))
    return await events.count() + (ticket.status == CANCELLED)


async def list_of(
    actor: Actor,
    desk: Desk,
    *,
    status: str | None,
    patient_id: UUID | None,
    after: Cursor | None,
    most: int,
) -> list[Ticket]:
    """The appointments of everyone in the account's care, the latest first, from `after` on.

    `status` is one state, or `upcoming`: not over, from today on, the next one first.

    Raises:
        NotFound: `patient_id` is not the actor's to see.
    """
    patients = await patients_of(actor)
    if patient_id is not None:
        if patient_id not in patients:
            raise NotFound
        patients = {patient_id: patients[patient_id]}
    upcoming = status == "upcoming"
    wanted = Appointment.filter(
        _wanted(status), consortium_id=actor.consortium_id, patient_id__in=list(patients)
    )
    if after is not None:
        wanted = wanted.filter(_beyond(after, forward=upcoming))
    order = ("starts_at", "id") if upcoming else ("-starts_at", "-id")
    rows = await wanted.order_by(*order).limit(most)
    names = {patient.id: mask_name(patient.name) for patient in patients.values()}
    async with db.transaction():
        await note_read(actor, "appointment.listed", set(patients))
    return await _tickets(actor, desk, rows, names)


def _wanted(status: str | None) -> Q:
    now = clock.now()
    alive = ~Q(status=PENDING) | Q(held_until__gt=now)
    if status is None:
        return Q()
    if status == "upcoming":
        # All of today: whoever is late, or sits in the waiting room, looks for it more than ever.
        today = clock.at(clock.today(), time(0))
        return Q(alive, status__in=UPCOMING, starts_at__gte=today)
    if status == PENDING:
        return Q(status=PENDING, held_until__gt=now)
    if status == "cancelled":
        return Q(status="cancelled") | Q(status=PENDING, held_until__lte=now)
    return Q(status=status)


def _beyond(after: Cursor, *, forward: bool) -> Q:
    at, last = after
    if forward:
        return Q(starts_at__gt=at) | Q(starts_at=at, id__gt=last)
    return Q(starts_at__lt=at) | Q(starts_at=at, id__lt=last)
