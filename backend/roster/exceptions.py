"""排班例外: one day that differs. What is published already follows at once."""

from collections import Counter
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.booking import granting, holds
from backend.booking.desk import Desk
from backend.booking.models import Schedule, ScheduleException, Slot
from backend.booking.pools import PUBLIC
from backend.booking.schedules import publish
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.roster import capacity as places
from backend.roster import hours
from backend.roster.errors import NeedsSuspension
from backend.roster.schedules import check_day, department_of

log = structlog.get_logger()

ACTIONS = ("closed", "open", "capacity")
FACTS = ("held_on", "action", "period", "capacity", "department_id", "practitioner_id")
SCHEDULES_MOST = 500  # of one department and day


async def add(
    actor: Actor,
    desk: Desk,
    *,
    department_id: UUID,
    practitioner_id: UUID | None,
    held_on: date,
    period: str | None,
    action: str,
    capacity: int | None,
    reason: str,
) -> ScheduleException:
    """`closed`: no schedule; `open`: work on a holiday; `capacity`: other places per slot.

    None as practitioner or period means all of the department's. `reason` is shown to residents.

    Raises:
        NotFound, Malformed.
        NeedsSuspension: somebody has booked on the day that would close.
        CapacityBelowBooked.
    """
    reason = hours.check_reason(reason)
    dept = await department_of(actor, department_id, "schedule.edit")
    _check(action, capacity, period)
    check_day(held_on)
    facts: dict[str, Any] = {
        "organization_id": dept.organization_id,
        "department_id": department_id,
        "practitioner_id": practitioner_id,
        "held_on": held_on,
        "period": period,
        "action": action,
        "capacity": capacity,
        "reason": reason,
    }

    async def attempt() -> tuple[ScheduleException, list[UUID]]:
        async with db.transaction():
            id = uuid4()
            row = await ScheduleException.create(
                id=id, consortium_id=actor.consortium_id, code=f"staff:{id.hex}", **facts
            )
            freed = await _apply(actor, row, reason)
            await audit.record(
                actor, "exception.added", entity_id=id, reason=reason, after=hours.codes(row, FACTS)
            )
            return row, freed

    row, freed = await db.retried(attempt)
    for slot_id in freed:
        desk.taking.freed(slot_id)
    await publish(actor.consortium_id, organization_id=dept.organization_id)
    log.info("exception.added", exception_id=str(row.id), action=action)
    return row


async def remove(actor: Actor, exception_id: UUID, *, reason: str) -> None:
    """The day is as its templates say again; what was shut opens. Places stay as they are.

    Raises NotFound, Malformed.
    """
    reason = hours.check_reason(reason)
    row = await of(actor, exception_id)
    check_day(row.held_on)
    async with db.transaction():
        if not await ScheduleException.filter(id=row.id).delete():
            raise NotFound
        await audit.record(
            actor, "exception.removed", entity_id=row.id, reason=reason,
            before=hours.codes(row, FACTS),
        )  # fmt: skip
    await publish(actor.consortium_id, organization_id=row.organization_id)
    log.info("exception.removed", exception_id=str(row.id))


async def of(actor: Actor, exception_id: UUID) -> ScheduleException:
    """An exception that one may change. Raises NotFound."""
    row = await ScheduleException.get_or_none(id=exception_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    actor.must("schedule.edit", row.organization_id)
    return row


def _check(action: str, capacity: int | None, period: str | None) -> None:
    if action not in ACTIONS:
        raise Malformed("请选择怎样处理。", field="action")
    if period not in (None, "am", "pm", "night"):
        raise Malformed("请选择时段。", field="period")
    if action == "capacity" and capacity is None:
        raise Malformed("请填写调号后的每段号数。", field="capacity")
    if action == "closed" and capacity is not None:
        raise Malformed("不出诊时不填号数。", field="capacity")
    if capacity is not None:
        hours.check_capacity(capacity)


async def _apply(actor: Actor, row: ScheduleException, reason: str) -> list[UUID]:
    """To the day's schedules that are published, inside the transaction; slots that changed."""
    schedules = await _touched(row)
    slots = await Slot.filter(
        schedule_id__in=[schedule.id for schedule in schedules], starts_at__gt=clock.now()
    )
    await granting.freeze(slot.id for slot in slots)
    if row.action == "closed":
        await _shut(schedules, slots)
        return []
    changed: list[UUID] = []
    if row.capacity is not None:
        for schedule in schedules:
            own = [slot for slot in slots if slot.schedule_id == schedule.id]
            wanted = _public(own, row.capacity)
            changed += await places.set_places(actor, schedule, wanted, reason)
    return changed


def _public(slots: list[Slot], capacity: int) -> dict[UUID, int]:
    """The public's places at each time, when all pools together shall have `capacity`."""
    kept = Counter[datetime]()
    for slot in slots:
        if slot.pool != PUBLIC:
            kept[slot.starts_at] += slot.capacity
    return {
        slot.id: max(0, capacity - kept[slot.starts_at]) for slot in slots if slot.pool == PUBLIC
    }


async def _touched(row: ScheduleException) -> list[Schedule]:
    wanted: dict[str, Any] = {"department_id": row.department_id, "held_on": row.held_on}
    if row.practitioner_id is not None:
        wanted["practitioner_id"] = row.practitioner_id
    if row.period is not None:
        wanted["period"] = row.period
    return await Schedule.filter(**wanted, status="open").order_by("id").limit(SCHEDULES_MOST)


async def _shut(schedules: list[Schedule], slots: list[Slot]) -> None:
    """Raises NeedsSuspension: the slots are locked, so what is booked is known for sure."""
    ids = [slot.id for slot in slots]
    await holds.end_dead(Q(slot_id__in=ids))
    booked = sum(slot.booked for slot in await Slot.filter(id__in=ids))
    if booked:
        raise NeedsSuspension(
            f"这一天已约 {booked} 人，不能直接停诊。请办理停诊，由系统通知患者并另作安排。",
            booked=booked,
            held_on=schedules[0].held_on,
        )
    await Slot.filter(id__in=ids).update(open=False)
    shut = {slot.schedule_id for slot in slots}
    await Schedule.filter(id__in=list(shut)).update(status="suspended")
