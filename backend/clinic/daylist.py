"""当日名单: a day's schedules with their counts, and who comes to them, doctor by doctor."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from backend import db
from backend.booking.models import Schedule
from backend.clinic import queue, reach
from backend.clinic.queue import Header, Waiting
from backend.identity.access import Actor, note_read

SCHEDULES_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A schedule of a day. Counts of people: booked and not there, in the line, seen."""

    header: Header
    expected: int
    waiting: int
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A schedule's list on paper."""

    header: Header
    rows: list[Waiting]


async def schedules_of(actor: Actor, on: date) -> list[Day]:
    """The day's schedules that the actor has to do with, in the order of time.

    Raises NotFound: the actor has nothing to do with any day.
    """
    schedules = await _schedules(actor, on)
    counts = await _counts([schedule.id for schedule in schedules])
    days = []
    for schedule in schedules:
        expected, waiting, seen = counts.get(schedule.id, (0, 0, 0))
        days.append(
            Day(header=await queue.header(schedule), expected=expected, waiting=waiting, seen=seen)
        )
    return days


async def _schedules(actor: Actor, on: date, **which: UUID) -> list[Schedule]:
    mine = Schedule.filter(await reach.of(actor, "clinic.day"), held_on=on, **which)
    return await mine.order_by("starts_at", "department_id", "id").limit(SCHEDULES_MOST)


async def _counts(ids: list[UUID]) -> dict[UUID, tuple[int, int, int]]:
    rows = await db.fetch(
        "SELECT schedule_id, sum(CASE WHEN status = 'booked' THEN 1 ELSE 0 END) AS expected,"
        " sum(CASE WHEN status IN ('checked_in', 'called') THEN 1 ELSE 0 END) AS waiting,"
        " sum(CASE WHEN status = 'fulfilled' THEN 1 ELSE 0 END) AS seen"
        f" FROM appointment WHERE {db.among('schedule_id', '$1')} GROUP BY schedule_id",
        ids,
    )
    return {
        db.as_uuid(row["schedule_id"]): (row["expected"], row["waiting"], row["seen"])
        for row in rows
    }


async def of(
    actor: Actor,
    on: date,
    *,
    practitioner_id: UUID | None = None,
    department_id: UUID | None = None,
) -> list[Sheet]:
    """Who comes that day: of one doctor, of one department, or of all whom the actor may see.

    A fixed number of queries, and an audit row for each patient.

    Raises:
        NotFound: the actor has nothing to do with any day.
    """
    wanted = {"practitioner_id": practitioner_id, "department_id": department_id}
    schedules = await _schedules(actor, on, **{key: of for key, of in wanted.items() if of})
    people = await queue.people(schedules)
    async with db.transaction():
        read = {row.patient_id for rows in people.values() for row in rows}
        await note_read(actor, "daylist.read", read)
    return [
        Sheet(header=await queue.header(schedule), rows=people[schedule.id])
        for schedule in schedules
    ]
