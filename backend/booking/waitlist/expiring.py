"""Waits whose last day has passed end; and what another room did to an offer is caught up with."""

from uuid import UUID

from backend import clock, db
from backend.booking.policy import CANCELLED
from backend.booking.waitlist import answers
from backend.booking.waitlist.models import WaitlistEntry
from backend.booking.waitlist.policy import WAITING
from backend.identity.access import Actor

CHUNK = 100  # entries in one transaction

ASTRAY = """
SELECT e.appointment_id AS id, a.status FROM waitlist_entry e
JOIN appointment a ON a.id = e.appointment_id
WHERE e.consortium_id = $1 AND e.state = 'offered' AND a.status <> 'pending' LIMIT $2
"""


async def expire(consortium_id: UUID) -> int:
    """End what is over and mend what went astray; a limited number a call. Returns how many."""
    return await _mend(consortium_id) + await _end_old(consortium_id)


async def _end_old(consortium_id: UUID) -> int:
    old = WaitlistEntry.filter(consortium_id=consortium_id, state=WAITING, to_on__lt=clock.today())
    async with db.transaction():
        rows = await old.order_by("id").limit(CHUNK).select_for_update(no_key=True)
        actor = Actor.system(consortium_id)
        return sum([await answers.end(actor, row, "over") for row in rows])


async def _mend(consortium_id: UUID) -> int:
    """Offers that were cancelled or settled by a room that does not know of the line."""
    rows = await db.fetch(ASTRAY, consortium_id, CHUNK)
    if not rows:
        return 0
    actor = Actor.system(consortium_id)
    async with db.transaction():
        for row in rows:
            appointment_id = db.as_uuid(row["id"])
            if row["status"] == CANCELLED:
                await answers.withdrawn(actor, appointment_id, "offer-cancelled")
            else:
                await answers.accepted(actor, appointment_id)
    return len(rows)
