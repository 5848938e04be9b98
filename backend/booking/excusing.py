"""豁免: taking a no-show or a cancellation that counts back; the caller locks the patient."""

from tortoise.expressions import Q

from backend import audit
from backend.booking import events
from backend.booking.models import Appointment
from backend.booking.policy import EXCUSED, NO_SHOW
from backend.identity.access import Actor

# What can be taken back. A place is free of it at once: nobody was there.
CHARGED = Q(status=NO_SHOW) | Q(late_cancel=True) | Q(counted_cancel=True)


async def excuse(actor: Actor, row: Appointment, reason: str) -> bool:
    """Let it count for nothing, inside the caller's transaction. False: nothing counted.

    `row` as it was read under the patient's lock. Its `changed_at` stays: it says when it happened.
    """
    still = Appointment.filter(CHARGED, id=row.id, status=row.status)
    after = EXCUSED if row.status == NO_SHOW else row.status
    if not await still.update(status=after, late_cancel=False, counted_cancel=False):
        return False
    await events.note(
        actor, row.id, "excuse", row.status, after, from_slot_id=row.slot_id, reason=reason
    )
    await audit.record(actor, "appointment.excused", entity_id=row.id, patient_ids=[row.patient_id])
    return True
