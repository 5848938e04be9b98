"""排班模板: new, changed from a date on, ended. A change is a new version; the old one ends the day
before, so what was published and booked under it keeps its template."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.booking import granting, holds
from backend.booking.models import Appointment, Schedule, ScheduleTemplate, Slot
from backend.booking.policy import CANCELLED, EXCUSED, PENDING
from backend.booking.schedules import publish
from backend.consortium.directory import Directory, directory
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.roster import engagements, hours
from backend.roster.errors import NotOnDuty, TemplateChanged
from backend.roster.hours import Weekly
from backend.roster.schedules import department_of

log = structlog.get_logger()

FROM_STAFF = "staff:"  # codes of templates made here; a workbook's begin otherwise
SCHEDULES_MOST = 400  # of one template that are published ahead
FACTS = (*Weekly.__struct_fields__,)


@dataclass(slots=True)
class Touched:
    """What a change does to schedules that are published already.

    `replaced` have no living appointment: they go, and the new version publishes anew. `kept` have
    some, (schedule, how many): they stay as they are until somebody suspends them.
    """

    replaced: list[Schedule] = field(default_factory=list)
    kept: list[tuple[Schedule, int]] = field(default_factory=list)


async def of(actor: Actor, template_id: UUID, right: str = "schedule.read") -> ScheduleTemplate:
    """A template in use. Raises NotFound: unknown, retired, or not the actor's to see."""
    row = await ScheduleTemplate.get_or_none(
        id=template_id, consortium_id=actor.consortium_id, active=True
    )
    if row is None:
        raise NotFound
    actor.must(right, row.organization_id)
    return row


async def list_of(actor: Actor, department_id: UUID) -> list[ScheduleTemplate]:
    """The department's templates that are not over, by doctor and weekday. Raises NotFound."""
    await department_of(actor, department_id, "schedule.read")
    rows = ScheduleTemplate.filter(
        Q(to_on=None) | Q(to_on__gte=clock.today()), department_id=department_id, active=True
    )
    return await rows.order_by("practitioner_id", "weekday", "starts", "from_on").limit(500)


async def add(actor: Actor, *, department_id: UUID, plan: Weekly, reason: str) -> ScheduleTemplate:
    """A new weekly schedule, published at once as far as the policy's horizon.

    Raises:
        NotFound; Malformed: with `field`; NotOnDuty; ScheduleClash.
    """
    reason = hours.check_reason(reason)
    dept = await department_of(actor, department_id, "schedule.edit")
    hours.check_weekly(plan)
    await _check_role(plan, department_id)
    county = await directory(actor.consortium_id)
    async with db.transaction():
        row = await store(actor, county, dept.organization_id, department_id, plan, reason)
    await publish(actor.consortium_id, organization_id=dept.organization_id)
    log.info("template.added", template_id=str(row.id))
    return row


async def store(
    actor: Actor,
    county: Directory,
    organization_id: UUID,
    department_id: UUID,
    plan: Weekly,
    reason: str,
    *,
    but_template: UUID | None = None,
) -> ScheduleTemplate:
    """Inside the caller's transaction. Raises ScheduleClash."""
    if plan.practitioner_id is not None:
        first = max(clock.today(), plan.from_on or clock.today())
        days = engagements.days_of(plan, first, first + timedelta(days=engagements.LOOK_AHEAD_DAYS))
        wanted = [
            engagements.stand_of(county, organization_id, department_id, plan, on) for on in days
        ]
        await engagements.refuse_clashes(
            county, plan.practitioner_id, wanted, but_template=but_template
        )
    id = uuid4()
    row = await ScheduleTemplate.create(
        id=id,
        consortium_id=actor.consortium_id,
        code=FROM_STAFF + id.hex,
        organization_id=organization_id,
        department_id=department_id,
        **{name: getattr(plan, name) for name in FACTS},
    )
    await audit.record(
        actor, "template.added", entity_id=row.id, reason=reason, after=hours.codes(row, FACTS)
    )
    return row


async def change(
    actor: Actor, template_id: UUID, *, effective_on: date, plan: Weekly, reason: str
) -> Touched:
    """A new version from `effective_on`, tomorrow at the earliest; the old one ends before it.

    Schedules of the old one from that day on which nobody has booked are replaced; the others stay
    and are told. `plan.from_on` is not looked at.

    Raises:
        NotFound; Malformed: with `field`; NotOnDuty; ScheduleClash; TemplateChanged.
    """
    reason = hours.check_reason(reason)
    old = await of(actor, template_id, "schedule.edit")
    _check_day(old, effective_on)
    plan = _from(plan, effective_on)
    hours.check_weekly(plan)
    await _check_role(plan, old.department_id)
    county = await directory(actor.consortium_id)

    async def attempt() -> Touched:
        async with db.transaction():
            await _end(old, effective_on)
            touched = await _withdraw(old, effective_on)
            new = await store(
                actor, county, old.organization_id, old.department_id, plan, reason,
                but_template=old.id,
            )  # fmt: skip
            await audit.record(
                actor, "template.changed", entity_id=old.id, reason=reason, new_id=str(new.id),
                effective_on=str(effective_on), **_told(touched),
                **_different(old, new),
            )  # fmt: skip
            return touched

    return await _done(actor, old, await db.retried(attempt))


