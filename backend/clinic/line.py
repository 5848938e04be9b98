"""The rows behind the verbs of this room: joining a line, and leaving word of what was done."""

from typing import Any
from uuid import UUID

from tortoise.functions import Max

from backend import audit, clock
from backend.booking import events
from backend.booking.models import Appointment, Schedule, Slot
from backend.booking.policy import BOOKED, CHECKED_IN
from backend.clinic.errors import AlreadyCheckedIn, CheckinClosed
from backend.clinic.models import QueueEntry
from backend.clinic.policy import WAITING, Turn
from backend.identity.access import Actor
from backend.ids import new_id


async def join(actor: Actor, appointment: Appointment, turn: Turn, *, reason: str) -> QueueEntry:
    """Put a booked patient into the line, inside the caller's transaction.

    Raises:
        AlreadyCheckedIn; CheckinClosed: the schedule was stopped, or the appointment is another.
    """
    # One at a time, so that numbers have no gaps and nobody joins what is being stopped.
    schedule = await Schedule.filter(id=appointment.schedule_id).select_for_update(no_key=True)
    if not schedule or schedule[0].status != "open":
        raise CheckinClosed
    await _arrive(appointment)
    entry = await QueueEntry.create(
        id=new_id(),
        consortium_id=appointment.consortium_id,
        schedule_id=appointment.schedule_id,
        appointment_id=appointment.id,
        number=await _next_number(appointment.schedule_id),
        turn=turn.at,
        state=WAITING,
        late=turn.late,
        checked_in_at=clock.now(),
    )
    await write_down(actor, appointment, "check_in", BOOKED, CHECKED_IN, reason=reason)
    return entry


async def _arrive(appointment: Appointment) -> None:
    # Guarded by the slot too: whoever moved meanwhile is expected at another time.
    there = Appointment.filter(id=appointment.id, slot_id=appointment.slot_id, status=BOOKED)
    if await there.update(status=CHECKED_IN, changed_at=clock.now()):
        return
    entry = await QueueEntry.get_or_none(appointment_id=appointment.id)
    if entry is not None:
        raise AlreadyCheckedIn(number=entry.number)
    raise CheckinClosed("这个预约现在不能签到，请刷新后再看。")


async def _next_number(schedule_id: UUID) -> int:
    last: Any = (
        await QueueEntry.filter(schedule_id=schedule_id)
        .annotate(last=Max("number"))
        .values_list("last", flat=True)
    )
    return (last[0] or 0) + 1 if last else 1


async def write_down(
    actor: Actor,
    appointment: Appointment,
    action: str,
    before: str | None,
    after: str,
    *,
    reason: str = "",
    slot_id: UUID | None = None,
) -> None:
    """The event and the audit row of a change, in its transaction."""
    await events.note(
        actor, appointment.id, action, before, after, to_slot_id=slot_id, reason=reason
    )
    await audit.record(
        actor, f"line.{action}", entity_id=appointment.id, patient_ids=[appointment.patient_id]
    )


async def slot_of(appointment: Appointment) -> Slot:
    return await Slot.get(id=appointment.slot_id)
