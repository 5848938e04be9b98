"""What happened to an appointment, as it is written down: who, what, from where to where, why."""

from typing import Any
from uuid import UUID

from backend import clock
from backend.booking.models import AppointmentEvent
from backend.identity.access import Actor
from backend.ids import new_id


async def note(
    actor: Actor,
    appointment_id: UUID,
    action: str,
    before: str | None,
    after: str,
    *,
    reason: str = "",
    **slots: Any,
) -> None:
    """The event row of a change, in its transaction. `slots`: `from_slot_id`, `to_slot_id`."""
    await AppointmentEvent.create(
        id=new_id(),
        consortium_id=actor.consortium_id,
        appointment_id=appointment_id,
        at=clock.now(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        action=action,
        from_status=before,
        to_status=after,
        reason=reason,
        **slots,
    )
