"""Suspensions as staff see them: the list, and one with what became of it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from backend import clock, db
from backend.booking import ahead, stopping
from backend.booking.ahead import HalfDay
from backend.consortium.directory import directory
from backend.errors import NotFound
from backend.identity.access import Actor
from backend.suspension import policy
from backend.suspension.chosen import RIGHT
from backend.suspension.models import SuspendedSchedule, Suspension

GONE = "已停用的科室"
LEFT_MOST = 1000  # counted no further
Cursor = tuple[datetime, UUID]

COUNTS = """
SELECT suspension_id, count(*) AS touched,
  sum(CASE WHEN reached_at IS NULL THEN 0 ELSE 1 END) AS reached,
  sum(CASE WHEN outcome = 'undone' THEN 1 ELSE 0 END) AS restored
FROM suspension_case WHERE {among} GROUP BY suspension_id
"""


class Half(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule that is or was stopped."""

    id: UUID
    department: str
    practitioner: str | None
    held_on: Any
    period: str


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A half-day that is not published, and will not be."""

    held_on: date
    period: str
    department: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """`touched` patients, of whom `reached` know. `undo_until`: UTC, None once it is too late."""

    id: UUID
    organization_id: UUID
    organization: str
    state: str
    reason: str
    created_at: datetime
    undone_at: datetime | None
    undo_until: datetime | None
    schedules: list[Half]
    touched: int
    reached: int
    restored: int
    ahead: list[Day] = []
    """Only where one suspension is shown, as the next."""
    left: int = 0
    """Visits that are still to be ended."""


async def list_of(actor: Actor, *, after: Cursor | None, most: int) -> list[Entry]:
    """The latest first, of the actor's institutions. Raises NotFound: the right is missing."""
    actor.must(RIGHT)
    where = actor.where(RIGHT)
    wanted = Suspension.filter(consortium_id=actor.consortium_id)
    if where is not None:
        wanted = wanted.filter(organization_id__in=list(where))
    if after is not None:
        at, last = after
        wanted = wanted.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=last))
    return await _entries(actor, await wanted.order_by("-created_at", "-id").limit(most))


async def show(actor: Actor, suspension_id: UUID) -> Entry:
    """One. Raises NotFound."""
    row = await Suspension.get_or_none(id=suspension_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    actor.must(RIGHT, row.organization_id)
    entry = (await _entries(actor, [row]))[0]
    closed = await days(actor.consortium_id, await ahead.closed_by(row.id))
    entry = msgspec.structs.replace(entry, ahead=closed)
    if row.state != policy.ACTIVE:
        return entry
    left = await stopping.living([half.id for half in entry.schedules], most=LEFT_MOST)
    return msgspec.structs.replace(entry, left=len(left))


async def days(consortium_id: UUID, found: Sequence[HalfDay]) -> list[Day]:
    """With the names of their departments."""
    departments = (await directory(consortium_id)).departments
    return [
        Day(
            held_on=day.held_on,
            period=day.period,
            department=departments[day.department_id].name
            if day.department_id in departments
            else GONE,
        )
        for day in found
    ]


async def _entries(actor: Actor, rows: list[Suspension]) -> list[Entry]:
    """A constant number of queries."""
    county = await directory(actor.consortium_id)
    ids = [row.id for row in rows]
    counts = {
        db.as_uuid(row["suspension_id"]): row
        for row in await db.fetch(COUNTS.format(among=db.among("suspension_id", "$1")), ids)
    }
    halves: dict[UUID, list[Half]] = {row.id: [] for row in rows}
    stopped = (
        await SuspendedSchedule.filter(suspension_id__in=ids)
        .select_related("schedule")
        .order_by("schedule__held_on", "schedule__starts_at", "id")
    )
    for one in stopped:
        dept = county.departments.get(one.schedule.department_id)
        doctor = county.doctors.get(one.schedule.practitioner_id or one.id)
        halves[one.suspension_id].append(
            Half(
                id=one.schedule_id,
                department=dept.name if dept else GONE,
                practitioner=doctor.name if doctor else None,
                held_on=one.schedule.held_on,
                period=one.schedule.period,
            )
        )
    return [_entry(row, county.organizations, counts.get(row.id), halves[row.id]) for row in rows]


def _entry(row: Suspension, orgs: Any, counted: db.Row | None, halves: list[Half]) -> Entry:
    org = orgs.get(row.organization_id)
    until = row.created_at + policy.UNDO
    possible = row.state == policy.ACTIVE and until > clock.now()
    return Entry(
        id=row.id,
        organization_id=row.organization_id,
        organization=org.name if org else "已停用的机构",
        state=row.state,
        reason=row.reason,
        created_at=row.created_at,
        undone_at=row.undone_at,
        undo_until=until if possible else None,
        schedules=halves,
        touched=int(counted["touched"]) if counted else 0,
        reached=int(counted["reached"]) if counted else 0,
        restored=int(counted["restored"]) if counted else 0,
    )
