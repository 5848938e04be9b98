"""Finds what happened to appointments and tells whoever cares for the patient.

A scan and not a part of booking: booking never waits for it, and nothing is lost with it. Event ids
are in the order of their making, so the scan goes on from the last one it told of. A little before
that it looks again, because a transaction may commit after a younger one.
"""

from datetime import timedelta
from uuid import UUID

from backend import clock, db
from backend.ids import before, new_id
from backend.notices import KEPT, Notice

CHUNK = 500  # notices written in one transaction
CHUNKS_MOST = 40
LATE = timedelta(seconds=15)  # how much later than its id an event may show itself
LATEST = timedelta(hours=25)  # for the pass that mends what a long stall has left out
# Action and states of an event, and what is told of it. To hold a place and let it go is no news.
TOLD = {
    "book  booked": "booked",
    "confirm pending booked": "booked",
    "move booked booked": "moved",
    "cancel booked cancelled": "cancelled",
    "expire pending cancelled": "hold_expired",
    "lapse pending cancelled": "offer_lapsed",
    "offer  pending": "offered",
    "stop booked cancelled": "stopped",
    "stop pending cancelled": "stopped",
    "restore cancelled booked": "restored",
    "restore cancelled pending": "restored",
}
_KEYS = [f"'{key}'" for key in TOLD]

FIND = f"""
SELECT e.id, e.consortium_id, e.appointment_id, e.at, a.patient_id, c.account_id,
  e.action || ' ' || COALESCE(e.from_status, '') || ' ' || e.to_status AS what
FROM appointment_event e JOIN appointment a ON a.id = e.appointment_id
JOIN carer c ON c.patient_id = a.patient_id AND c.state = 'active' AND c.created_at <= e.at
  AND (c.expires_at IS NULL OR c.expires_at > $1)
WHERE e.id > $2 AND e.at > $3
  AND e.action || ' ' || COALESCE(e.from_status, '') || ' ' || e.to_status IN ({", ".join(_KEYS)})
  AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.event_id = e.id AND n.account_id = c.account_id)
ORDER BY e.id LIMIT $4
"""


async def scan(late: timedelta = LATE) -> int:
    """Tell of what is new; a limited number a call. Returns how many notices."""
    told = await Notice.filter(event_id__not_isnull=True).order_by("-event_id").first()
    since = before(told.event_id, late) if told and told.event_id else UUID(int=0)
    total = 0
    for _ in range(CHUNKS_MOST):
        found = await _find(since)
        if found:
            async with db.transaction():
                await Notice.bulk_create((_notice(row) for row in found), ignore_conflicts=True)
        total += len(found)
        if len(found) < CHUNK:
            break
        # Not from the start again: only the last event may have more carers to be told.
        since = before(db.as_uuid(found[-1]["id"]), timedelta())
    return total


async def _find(since: UUID) -> list[db.Row]:
    now = clock.now()
    wanted = (now, since, now - KEPT, CHUNK)
    if db.is_sqlite():
        return await db.fetch(FIND, *wanted)
    async with db.transaction():
        # Planned each time: a plan made while there are few notices is quadratic with many.
        await db.fetch("SET LOCAL plan_cache_mode = force_custom_plan")
        return await db.fetch(FIND, *wanted)


def _notice(row: db.Row) -> Notice:
    return Notice(
        id=new_id(),
        consortium_id=db.as_uuid(row["consortium_id"]),
        account_id=db.as_uuid(row["account_id"]),
        kind=TOLD[row["what"]],
        patient_id=db.as_uuid(row["patient_id"]),
        subject_id=db.as_uuid(row["appointment_id"]),
        event_id=db.as_uuid(row["id"]),
        at=db.as_instant(row["at"]),
    )
