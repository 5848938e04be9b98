"""Whom a suspension would touch, and what each could be offered: looked at before it is done."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from backend import clock, db
from backend.booking import places as booked_places
from backend.booking import stopping
from backend.booking.models import Appointment, Schedule
from backend.booking.places import Place
from backend.booking.policy import CALLED, CHECKED_IN, stopped_hold_until
from backend.consortium.directory import directory
from backend.identity.access import Actor, note_read
from backend.identity.documents import mask_name
from backend.identity.models import Patient
from backend.suspension import diary, plans
from backend.suspension.chosen import Chosen, targets
from backend.suspension.diary import Day
from backend.suspension.policy import Option

TOUCHED_MOST = 2000


class Half(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule that would be stopped. `booked`: visits that end; `there`: have checked in."""

    id: UUID
    organization: str
    department: str
    practitioner: str | None
    held_on: date
    period: str
    starts_at: datetime
    ends_at: datetime
    booked: int
    there: int


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A place that could be offered, held until then (UTC)."""

    place: Place
    held_until: datetime


class Touched(msgspec.Struct, frozen=True, kw_only=True):
    """A patient's visit that would end. `owed` false: a hold of some minutes, nothing is owed."""

    appointment_id: UUID
    patient_name: str
    place: Place
    owed: bool
    candidates: tuple[Candidate, ...]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """`more`: some are not shown, and would be stopped all the same. `ahead`: not published yet."""

    schedules: list[Half]
    ahead: list[Day]
    touched: list[Touched]
    more: bool


async def preview(actor: Actor, chosen: Chosen) -> Preview:
    """Look, and change nothing. A constant number of queries.

    Raises:
        NotFound, NothingToStop, TooMuchAtOnce.
    """
    found = await targets(actor, chosen)
    schedules = found.schedules
    ids = [row.id for row in schedules]
    rows = await stopping.living(ids, most=TOUCHED_MOST + 1)
    more, rows = len(rows) > TOUCHED_MOST, rows[:TOUCHED_MOST]
    planned: dict[UUID, list[Option]] = {}
    for some in found.by_organization().values():
        of_one = some.schedules
        here = {row.id for row in of_one}
        mine = [row for row in rows if row.schedule_id in here]
        planned |= await plans.plan(mine, of_one, but=frozenset(ids))
    touched = await _touched(actor, rows, planned)
    return Preview(
        schedules=await _halves(actor, schedules, rows),
        ahead=await diary.days(actor.consortium_id, found.ahead),
        touched=touched,
        more=more,
    )


async def _halves(
    actor: Actor, schedules: Sequence[Schedule], rows: Sequence[Appointment]
) -> list[Half]:
    county = await directory(actor.consortium_id)
    there: Any = await Appointment.filter(
        schedule_id__in=[row.id for row in schedules], status__in=(CHECKED_IN, CALLED)
    ).values_list("schedule_id", flat=True)
    halves = []
    for row in schedules:
        org, dept = (
            county.organizations.get(row.organization_id),
            county.departments.get(row.department_id),
        )
        doctor = county.doctors.get(row.practitioner_id) if row.practitioner_id else None
        halves.append(
            Half(
                id=row.id,
                organization=org.name if org else "",
                department=dept.name if dept else "",
                practitioner=doctor.name if doctor else None,
                held_on=row.held_on,
                period=row.period,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                booked=sum(one.schedule_id == row.id for one in rows),
                there=list(there).count(row.id),
            )
        )
    return halves


async def _touched(
    actor: Actor, rows: Sequence[Appointment], planned: dict[UUID, list[Option]]
) -> list[Touched]:
    slots = {row.slot_id for row in rows}
    slots |= {option.spot.slot_id for options in planned.values() for option in options}
    known = await booked_places.load(slots)
    patients = {row.patient_id for row in rows}
    names = dict(await Patient.filter(id__in=list(patients)).values_list("id", "name"))
    async with db.transaction():
        await note_read(actor, "suspension.previewed", patients)
    return [
        Touched(
            appointment_id=row.id,
            patient_name=mask_name(names[row.patient_id]),
            place=known[row.slot_id],
            owed=plans.is_owed(row),
            candidates=tuple(
                _candidate(known[option.spot.slot_id], option) for option in planned.get(row.id, [])
            ),
        )
        for row in rows
    ]


def _candidate(place: Place, option: Option) -> Candidate:
    until = stopped_hold_until(option.policy, starts_at=option.spot.starts_at, now=clock.now())
    return Candidate(place=place, held_until=until)
