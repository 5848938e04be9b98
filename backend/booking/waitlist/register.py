"""候补 as staff see it: who waits where, in order, and which places the line was asked about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from backend import db
from backend.booking.waitlist.policy import LIVING
from backend.consortium.directory import directory
from backend.identity.access import Actor, note_read
from backend.identity.documents import mask_name

RIGHT = "waitlist.read"
MOST = 200  # shown of one list
PLACES_MOST = 50

# $1 consortium, $2 states, $3 departments.
WHO = """
SELECT DISTINCT e.id, e.state, e.patient_id, p.name, e.group_size, e.from_on, e.to_on, e.priority,
  e.joined_at, e.offers FROM waitlist_entry e
JOIN patient p ON p.id = e.patient_id
JOIN waitlist_choice c ON c.entry_id = e.id
WHERE e.consortium_id = $1 AND {states} AND {departments}
ORDER BY e.priority DESC, e.joined_at, e.id LIMIT $4
"""

# $1 consortium, $2 departments. The last places that came back while somebody waited.
ASKED = """
SELECT v.slot_id, s.department_id, s.held_on, sl.starts_at, max(v.at) AS at FROM waitlist_event v
JOIN slot sl ON sl.id = v.slot_id JOIN schedule s ON s.id = sl.schedule_id
WHERE v.consortium_id = $1 AND v.action IN ('offer', 'pass') AND {departments}
GROUP BY v.slot_id, s.department_id, s.held_on, sl.starts_at ORDER BY max(v.at) DESC LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry. Dates in Asia/Shanghai, inclusive; instants in UTC."""

    id: UUID
    state: str
    patient: str
    group_size: int
    from_on: date
    to_on: date
    priority: int
    joined_at: datetime
    offers: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A slot of which places came back while somebody waited; `at` the last time."""

    slot_id: UUID
    department: str
    starts_at: datetime
    at: datetime


async def departments(actor: Actor) -> list[tuple[str, str]]:
    """(id, name with institution) of those whose line the actor may see. Raises NotFound."""
    actor.must(RIGHT)
    mine = actor.where(RIGHT)
    county = await directory(actor.consortium_id)
    found = [
        (str(dept.id), f"{county.organizations[dept.organization_id].name} {dept.name}")
        for dept in county.departments.values()
        if mine is None or dept.organization_id in mine
    ]
    return sorted(found, key=lambda one: one[1])


async def line_of(
    actor: Actor, *, department_id: UUID | None, state: str | None
) -> tuple[list[Line], list[Asked]]:
    """Who waits (or, with `state`, is in that one), the first first, and places to prove.

    Raises:
        NotFound: the actor may not see that department's line.
    """
    allowed = [UUID(one) for one, _ in await departments(actor)]
    if department_id is not None:
        county = await directory(actor.consortium_id)
        dept = county.departments.get(department_id)
        actor.must(RIGHT, dept.organization_id if dept else department_id)
        allowed = [department_id]
    rows = await db.fetch(
        WHO.format(
            states=db.among("e.state", "$2", "text"),
            departments=db.among("c.department_id", "$3"),
        ),
        actor.consortium_id, [state] if state else list(LIVING), allowed, MOST,
    )  # fmt: skip
    async with db.transaction():
        await note_read(actor, "waitlist.read", {db.as_uuid(row["patient_id"]) for row in rows})
    return [_line(row) for row in rows], await _asked(actor, allowed)


async def _asked(actor: Actor, allowed: Sequence[UUID]) -> list[Asked]:
    county = await directory(actor.consortium_id)
    rows = await db.fetch(
        ASKED.format(departments=db.among("s.department_id", "$2")),
        actor.consortium_id, list(allowed), PLACES_MOST,
    )  # fmt: skip
    return [
        Asked(
            db.as_uuid(row["slot_id"]),
            county.departments[db.as_uuid(row["department_id"])].name,
            db.as_instant(row["starts_at"]),
            db.as_instant(row["at"]),
        )
        for row in rows
    ]


def _line(row: db.Row) -> Line:
    return Line(
        db.as_uuid(row["id"]),
        row["state"],
        mask_name(row["name"]),
        row["group_size"],
        db.as_date(row["from_on"]),
        db.as_date(row["to_on"]),
        row["priority"],
        db.as_instant(row["joined_at"]),
        row["offers"],
    )
