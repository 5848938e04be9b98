"""Writing down what happens to an entry."""

from datetime import datetime
from uuid import UUID

from backend import audit, clock
from backend.booking.waitlist.models import WaitlistEntry, WaitlistEvent
from backend.identity.access import Actor
from backend.ids import new_id

DONE = {
    "join": "waitlist.joined",
    "offer": "waitlist.offered",
    "accept": "waitlist.accepted",
    "decline": "waitlist.declined",
    "lapse": "waitlist.lapsed",
    "withdraw": "waitlist.withdrawn",
    "leave": "waitlist.left",
    "expire": "waitlist.expired",
}


async def write_down(
    actor: Actor,
    entry: WaitlistEntry,
    action: str,
    *,
    appointment_id: UUID | None = None,
    slot_id: UUID | None = None,
    ahead: int | None = None,
    reason: str = "",
    at: datetime | None = None,
) -> None:
    """The event and the audit row of a change, in its transaction."""
    await WaitlistEvent.create(
        id=new_id(),
        consortium_id=entry.consortium_id,
        entry_id=entry.id,
        at=at or clock.now(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        action=action,
        appointment_id=appointment_id,
        slot_id=slot_id,
        ahead=ahead,
        reason=reason,
    )
    await audit.record(actor, DONE[action], entity_id=entry.id, patient_ids=[entry.patient_id])
