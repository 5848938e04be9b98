"""停诊, one appointment at a time: ended by the provider, given back, or its offer withdrawn.

Each inside the caller's transaction. Which schedules are stopped and why, the room `suspension`
knows. Ended by the provider, an appointment never counts against its patient.
"""

from collections.abc import Sequence
from uuid import UUID

from tortoise.expressions import Q

from backend import audit, clock
from backend.booking import events, granting, holds
from backend.booking.errors import HoldExpired, NotPossibleNow, SlotFull
from backend.booking.models import Appointment, AppointmentEvent
from backend.booking.places import Place
from backend.booking.policy import BOOKED, CANCELLED, PENDING
from backend.booking.waitlist import answers
from backend.identity.access import Actor


async def living(schedule_ids: Sequence[UUID], *, most: int) -> list[Appointment]:
    """What a stop of these schedules ends, the next visit first. Dead holds end by themselves;
    whoever has checked in is there, and gets told in person."""
    return (
        await Appointment.filter(
            Q(status=BOOKED) | Q(status=PENDING, held_until__gt=clock.now()),
            schedule_id__in=list(schedule_ids),
        )
        .order_by("starts_at", "created_at", "id")
        .limit(most)
    )


async def stop(actor: Actor, row: Appointment, reason: str) -> bool:
    """End an appointment by the provider; False: it is no longer as it was read."""
    # Guarded by what was read: whoever confirms, cancels or moves it at this moment was quicker.
    still = Appointment.filter(id=row.id, slot_id=row.slot_id, status=row.status)
    if not await still.update(
        status=CANCELLED,
        cancelled_by="provider",
        reason=reason,
        late_cancel=False,
        counted_cancel=False,
        changed_at=clock.now(),
    ):
        return False
    if row.status == PENDING and row.origin == "waitlist":
        await answers.withdrawn(actor, row.id, "stopped")
    await holds.give_back([row.slot_id])
    await events.note(
        actor, row.id, "stop", row.status, CANCELLED, reason=reason, from_slot_id=row.slot_id
    )
    await audit.record(actor, "appointment.stopped", entity_id=row.id, patient_ids=[row.patient_id])
    return True


async def restore(actor: Actor, row: Appointment, place: Place, reason: str) -> None:
    """Make an appointment again what it was before `stop`.

    Raises:
        NotPossibleNow: it was not stopped, or is past; HoldExpired; SlotFull: its place is gone;
        AlreadyBooked, TooManyThatDay, TooManyInDepartment: the patient has something else by now.
    """
    before = await _before_stop(row)
    if before == PENDING and (row.held_until is None or row.held_until <= clock.now()):
        raise HoldExpired
    await holds.end_dead(Q(slot_id=row.slot_id) | Q(patient_id=row.patient_id))
    await granting.check_earlier(row.patient_id, place, but=row.id)
    day_place, department_place = await granting.numbers(row.patient_id, place, but=row.id)
    if not await granting.retake(row.slot_id):
        raise SlotFull(slot_id=row.slot_id)
    stopped = Appointment.filter(id=row.id, status=CANCELLED, cancelled_by="provider")
    if not await stopped.update(
        status=before,
        cancelled_by=None,
        reason="",
        day_place=day_place,
        department_place=department_place,
        changed_at=clock.now(),
    ):
        raise NotPossibleNow(state=row.status)
    await events.note(
        actor, row.id, "restore", CANCELLED, before, reason=reason, to_slot_id=row.slot_id
    )
    await audit.record(
        actor, "appointment.restored", entity_id=row.id, patient_ids=[row.patient_id]
    )


async def _before_stop(row: Appointment) -> str:
    """Raises NotPossibleNow: the last thing that happened to it is no stop, or it has begun."""
    last = await AppointmentEvent.filter(appointment_id=row.id).order_by("-at", "-id").first()
    if last is None or last.action != "stop" or row.starts_at <= clock.now():
        raise NotPossibleNow(state=row.status)
    return str(last.from_status)


async def withdraw(actor: Actor, row: Appointment, reason: str) -> bool:
    """Take back an offer that nobody has answered; False: it was answered, or its time is over."""
    offered = Appointment.filter(id=row.id, status=PENDING, held_until__gt=clock.now())
    if not await offered.update(
        status=CANCELLED, cancelled_by="provider", reason=reason, changed_at=clock.now()
    ):
        return False
    await holds.give_back([row.slot_id])
    await events.note(
        actor, row.id, "withdraw", PENDING, CANCELLED, reason=reason, from_slot_id=row.slot_id
    )
    await audit.record(
        actor, "appointment.withdrawn", entity_id=row.id, patient_ids=[row.patient_id]
    )
    return True