async def end(actor: Actor, template_id: UUID, *, last_on: date, reason: str) -> Touched:
    """No more schedules after `last_on`, today at the earliest. As `change` without a new version.

    Raises:
        NotFound; Malformed; TemplateChanged.
    """
    reason = hours.check_reason(reason)
    old = await of(actor, template_id, "schedule.edit")
    effective_on = last_on + timedelta(days=1)
    _check_day(old, effective_on, "last_on")

    async def attempt() -> Touched:
        async with db.transaction():
            await _end(old, effective_on)
            touched = await _withdraw(old, effective_on)
            await audit.record(
                actor, "template.ended", entity_id=old.id, reason=reason,
                before=hours.codes(old, ("to_on",)), after={"to_on": str(last_on)},
                **_told(touched),
            )  # fmt: skip
            return touched

    return await _done(actor, old, await db.retried(attempt))


async def preview(actor: Actor, template_id: UUID, effective_on: date) -> Touched:
    """What `change` or `end` would touch, without doing it. Raises NotFound."""
    old = await of(actor, template_id, "schedule.edit")
    rows = await _published(old, effective_on)
    counts = await _living(rows)
    return _sorted(rows, counts)


async def _done(actor: Actor, old: ScheduleTemplate, touched: Touched) -> Touched:
    await publish(actor.consortium_id, organization_id=old.organization_id)
    log.info("template.changed", template_id=str(old.id), **_told(touched))
    return touched


def _check_day(old: ScheduleTemplate, effective_on: date, field: str = "effective_on") -> None:
    if effective_on <= clock.today():
        raise Malformed("今天的号已经放出，最早从明天起改。", field=field)
    if old.to_on is not None and effective_on > old.to_on:
        raise Malformed("这个模板在那之前就结束了，请选更早的日期。", field=field)


def _from(plan: Weekly, effective_on: date) -> Weekly:
    facts = {name: getattr(plan, name) for name in FACTS} | {"from_on": effective_on}
    return Weekly(**facts)


async def _check_role(plan: Weekly, department_id: UUID) -> None:
    """Raises NotOnDuty: the doctor has no role there on the first day it would apply."""
    first = max(plan.from_on or clock.today(), clock.today())
    days = engagements.days_of(plan, first, first + timedelta(days=engagements.LOOK_AHEAD_DAYS))
    on = next(days, None)
    if on is None:
        raise NotOnDuty("这段日期里没有一天会出诊，请检查星期和起止日期。")
    await engagements.check_duty(plan.practitioner_id, department_id, on)


async def _end(old: ScheduleTemplate, effective_on: date) -> None:
    """Raises TemplateChanged: somebody was quicker. One that never held is retired."""
    still = ScheduleTemplate.filter(id=old.id, active=True, to_on=old.to_on)
    if old.from_on is not None and old.from_on >= effective_on:
        ended = await still.update(active=False)
    else:
        ended = await still.update(to_on=effective_on - timedelta(days=1))
    if not ended:
        raise TemplateChanged


async def _published(old: ScheduleTemplate, from_on: date) -> list[Schedule]:
    rows = Schedule.filter(template_id=old.id, held_on__gte=from_on, status="open")
    return await rows.order_by("held_on").limit(SCHEDULES_MOST)


async def _living(rows: Iterable[Schedule]) -> dict[UUID, int]:
    """How many living appointments each has, dead holds not counted."""
    found = (
        await Appointment.filter(
            ~Q(status=PENDING) | Q(held_until__gt=clock.now()),
            schedule_id__in=[row.id for row in rows],
        )
        .exclude(status__in=(CANCELLED, EXCUSED))
        .values_list("schedule_id", flat=True)
    )
    counts: dict[UUID, int] = {}
    for schedule_id in found:
        counts[UUID(str(schedule_id))] = counts.get(UUID(str(schedule_id)), 0) + 1
    return counts


def _sorted(rows: list[Schedule], counts: dict[UUID, int]) -> Touched:
    return Touched(
        replaced=[row for row in rows if row.id not in counts and row.release != "draw"],
        kept=[(row, counts.get(row.id, 0)) for row in rows
              if row.id in counts or row.release == "draw"],
    )  # fmt: skip


async def _withdraw(old: ScheduleTemplate, from_on: date) -> Touched:
    """Take back what nobody has booked: locked, so that no booking comes in between."""
    rows = await _published(old, from_on)
    ids = [row.id for row in rows]
    slot_ids = [UUID(str(id)) for id in await Slot.filter(schedule_id__in=ids).values_list(
        "id", flat=True)]  # fmt: skip
    await granting.freeze(slot_ids)
    await holds.end_dead(Q(slot_id__in=slot_ids))
    touched = _sorted(rows, await _living(rows))
    await _remove([row.id for row in touched.replaced])
    return touched


async def _remove(ids: list[UUID]) -> None:
    """Those that somebody once booked and left stay as `replaced`: their history points there."""
    once = await Appointment.filter(schedule_id__in=ids).values_list("schedule_id", flat=True)
    used = {UUID(str(id)) for id in once}
    await Slot.filter(schedule_id__in=list(used)).update(open=False)
    await Schedule.filter(id__in=list(used)).update(status="replaced")
    unused = [id for id in ids if id not in used]
    await Slot.filter(schedule_id__in=unused).delete()
    await Schedule.filter(id__in=unused).delete()


def _told(touched: Touched) -> dict[str, Any]:
    return {"replaced": len(touched.replaced), "kept": len(touched.kept)}


def _different(old: ScheduleTemplate, new: ScheduleTemplate) -> dict[str, Any]:
    names = tuple(name for name in FACTS if getattr(old, name) != getattr(new, name))
    return {"before": hours.codes(old, names), "after": hours.codes(new, names)}
