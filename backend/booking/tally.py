"""A day in figures, for those who run it: schedules, places and what is taken of them."""

from datetime import date
from typing import Any

import msgspec

from backend import db
from backend.errors import NotFound
from backend.identity.access import Actor

READ = "schedule.read"


class Tally(msgspec.Struct, frozen=True):
    """`places` and `taken` (held ones too) are those of schedules that are held."""

    schedules: int
    suspended: int
    places: int
    taken: int


async def of_day(actor: Actor, on: date, *, own: bool = False) -> Tally:
    """The institutions of which the actor may read schedules, or (`own`) the doctor's own.

    One query, however many schedules there are.

    Raises NotFound: the actor may read none.
    """
    actor.must(READ)
    if own and actor.practitioner_id is None:
        raise NotFound
    where, values = ["s.consortium_id = $1", "s.held_on = $2"], list[Any]([actor.consortium_id, on])
    within = actor.where(READ)
    if own:
        where.append("s.practitioner_id = $3")
        values.append(actor.practitioner_id)
    elif within is not None:
        where.append(db.among("s.organization_id", "$3"))
        values.append(sorted(within, key=str))
    rows = await db.fetch(
        "SELECT s.status, count(DISTINCT s.id) AS schedules, sum(p.capacity) AS places,"
        " sum(p.booked) AS taken"
        " FROM schedule s LEFT JOIN slot p ON p.schedule_id = s.id"
        f" WHERE {' AND '.join(where)} GROUP BY s.status",
        *values,
    )
    by_status = {row["status"]: row for row in rows}
    held = by_status.get("open")
    stopped = by_status.get("suspended")
    return Tally(
        int(held["schedules"]) if held else 0,
        int(stopped["schedules"]) if stopped else 0,
        int(held["places"] or 0) if held else 0,
        int(held["taken"] or 0) if held else 0,
    )
