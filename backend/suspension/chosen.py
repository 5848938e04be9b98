"""What is to be stopped: schedules by name, or a doctor's days."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from backend import clock
from backend.booking.models import PERIODS, Schedule
from backend.consortium.directory import directory
from backend.errors import NotFound
from backend.identity.access import Actor
from backend.suspension.errors import NothingToStop, TooMuchAtOnce

SCHEDULES_MOST = 200
RIGHT = "schedule.suspend"


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Either `schedule_ids`, or the doctor's schedules from `from_on` to `to_on`, inclusive."""

    schedule_ids: tuple[UUID, ...] = ()
    practitioner_id: UUID | None = None
    from_on: date | None = None
    to_on: date | None = None
    periods: tuple[str, ...] = PERIODS


class Doctor(msgspec.Struct, frozen=True):
    """Whose days may be stopped, and where they work."""

    id: UUID
    name: str
    where: str


async def doctors(actor: Actor) -> list[Doctor]:
    """Those who work in institutions for which the actor has the right, by place and name."""
    actor.must(RIGHT)
    county = await directory(actor.consortium_id)
    found = []
    for doctor in county.doctors.values():
        where = [
            f"{county.organizations[role.organization_id].name} "
            f"{county.departments[role.department_id].name}"
            for role in doctor.roles
            if actor.may(RIGHT, role.organization_id)
        ]
        if where:
            found.append(Doctor(doctor.id, doctor.name, where[0]))
    return sorted(found, key=lambda doctor: (doctor.where, doctor.name))


async def schedules_of(actor: Actor, chosen: Chosen) -> list[Schedule]:
    """Those that are not over, by time.

    A doctor's days are those in institutions for which the actor has the right.

    Raises:
        NotFound: a schedule is not the actor's to stop.
        NothingToStop, TooMuchAtOnce.
    """
    actor.must(RIGHT)
    rows = (
        await Schedule.filter(
            _wanted(actor, chosen), consortium_id=actor.consortium_id, ends_at__gt=clock.now()
        )
        .order_by("held_on", "starts_at", "id")
        .limit(SCHEDULES_MOST + 1)
    )
    if not all(actor.may(RIGHT, row.organization_id) for row in rows):
        raise NotFound
    if not rows:
        raise NothingToStop
    if len(rows) > SCHEDULES_MOST:
        raise TooMuchAtOnce(most=SCHEDULES_MOST)
    return rows


def _wanted(actor: Actor, chosen: Chosen) -> Q:
    if chosen.practitioner_id is None:
        return Q(id__in=list(chosen.schedule_ids))
    days = Q(
        practitioner_id=chosen.practitioner_id,
        held_on__gte=chosen.from_on or clock.today(),
        held_on__lte=chosen.to_on or chosen.from_on or clock.today(),
        period__in=list(chosen.periods),
    )
    where = actor.where(RIGHT)
    return days if where is None else Q(days, organization_id__in=list(where))


def by_organization(schedules: Sequence[Schedule]) -> dict[UUID, list[Schedule]]:
    """Schedules of each institution: a suspension belongs to one."""
    groups: dict[UUID, list[Schedule]] = {}
    for row in schedules:
        groups.setdefault(row.organization_id, []).append(row)
    return groups
