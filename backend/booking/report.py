"""号源报表: how far the places of each pool were used, and how many were kept for nobody.

A place is counted in every pool through which it was offered: one that flowed back stands in its
own pool and in the public's. Weeks begin on Monday; days are days in China.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from backend import clock, db
from backend.booking.pools import POOLS, PRIORITY
from backend.consortium.directory import directory
from backend.consortium.models import TIERS
from backend.errors import Malformed
from backend.identity.access import Actor

RIGHT = "report.read"
WEEKS_MOST = 26
ROWS_MOST = 5000
VERSION = "pools@1"  # of the formulas, shown beside the figures

ON_SQLITE = "date(s.held_on, '-6 days', 'weekday 1')"
ON_POSTGRES = "s.held_on - (EXTRACT(ISODOW FROM s.held_on)::int - 1)"

# $1 consortium, $2 first and $3 last day, $4 now, $5 how many, $6 institutions (all: not asked).
# Statuses: whoever checked in has used the place; holds that passed their time have not.
SLOTS = """
SELECT sl.id, sl.schedule_id, sl.pool, sl.capacity, sl.booked, sl.starts_at, s.organization_id,
  s.department_id, {week} AS week
FROM slot sl JOIN schedule s ON s.id = sl.schedule_id
WHERE s.consortium_id = $1 AND s.held_on BETWEEN $2 AND $3 {within}
"""
BY_POOL = """
WITH place AS ({slots})
SELECT place.organization_id, place.department_id, place.pool, place.week,
  CAST(SUM(place.capacity + COALESCE(gone.places, 0)) AS integer) AS offered,
  CAST(SUM(place.booked) AS integer) AS booked,
  CAST(SUM(COALESCE(used.places, 0)) AS integer) AS consumed,
  CAST(SUM(COALESCE(gone.places, 0)) AS integer) AS returned,
  CAST(SUM(COALESCE(gone.late, 0)) AS integer) AS late,
  CAST(SUM(CASE WHEN place.starts_at <= $4 THEN place.capacity - place.booked ELSE 0 END)
    AS integer) AS unused
FROM place
LEFT JOIN (
  SELECT from_slot_id AS slot_id, SUM(places) AS places,
    SUM(CASE WHEN in_time THEN 0 ELSE places END) AS late
  FROM pool_return WHERE schedule_id IN (SELECT schedule_id FROM place)
  GROUP BY from_slot_id) gone ON gone.slot_id = place.id
LEFT JOIN (
  SELECT slot_id, COUNT(*) AS places FROM appointment
  WHERE schedule_id IN (SELECT schedule_id FROM place)
    AND status IN ('checked_in', 'called', 'fulfilled')
  GROUP BY slot_id) used ON used.slot_id = place.id
GROUP BY place.organization_id, place.department_id, place.pool, place.week
ORDER BY place.week DESC, place.organization_id, place.department_id, place.pool LIMIT $5
"""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Both halves of a figure; `percent` None where nothing was there to count."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        return round(100 * self.part / self.whole, 1) if self.whole else None


@dataclass(frozen=True, slots=True)
class Line:
    """One pool of a department in one week. Places.

    `offered`: published in the pool, or flown into it. `booked`: held and booked now. `consumed`:
    checked in and beyond. `returned`: flown on, `late` of them when nobody could take them any
    more. `unused`: still here when their time began.
    """

    organization: str
    department: str
    pool: str
    week_on: date
    offered: int
    booked: int
    consumed: int
    returned: int
    late: int
    unused: int

    @property
    def utilisation(self) -> Ratio:
        """号源利用率: consumed ÷ offered."""
        return Ratio(self.consumed, self.offered)

    @property
    def leakage(self) -> Ratio | None:
        """Kept for nobody ÷ offered; None for pools that are nobody's priority."""
        if self.pool not in PRIORITY:
            return None
        return Ratio(self.unused + self.late, self.offered)


async def pools_by_week(
    actor: Actor, *, from_on: date, to_on: date, organization_id: UUID | None = None
) -> list[Line]:
    """Whole weeks from that of `from_on` to that of `to_on`, the latest first.

    Raises:
        NotFound: the institution's figures are not the actor's to see.
        Malformed: more than `WEEKS_MOST` weeks, or none.
    """
    actor.must(RIGHT, organization_id)
    first, last = monday(from_on), monday(to_on) + timedelta(days=6)
    if not first < last <= first + timedelta(weeks=WEEKS_MOST):
        raise Malformed(f"请选 1 到 {WEEKS_MOST} 周。", field="to_on")
    places = actor.where(RIGHT) if organization_id is None else frozenset({organization_id})
    values: list[Any] = [actor.consortium_id, first, last, clock.now(), ROWS_MOST]
    within = ""
    if places is not None:
        values.append(list(places))
        within = f"AND {db.among('s.organization_id', '$6')}"
    week = ON_SQLITE if db.is_sqlite() else ON_POSTGRES
    rows = await db.fetch(BY_POOL.format(slots=SLOTS.format(week=week, within=within)), *values)
    return await _lines(actor, rows)


def monday(on: date) -> date:
    return on - timedelta(days=on.weekday())


async def _lines(actor: Actor, rows: list[db.Row]) -> list[Line]:
    """By week, then hospitals before townships and villages."""
    county = await directory(actor.consortium_id)
    found: list[tuple[tuple[Any, ...], Line]] = []
    for row in rows:
        org = county.organizations.get(db.as_uuid(row["organization_id"]))
        dept = county.departments.get(db.as_uuid(row["department_id"]))
        counted = ("offered", "booked", "consumed", "returned", "late", "unused")
        line = Line(
            org.name if org else "已停用的机构",
            dept.name if dept else "已停用的科室",
            row["pool"],
            db.as_date(row["week"]),
            **{name: int(row[name]) for name in counted},
        )
        tier = TIERS.index(org.tier) if org else len(TIERS)
        names = (line.organization, line.department, POOLS.index(line.pool))
        found.append(((-line.week_on.toordinal(), tier, *names), line))
    return [line for _, line in sorted(found, key=lambda pair: pair[0])]


def totals(lines: list[Line]) -> list[Line]:
    """One line for each pool, over everything that is listed."""
    found = []
    for pool in POOLS:
        of_pool = [line for line in lines if line.pool == pool]
        if of_pool:
            found.append(
                Line(
                    "",
                    "",
                    pool,
                    min(line.week_on for line in of_pool),
                    sum(line.offered for line in of_pool),
                    sum(line.booked for line in of_pool),
                    sum(line.consumed for line in of_pool),
                    sum(line.returned for line in of_pool),
                    sum(line.late for line in of_pool),
                    sum(line.unused for line in of_pool),
                )
            )
    return found
