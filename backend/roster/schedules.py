"""加班次: a schedule on one day, without a template."""

from datetime import date
from uuid import UUID, uuid5

import structlog
from tortoise.exceptions import IntegrityError

from backend import audit, clock, db
from backend.booking import schedules
from backend.booking.models import Schedule, Slot
from backend.booking.rota import Rota
from backend.booking.schedules import Draft
from backend.consortium.directory import Dept, Directory, directory
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.roster import engagements, hours
from backend.roster.errors import ScheduleClash
from backend.roster.hours import Hours

log = structlog.get_logger()

AHEAD_MOST = 366  # days
SLOTS_MOST = 500
COPIED = ("held_on", "period", "kind", "practitioner_id")


async def department_of(actor: Actor, department_id: UUID, right: str) -> Dept:
    """Raises NotFound: no such department, or not the actor's to change."""
    dept = (await directory(actor.consortium_id)).departments.get(department_id)
    if dept is None:
        raise NotFound
    actor.must(right, dept.organization_id)
    return dept


async def add(
    actor: Actor,
    *,
    department_id: UUID,
    practitioner_id: UUID | None,
    held_on: date,
    plan: Hours,
    reason: str,
) -> Schedule:
    """Publish one schedule on one day, holidays included: whoever asks means that day.

    The same twice is refused, not doubled.

    Raises:
        NotFound; Malformed: with `field`; NotOnDuty; ScheduleClash.
    """
    reason = hours.check_reason(reason)
    dept = await department_of(actor, department_id, "schedule.edit")
    hours.check(plan, practitioner_id)
    check_day(held_on)
    await engagements.check_duty(practitioner_id, department_id, held_on)
    county = await directory(actor.consortium_id)
    rota = await schedules.rota(actor.consortium_id)
    ready = await draft(actor, dept, practitioner_id, held_on, plan, rota)
    async with db.transaction():
        await check_free(county, dept, practitioner_id, held_on, plan)
        schedule = await store(ready)
        await audit.record(
            actor, "schedule.added", entity_id=schedule.id, reason=reason,
            after=hours.codes(schedule, COPIED),
        )  # fmt: skip
    log.info("schedule.added", schedule_id=str(schedule.id))
    return schedule


def check_day(held_on: date) -> None:
    """Raises Malformed: past, or too far ahead."""
    ahead = (held_on - clock.today()).days
    if ahead < 0:
        raise Malformed("日期已经过去，请选今天或以后。", field="held_on")
    if ahead > AHEAD_MOST:
        raise Malformed("最多排到一年以后。", field="held_on")


async def check_free(
    county: Directory, dept: Dept, practitioner_id: UUID | None, on: date, plan: Hours
) -> None:
    """Inside the caller's transaction. Raises ScheduleClash."""
    if practitioner_id is not None:
        stand = engagements.stand_of(county, dept.organization_id, dept.id, plan, on)
        await engagements.refuse_clashes(county, practitioner_id, [stand])


async def draft(
    actor: Actor,
    dept: Dept,
    practitioner_id: UUID | None,
    on: date,
    plan: Hours,
    rota: Rota,
    *,
    schedule_id: UUID | None = None,
) -> Draft:
    """Ready to be stored. Its id follows from what it is, so the very same is there only once."""
    county = await directory(actor.consortium_id)
    doctor = county.doctors.get(practitioner_id) if practitioner_id else None
    if practitioner_id is not None and doctor is None:
        raise NotFound
    row = {
        "id": None,
        "organization_id": dept.organization_id,
        "organization__tier": county.organizations[dept.organization_id].tier,
        "department_id": dept.id,
        "practitioner_id": practitioner_id,
        "practitioner__title": doctor.title if doctor else "",
        **{name: getattr(plan, name) for name in Hours.__struct_fields__},
    }
    name = f"schedule {practitioner_id} {on} {plan.starts} {plan.ends} {plan.kind}"
    id = schedule_id or uuid5(dept.id, name)
    return schedules.one_off(id, actor.consortium_id, row, on, rota)


async def store(ready: Draft) -> Schedule:
    """Inside the caller's transaction. Raises ScheduleClash: the very same is there already."""
    try:
        return await schedules.add(ready)
    except IntegrityError:
        raise ScheduleClash("这个班次已经有了，不用重复添加。") from None


async def of(actor: Actor, schedule_id: UUID, right: str = "schedule.read") -> Schedule:
    """A published schedule. Raises NotFound: unknown, taken back, or not the actor's to see."""
    row = await Schedule.get_or_none(id=schedule_id, consortium_id=actor.consortium_id)
    if row is None or row.status == "replaced":
        raise NotFound
    actor.must(right, row.organization_id)
    return row


async def slots_of(actor: Actor, schedule_id: UUID) -> list[Slot]:
    """All its slots, by time, the public's first. Raises NotFound."""
    row = await of(actor, schedule_id)
    slots = await Slot.filter(schedule_id=row.id).order_by("starts_at", "id").limit(SLOTS_MOST)
    return sorted(slots, key=lambda slot: (slot.starts_at, slot.pool != "public", slot.pool))
