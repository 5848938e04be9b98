"""专家下沉: a county doctor's schedules at a township or village, with the way there in mind."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid4

import msgspec
import structlog
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.booking import schedules
from backend.booking.models import Schedule, ScheduleTemplate
from backend.booking.schedules import publish
from backend.consortium import directory as county_directory
from backend.consortium.directory import Dept, Directory, Doctor, directory
from backend.consortium.models import PractitionerRole
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.roster import engagements, hours, templates
from backend.roster.hours import Hours, Weekly
from backend.roster.schedules import check_day, department_of, draft, store

log = structlog.get_logger()

KIND = "outreach"
DAYS_MOST = 31  # one-off days in one plan
SPAN_MOST = 366  # days from first to last


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Dates inclusive, both needed. Either `weekdays` (1 Monday … 7 Sunday) or single `days`."""

    practitioner_id: UUID
    department_id: UUID
    from_on: date
    to_on: date
    hours: Hours
    weekdays: Sequence[int] = ()
    days: Sequence[date] = ()


class Planned(msgspec.Struct, frozen=True):
    """What a plan made. `role_id`: the doctor's 执业点 there, new or the one that covers it."""

    role_id: UUID
    templates: list[ScheduleTemplate]
    schedules: list[Schedule]


async def plan(actor: Actor, wanted: Plan, *, reason: str) -> Planned:
    """Give a doctor a second place of practice for a while, with schedules there.

    Whoever plans needs the right there, and at an institution where the doctor works already.

    Raises:
        NotFound; Malformed: with `field`; ScheduleClash: with both schedules and the way.
    """
    reason = hours.check_reason(reason)
    dept = await department_of(actor, wanted.department_id, "schedule.edit")
    county = await directory(actor.consortium_id)
    _check(actor, county, dept, wanted)
    rota = await schedules.rota(actor.consortium_id)
    drafts = [
        await draft(actor, dept, wanted.practitioner_id, on, _hours(wanted), rota)
        for on in sorted(set(wanted.days))
    ]
    async with db.transaction():
        role = await _role(actor, wanted, reason)
        planned = Planned(role.id, [], [])
        await _refuse_clashes(county, dept, wanted)
        for weekday in sorted(set(wanted.weekdays)):
            row = await templates.store(
                actor, county, dept.organization_id, dept.id, _weekly(wanted, weekday), reason
            )
            planned.templates.append(row)
        for ready in drafts:
            planned.schedules.append(await store(ready))
        await audit.record(
            actor, "outreach.planned", entity_id=role.id, reason=reason,
            practitioner_id=str(wanted.practitioner_id), department_id=str(dept.id),
            from_on=str(wanted.from_on), to_on=str(wanted.to_on),
            template_ids=[str(row.id) for row in planned.templates],
            schedule_ids=[str(row.id) for row in planned.schedules],
        )  # fmt: skip
    county_directory.forget()
    await publish(actor.consortium_id, organization_id=dept.organization_id)
    log.info("outreach.planned", role_id=str(role.id))
    return planned


def _check(actor: Actor, county: Directory, dept: Dept, wanted: Plan) -> None:
    doctor = county.doctors.get(wanted.practitioner_id)
    if doctor is None or not _sends(actor, doctor):
        raise NotFound
    if county.organizations[dept.organization_id].tier == "county":
        raise Malformed("下沉是去乡镇卫生院或村卫生室，请选基层的科室。", field="department_id")
    if any(role.department_id == dept.id and role.kind == "main" for role in doctor.roles):
        raise Malformed("医生的主执业点就在这个科室，直接排班即可。", field="department_id")
    if wanted.to_on < wanted.from_on:
        raise Malformed("结束日期不能早于开始日期。", field="to_on")
    if (wanted.to_on - wanted.from_on).days >= SPAN_MOST:
        raise Malformed("一次最多安排一年。", field="to_on")
    check_day(wanted.to_on)
    if wanted.from_on < clock.today():
        raise Malformed("开始日期已经过去，请选今天或以后。", field="from_on")
    _check_days(wanted)
    hours.check(_hours(wanted), wanted.practitioner_id)


def _sends(actor: Actor, doctor: Doctor) -> bool:
    """Whether the actor plans where the doctor works now."""
    return any(
        role.kind == "main" and actor.may("schedule.edit", role.organization_id)
        for role in doctor.roles
    )


def _check_days(wanted: Plan) -> None:
    if bool(wanted.weekdays) == bool(wanted.days):
        raise Malformed("请选每周的星期，或填写具体日期，二者选一。", field="weekdays")
    if any(not 1 <= weekday <= 7 for weekday in wanted.weekdays):
        raise Malformed("请选择星期。", field="weekdays")
    if len(wanted.days) > DAYS_MOST:
        raise Malformed(f"一次最多 {DAYS_MOST} 天。", field="days")
    if any(not wanted.from_on <= on <= wanted.to_on for on in wanted.days):
        raise Malformed("具体日期要在起止日期之内。", field="days")


async def _role(actor: Actor, wanted: Plan, reason: str) -> PractitionerRole:
    """The role that covers the plan, or a new one."""
    there = await PractitionerRole.filter(
        Q(from_on=None) | Q(from_on__lte=wanted.from_on),
        Q(to_on=None) | Q(to_on__gte=wanted.to_on),
        practitioner_id=wanted.practitioner_id,
        department_id=wanted.department_id,
    ).first()
    if there is not None:
        return there
    same = PractitionerRole.filter(
        practitioner_id=wanted.practitioner_id, department_id=wanted.department_id, kind=KIND,
        from_on=wanted.from_on,
    )  # fmt: skip
    role = await same.first()
    if role is not None:
        before = str(role.to_on)
        await same.update(to_on=wanted.to_on)
        await audit.record(
            actor, "role.extended", entity_id=role.id, reason=reason, before=before,
            after=str(wanted.to_on),
        )  # fmt: skip
        return role
    role = await PractitionerRole.create(
        id=uuid4(), consortium_id=actor.consortium_id, kind=KIND, from_on=wanted.from_on,
        to_on=wanted.to_on, practitioner_id=wanted.practitioner_id,
        department_id=wanted.department_id,
    )  # fmt: skip
    await audit.record(
        actor, "role.added", entity_id=role.id, reason=reason,
        practitioner_id=str(wanted.practitioner_id),
    )  # fmt: skip
    return role


async def _refuse_clashes(county: Directory, dept: Dept, wanted: Plan) -> None:
    """Single days; weekly ones are looked at as their template is stored."""
    stands = [
        engagements.stand_of(county, dept.organization_id, dept.id, _hours(wanted), on)
        for on in sorted(set(wanted.days))
    ]
    if stands:
        await engagements.refuse_clashes(county, wanted.practitioner_id, stands)


def _hours(wanted: Plan) -> Hours:
    return msgspec.structs.replace(wanted.hours, kind=KIND)


def _weekly(wanted: Plan, weekday: int) -> Weekly:
    facts = msgspec.structs.asdict(_hours(wanted))
    return Weekly(
        **facts, practitioner_id=wanted.practitioner_id, weekday=weekday, from_on=wanted.from_on,
        to_on=wanted.to_on,
    )  # fmt: skip
