"""An account's waits: what they wait for, how many stand before, and what is offered right now."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from backend import clock, db
from backend.booking.desk import Desk
from backend.booking.models import Appointment
from backend.booking.policies import policies
from backend.booking.policy import BOOKED, PENDING
from backend.booking.tickets import Ticket
from backend.booking.waitlist import line
from backend.booking.waitlist.models import WaitlistChoice, WaitlistEntry
from backend.booking.waitlist.policy import LIVING, OFFERED, WAITING
from backend.consortium.directory import Dept, Directory, Doctor, Org, directory
from backend.errors import NotFound
from backend.identity.access import Actor, note_read, patients_of
from backend.identity.documents import mask_name
from backend.identity.models import Patient

Cursor = tuple[datetime, UUID]
GONE = "已停用"


class Accepted(msgspec.Struct, frozen=True):
    """One choice with its names; without a doctor, any of the department."""

    organization: Org
    department: Dept
    doctor: Doctor | None


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as its patient sees it. Instants in UTC, dates in Asia/Shanghai, inclusive.

    `ahead`: how many wait before it for one of the same choices; None: it does not wait now.
    `booked_id`: an appointment that the patient made besides, which the entry would accept.
    """

    id: UUID
    state: str
    patient_id: UUID
    patient_name: str
    group_id: UUID
    group_size: int
    from_on: date
    to_on: date
    periods: tuple[str, ...]
    kind: str | None
    accepted: tuple[Accepted, ...]
    ahead: int | None
    joined_at: datetime
    offer: Ticket | None
    appointment_id: UUID | None
    booked_id: UUID | None


async def list_of(
    actor: Actor, desk: Desk, *, living: bool, after: Cursor | None, most: int
) -> list[Wait]:
    """Of everyone in the account's care, who joined latest first; with `living`, not those over."""
    patients = await patients_of(actor)
    wanted = WaitlistEntry.filter(consortium_id=actor.consortium_id, patient_id__in=list(patients))
    if living:
        wanted = wanted.filter(state__in=LIVING)
    if after is not None:
        at, last = after
        wanted = wanted.filter(Q(joined_at__lt=at) | Q(joined_at=at, id__lt=last))
    rows = await wanted.order_by("-joined_at", "-id").limit(most)
    async with db.transaction():
        await note_read(actor, "waitlist.listed", {row.patient_id for row in rows})
    return await _waits(actor, rows, await directory(actor.consortium_id), patients, desk)


async def show(actor: Actor, desk: Desk, entry_id: UUID) -> Wait:
    """Raises NotFound."""
    row, patients = await find(actor, entry_id, "view")
    async with db.transaction():
        await note_read(actor, "waitlist.shown", {row.patient_id})
    county = await directory(actor.consortium_id)
    return (await _waits(actor, [row], county, patients, desk))[0]


async def find(
    actor: Actor, entry_id: UUID, scope: str
) -> tuple[WaitlistEntry, dict[UUID, Patient]]:
    """The actor's entry, and the patients whom they may see. Raises NotFound."""
    patients = await patients_of(actor, scope)
    row = await WaitlistEntry.get_or_none(id=entry_id, consortium_id=actor.consortium_id)
    if row is None or row.patient_id not in patients:
        raise NotFound
    return row, patients


async def waits_of(actor: Actor, rows: Sequence[WaitlistEntry], county: Directory) -> list[Wait]:
    """Entries that have just joined, inside the transaction."""
    return await _waits(actor, rows, county, await patients_of(actor), None)


async def _waits(
    actor: Actor,
    rows: Sequence[WaitlistEntry],
    county: Directory,
    patients: dict[UUID, Patient],
    desk: Desk | None,
) -> list[Wait]:
    """A constant number of queries, however many rows."""
    before = await line.ahead([row.id for row in rows if row.state == WAITING])
    accepted = await _accepted([row.id for row in rows], county)
    offers = await _offers(actor, rows, patients, desk) if desk else {}
    booked = await _booked(rows, accepted)
    return [
        Wait(
            id=row.id,
            state=row.state if row.state != OFFERED or row.id in offers else WAITING,
            patient_id=row.patient_id,
            patient_name=mask_name(patients[row.patient_id].name),
            group_id=row.group_id,
            group_size=row.group_size,
            from_on=row.from_on,
            to_on=row.to_on,
            periods=tuple(row.periods.split(",")),
            kind=row.kind,
            accepted=tuple(accepted.get(row.id, ())),
            ahead=before.get(row.id),
            joined_at=row.joined_at,
            offer=offers.get(row.id),
            appointment_id=row.appointment_id,
            booked_id=booked.get(row.id),
        )
        for row in rows
    ]


async def _accepted(entry_ids: list[UUID], county: Directory) -> dict[UUID, list[Accepted]]:
    """In the order in which they were chosen; what has left the directory is left out."""
    found: dict[UUID, list[Accepted]] = defaultdict(list)
    for row in await WaitlistChoice.filter(entry_id__in=entry_ids).order_by("id"):
        dept = county.departments.get(row.department_id)
        if dept is not None:
            doctor = county.doctors.get(row.practitioner_id) if row.practitioner_id else None
            org = county.organizations[dept.organization_id]
            found[row.entry_id].append(Accepted(org, dept, doctor))
    return found


async def _offers(
    actor: Actor,
    rows: Sequence[WaitlistEntry],
    patients: dict[UUID, Patient],
    desk: Desk,
) -> dict[UUID, Ticket]:
    """What is offered right now, by entry. One whose time has passed is none."""
    by_id = {row.appointment_id: row for row in rows if row.state == OFFERED}
    living = await Appointment.filter(
        id__in=[key for key in by_id if key], status=PENDING, held_until__gt=clock.now()
    )
    table = await policies(actor.consortium_id)
    places = await desk.places.each(row.slot_id for row in living)
    found = {}
    for row, place in zip(living, places, strict=True):
        policy = table.version(row.policy_version, place.tier)
        name = mask_name(patients[row.patient_id].name)
        found[by_id[row.id].id] = Ticket.of(row, place, policy, name)
    return found


async def _booked(
    rows: Sequence[WaitlistEntry], accepted: dict[UUID, list[Accepted]]
) -> dict[UUID, UUID]:
    """What the patient has booked besides that the entry would accept as well, by entry."""
    living = [row for row in rows if row.state in LIVING]
    if not living:
        return {}
    made = await Appointment.filter(
        patient_id__in=list({row.patient_id for row in living}),
        status=BOOKED,
        starts_at__gt=clock.now(),
    ).order_by("starts_at", "id")
    found: dict[UUID, UUID] = {}
    for row in living:
        departments: Collection[Any] = {one.department.id for one in accepted.get(row.id, ())}
        for one in made:
            fits = one.department_id in departments and row.from_on <= one.held_on <= row.to_on
            if one.patient_id == row.patient_id and fits:
                found.setdefault(row.id, one.id)
    return found
