"""What is to be stopped: schedules by name, or a doctor's days."""

from datetime import date, timedelta
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from backend import clock
from backend.booking.ahead import HalfDay, half_days
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


class Targets(msgspec.Struct, frozen=True, kw_only=True):
    """What is stopped: schedules by time, and the doctor's half-days that are not published yet."""

    schedules: list[Schedule]
    ahead: list[HalfDay] = []

    def by_organization(self) -> dict[UUID, "Targets"]:
        """A suspension belongs to one institution."""
        places: list[UUID] = [row.organization_id for row in self.schedules]
        places += [day.organization_id for day in self.ahead]
        return {
            place: Targets(
                schedules=[row for row in self.schedules if row.organization_id == place],
                ahead=[day for day in self.ahead if day.organization_id == place],
            )
            for place in dict.fromkeys(places)
        }


async def targets(actor: Actor, chosen: Chosen) -> Targets:
    """What is not over. A doctor's days are those in institutions for which one has the right.

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
    days = await _ahead(actor, chosen)
    if not rows and not days:
        raise NothingToStop
    if len(rows) + len(days) > SCHEDULES_MOST:
        raise TooMuchAtOnce(most=SCHEDULES_MOST)
    return Targets(schedules=rows, ahead=days)


async def _ahead(actor: Actor, chosen: Chosen) -> list[HalfDay]:
    if chosen.practitioner_id is None:
        return []
    first = chosen.from_on or clock.today()
    return await half_days(
        actor.consortium_id,
        chosen.practitioner_id,
        max(first, clock.today() + timedelta(days=1)),
        chosen.to_on or first,
        chosen.periods,
        within=actor.where(RIGHT),
    )


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
