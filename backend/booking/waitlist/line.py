"""Who stands in line for a place, in which order, and what speaks against each of them.

The order is priority, then who joined earlier, then the entry's id: total, so that anybody can
recompute it (`proof.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from backend import clock, db
from backend.booking.places import Place
from backend.booking.policy import BARRED_KIND, BARRED_TIER, Policy
from backend.booking.sql import LIVING
from backend.booking.waitlist import policy as rules

SEEN_MOST = 500  # of a line, for one place; the rest is told as a warning

# A choice accepts a place by its department, and by its doctor where it names one.
ACCEPTS = "(c.practitioner_id IS NULL OR c.practitioner_id = s.practitioner_id)"
FITS = """s.held_on BETWEEN e.from_on AND e.to_on AND (e.kind IS NULL OR e.kind = s.kind)
  AND e.periods LIKE '%' || s.period || '%'"""

# Only public places: a pool's own place stays in its pool, and so comes to a referral first.
WANTED = f"""
SELECT sl.id FROM slot sl JOIN schedule s ON s.id = sl.schedule_id
WHERE {{among}} AND sl.pool = 'public' AND EXISTS (
  SELECT 1 FROM waitlist_choice c JOIN waitlist_entry e ON e.id = c.entry_id
  WHERE c.department_id = s.department_id AND {ACCEPTS} AND e.state = 'waiting' AND {FITS})
"""

# $1 the slot, $2 now. One query for the whole line, however long.
LINE = f"""
SELECT e.id, e.patient_id, e.account_id, e.group_id,
  EXISTS (SELECT 1 FROM waitlist_event v WHERE v.entry_id = e.id AND v.slot_id = $1
    AND v.action IN ('decline', 'lapse')) AS refused,
  EXISTS (SELECT 1 FROM appointment a WHERE a.patient_id = e.patient_id
    AND a.schedule_id = s.id AND a.{LIVING}
    AND NOT (a.status = 'pending' AND a.held_until <= $2)) AS earlier,
  (SELECT count(*) FROM appointment a WHERE a.patient_id = e.patient_id
    AND a.held_on = s.held_on AND a.{LIVING}
    AND NOT (a.status = 'pending' AND a.held_until <= $2)) AS of_day,
  (SELECT count(*) FROM appointment a WHERE a.patient_id = e.patient_id
    AND a.held_on = s.held_on AND a.department_id = s.department_id AND a.{LIVING}
    AND NOT (a.status = 'pending' AND a.held_until <= $2)) AS of_department,
  (s.kind = '{BARRED_KIND}'
    AND EXISTS (SELECT 1 FROM organization o WHERE o.id = s.organization_id
      AND o.tier = '{BARRED_TIER}')
    AND EXISTS (SELECT 1 FROM restriction r
    WHERE r.patient_id = e.patient_id AND r.kind = s.kind AND r.until_at > $2
    AND r.lifted_at IS NULL)) AS barred,
  EXISTS (SELECT 1 FROM carer k WHERE k.patient_id = e.patient_id AND k.state = 'active'
    AND k.scope IN ('book', 'manage') AND (k.expires_at IS NULL OR k.expires_at > $2)) AS cared
FROM slot sl JOIN schedule s ON s.id = sl.schedule_id
JOIN waitlist_entry e ON e.id IN (SELECT c.entry_id FROM waitlist_choice c
  WHERE c.department_id = s.department_id AND {ACCEPTS})
WHERE sl.id = $1 AND sl.open AND sl.booked < sl.capacity AND s.status = 'open'
  AND e.state = 'waiting' AND {FITS}
ORDER BY e.priority DESC, e.joined_at, e.id LIMIT {SEEN_MOST}
"""

# $1 entries. Waiting entries before each that accept one of the same choices on one of its days.
AHEAD = """
SELECT mine.id, (
  SELECT count(*) FROM waitlist_entry e
  WHERE e.consortium_id = mine.consortium_id AND e.state = 'waiting'
    AND e.group_id <> mine.group_id AND e.from_on <= mine.to_on AND e.to_on >= mine.from_on
    AND (e.kind IS NULL OR mine.kind IS NULL OR e.kind = mine.kind)
    AND (e.priority > mine.priority OR (e.priority = mine.priority
      AND (e.joined_at, e.id) < (mine.joined_at, mine.id)))
    AND EXISTS (SELECT 1 FROM waitlist_choice c JOIN waitlist_choice o ON o.entry_id = mine.id
      AND o.department_id = c.department_id AND (o.practitioner_id IS NULL
        OR c.practitioner_id IS NULL OR o.practitioner_id = c.practitioner_id)
      WHERE c.entry_id = e.id)) AS ahead
FROM waitlist_entry mine WHERE {among} AND mine.state = 'waiting'
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """One in line, and what would speak against them for this place."""

    entry_id: UUID
    patient_id: UUID
    account_id: UUID
    group_id: UUID
    refused: bool
    earlier: bool
    of_day: int
    of_department: int
    barred: bool
    cared: bool

    def against(self, policy: Policy) -> str | None:
        """Why the place is not for them; None: it fits."""
        reasons = (
            (self.refused, rules.REFUSED),
            (not self.cared, rules.NOBODY),
            (self.earlier, rules.EARLIER),
            (self.barred, rules.BARRED),
            (self.of_department >= policy.per_department_day, rules.DEPARTMENT),
            (self.of_day >= policy.per_day, rules.DAY),
        )
        return next((reason for speaks, reason in reasons if speaks), None)


async def wanted(slot_ids: Iterable[UUID]) -> set[UUID]:
    """Those slots for which anybody waits: one look for all, soon over where nobody does."""
    asked = list(set(slot_ids))
    if not asked:
        return set()
    rows = await db.fetch(WANTED.format(among=db.among("sl.id", "$1")), asked)
    return {db.as_uuid(row["id"]) for row in rows}


async def of(place: Place) -> list[list[Standing]]:
    """The line for one place, the first first; those who came together stand together.

    Empty where the slot has no room or is shut.
    """
    rows = await db.fetch(LINE, place.slot_id, clock.now())
    return [list(group) for _, group in groupby(map(_standing, rows), lambda one: one.group_id)]


def _standing(row: Any) -> Standing:
    return Standing(
        entry_id=db.as_uuid(row["id"]),
        patient_id=db.as_uuid(row["patient_id"]),
        account_id=db.as_uuid(row["account_id"]),
        group_id=db.as_uuid(row["group_id"]),
        refused=bool(row["refused"]),
        earlier=bool(row["earlier"]),
        of_day=row["of_day"],
        of_department=row["of_department"],
        barred=bool(row["barred"]),
        cared=bool(row["cared"]),
    )


async def ahead(entry_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many wait before each entry for one of the same choices. Only of those that wait."""
    if not entry_ids:
        return {}
    rows = await db.fetch(AHEAD.format(among=db.among("mine.id", "$1")), list(entry_ids))
    return {db.as_uuid(row["id"]): row["ahead"] for row in rows}
