"""What becomes of an entry when its offer is taken, left or missed. In the transaction of that."""

from uuid import UUID

from tortoise.queryset import QuerySet

from backend import clock, notices
from backend.booking import policies
from backend.booking.models import Appointment
from backend.booking.waitlist import diary
from backend.booking.waitlist.models import WaitlistEntry, WaitlistEvent
from backend.booking.waitlist.policy import EXPIRED, OFFERED, PLACED, WAITING
from backend.consortium.models import Organization
from backend.identity.access import Actor, carers_of


async def accepted(actor: Actor, appointment_id: UUID) -> None:
    """Taken: the wait has reached its end."""
    await _move(actor, appointment_id, "accept", PLACED)


async def declined(actor: Actor, appointment_id: UUID) -> None:
    """Not wanted: back to the same place in line. Never counted against anybody."""
    await _move(actor, appointment_id, "decline", WAITING)


async def withdrawn(actor: Actor, appointment_id: UUID, reason: str) -> None:
    """The place was lost while it was offered: back to the same place in line, nothing counted."""
    await _move(actor, appointment_id, "withdraw", WAITING, reason)


async def lapsed(row: Appointment) -> None:
    """Not answered in time: back in line, until so many were missed as the policy says."""
    actor = Actor.system(row.consortium_id)
    entry = await _move(actor, row.id, "lapse", WAITING)
    if entry is None:
        return
    missed = await WaitlistEvent.filter(entry_id=entry.id, action="lapse").count()
    organization = await Organization.get(id=row.organization_id)
    # Read here and not from memory: this may stand inside a transaction of SQLite.
    table = await policies.load(row.consortium_id)
    policy = table.version(row.policy_version, organization.tier)
    if missed >= policy.waitlist_offers_most:
        await end(actor, entry, "missed")


async def end(actor: Actor, entry: WaitlistEntry, reason: str) -> bool:
    """End a wait that came to nothing, and tell whoever cares for the patient."""
    still = WaitlistEntry.filter(id=entry.id, state=WAITING)
    if not await still.update(state=EXPIRED, changed_at=clock.now()):
        return False
    await diary.write_down(actor, entry, "expire", reason=reason)
    await notices.leave(
        entry.consortium_id,
        await carers_of(entry.patient_id),
        "wait_missed" if reason == "missed" else "wait_over",
        patient_id=entry.patient_id,
        subject_id=entry.id,
    )
    return True


async def _move(
    actor: Actor, appointment_id: UUID, action: str, to: str, reason: str = ""
) -> WaitlistEntry | None:
    """None: somebody was quicker."""
    offered = _offered(appointment_id)
    entry = await offered.first()
    kept = appointment_id if to == PLACED else None
    if entry is None or not await offered.update(
        state=to, appointment_id=kept, changed_at=clock.now()
    ):
        return None
    appointment = await Appointment.get(id=appointment_id)
    await diary.write_down(
        actor,
        entry,
        action,
        appointment_id=appointment_id,
        slot_id=appointment.slot_id,
        reason=reason,
    )
    return entry


def _offered(appointment_id: UUID) -> QuerySet[WaitlistEntry]:
    return WaitlistEntry.filter(appointment_id=appointment_id, state=OFFERED)
