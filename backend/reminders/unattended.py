"""没人管的随访: planned by a doctor who works here no more, for somebody without a family doctor.

They are in no doctor's list. The administrator of the institution where it was begun sees them, and
signs a contract with another doctor, whose list they are in from then on.
"""

from datetime import date
from uuid import UUID

import msgspec

from backend import clock, db
from backend.consortium.models import Organization
from backend.identity.access import Actor, note_read
from backend.identity.documents import mask_name
from backend.reminders.follow_ups import RIGHT as FOLLOWS
from backend.reminders.follow_ups import Cursor, Look, look_of
from backend.reminders.models import FollowUp
from backend.staff.models import Staff
from backend.staff.rights import RIGHTS

RIGHT = "plan.oversee"
ROLES = [role for role, rights in RIGHTS.items() if FOLLOWS in rights]
NO_DAY, NOBODY = date(1900, 1, 1), UUID(int=0)


class Left(msgspec.Struct, frozen=True):
    """`doctor`: who began it."""

    look: Look
    doctor: str


async def list_of(actor: Actor, *, after: Cursor | None, most: int) -> list[Left]:
    """Of the actor's institutions, what falls due first. Leaves audit rows.

    Raises NotFound: the actor oversees none.
    """
    actor.must(RIGHT)
    places, (on, last) = actor.where(RIGHT), after or (NO_DAY, NOBODY)
    within = [] if places is None else [list(await _with_closed(actor, places))]
    rows = await db.fetch(
        _query(everywhere=places is None),
        actor.consortium_id, ROLES, clock.today(), on, last, most, *within,
    )  # fmt: skip
    ids = [db.as_uuid(row["id"]) for row in rows]
    found = FollowUp.filter(id__in=ids).order_by("due_on", "id")
    looks = await found.select_related("plan", "patient") if ids else []
    async with db.transaction():
        await note_read(actor, "follow_up.listed", {row.patient_id for row in looks})
    staff = await Staff.filter(id__in=list({row.staff_id for row in looks})) if looks else []
    names = {row.id: row.name for row in staff}
    return [
        Left(
            msgspec.structs.replace(
                look_of(row, row.plan, row.patient), patient_name=mask_name(row.patient.name)
            ),
            names.get(row.staff_id, ""),
        )
        for row in looks
    ]


async def _with_closed(actor: Actor, places: frozenset[UUID]) -> frozenset[UUID]:
    """Also those below them that are closed by now: rights no longer name them, and it is there
    that doctors have left."""
    closed = await Organization.filter(consortium_id=actor.consortium_id, active=False)
    found = places
    while below := {one.id for one in closed if one.parent_id in found} - found:
        found |= below
    return found


def _query(*, everywhere: bool) -> str:
    """$1 consortium, $2 roles that follow up, $3 today, $4 and $5 the last row of the page before,
    $6 how many; $7 institutions, if not everywhere."""
    follows = db.among("r.role", "$2", "text")
    works = f"s.disabled_at IS NULL AND r.ended_at IS NULL AND {follows}"
    there = "TRUE" if everywhere else db.among("r.organization_id", "$7")
    return f"""
SELECT DISTINCT f.due_on, f.id FROM staff_role r
JOIN follow_up f ON f.staff_id = r.staff_id AND f.state = 'planned'
JOIN follow_up_plan p ON p.id = f.plan_id
WHERE f.consortium_id = $1 AND {follows} AND {there}
AND r.granted_at <= p.created_at AND (r.ended_at IS NULL OR r.ended_at > p.created_at)
AND (f.due_on > $4 OR (f.due_on = $4 AND f.id > $5))
AND NOT EXISTS (
  SELECT 1 FROM staff s JOIN staff_role r ON r.staff_id = s.id WHERE s.id = f.staff_id AND {works}
) AND NOT EXISTS (
  SELECT 1 FROM family_doctor_contract c
  JOIN staff s ON s.practitioner_id = c.practitioner_id JOIN staff_role r ON r.staff_id = s.id
  WHERE c.patient_id = f.patient_id AND c.ended_at IS NULL AND c.from_on <= $3
  AND (c.to_on IS NULL OR c.to_on >= $3) AND {works}
) ORDER BY f.due_on, f.id LIMIT $6
"""
