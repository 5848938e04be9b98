"""号数: places of a slot, up and down, never under what is booked.

Slots are locked in the order of their ids, as bookings lock them, so a booking comes wholly before
or wholly after. Behind it stands the database's own check, 0 ≤ booked ≤ capacity.
"""

from collections.abc import Mapping
from uuid import UUID

import structlog
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.booking import granting, holds
from backend.booking.desk import Desk
from backend.booking.models import Schedule, Slot
from backend.booking.waitlist import offering
from backend.errors import NotFound
from backend.identity.access import Actor
from backend.roster import hours
from backend.roster.errors import CapacityBelowBooked, ScheduleOver

log = structlog.get_logger()


async def change(
    actor: Actor,
    desk: Desk,
    *,
    capacity: int,
    reason: str,
    slot_id: UUID | None = None,
    schedule_id: UUID | None = None,
) -> list[UUID]:
    """Set the places of one slot, or of each public slot of a schedule that is still to come.

    Places that are added go to who waits first. Returns the slots that changed.

    Raises:
        NotFound; Malformed; ScheduleOver: nothing of it is still to come.
        CapacityBelowBooked: with the number booked; the way on is a suspension.
    """
    reason = hours.check_reason(reason)
    hours.check_capacity(capacity)
    which = {"id": slot_id} if slot_id else {"schedule_id": schedule_id, "pool": "public"}
    slots = await Slot.filter(**which, consortium_id=actor.consortium_id).select_related("schedule")
    if not slots:
        raise NotFound
    schedule = slots[0].schedule
    actor.must("schedule.edit", schedule.organization_id)
    coming = [slot.id for slot in slots if slot.starts_at > clock.now()]
    if not coming or schedule.status == "replaced":
        raise ScheduleOver

    async def attempt() -> list[UUID]:
        async with db.transaction():
            wanted = dict.fromkeys(coming, capacity)
            return await set_places(actor, schedule, wanted, reason)

    changed = await db.retried(attempt)
    for id in changed:
        desk.taking.freed(id)
    log.info("capacity.changed", schedule_id=str(schedule.id), slots=len(changed))
    return changed


async def set_places(
    actor: Actor, schedule: Schedule, wanted: Mapping[UUID, int], reason: str
) -> list[UUID]:
    """Places by slot, inside the caller's transaction, all slots or none.

    Raises CapacityBelowBooked.
    """
    await granting.freeze(wanted)
    await holds.end_dead(Q(slot_id__in=list(wanted)))
    rows = await Slot.filter(id__in=list(wanted)).order_by("id")
    for row in rows:
        if row.booked > wanted[row.id]:
            raise _refusal(row, wanted[row.id])
    different = [row for row in rows if row.capacity != wanted[row.id]]
    for row in different:
        # Guarded all the same: on SQLite the transaction is the lock, and may be forgotten.
        still = Slot.filter(id=row.id, booked__lte=wanted[row.id])
        if not await still.update(capacity=wanted[row.id]):
            raise _refusal(row, wanted[row.id])
    await offering.offer(row.id for row in different for _ in range(wanted[row.id] - row.capacity))
    if different:
        await audit.record(
            actor, "capacity.changed", entity_id=schedule.id, reason=reason,
            before={str(row.id): row.capacity for row in different},
            after={str(row.id): wanted[row.id] for row in different},
        )  # fmt: skip
    return [row.id for row in different]


def _refusal(row: Slot, capacity: int) -> CapacityBelowBooked:
    return CapacityBelowBooked(
        f"已约 {row.booked} 人，不能减到 {capacity} 个号。要减少已约的号，"
        "请办理停诊，由系统为患者另作安排。",
        booked=row.booked,
        starts_at=row.starts_at,
        schedule_id=row.schedule_id,
        field="capacity",
    )
