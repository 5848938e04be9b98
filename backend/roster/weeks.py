"""复制一周: a department's week as one-off schedules in another week, as often as liked."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID, uuid5

import structlog

from backend import audit, clock, db
from backend.booking import schedules
from backend.booking.calendar import working
from backend.booking.models import Schedule, ScheduleException, ScheduleTemplate, Slot
from backend.booking.rota import Rota
from backend.booking.schedules import Draft
from backend.consortium.directory import Dept, Directory, directory
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.roster import engagements, hours, wording
from backend.roster.errors import NotOnDuty, ScheduleClash
from backend.roster.hours import Hours
from backend.roster.schedules import check_day, check_free, department_of, draft, store

log = structlog.get_logger()

WEEK = timedelta(days=7)
SCHEDULES_MOST = 200  # of one department and week


@dataclass(frozen=True, slots=True)
class Wanted:
    """One schedule of the week that is copied, as it would be in the other week."""

    source: Schedule
    on: date
    plan: Hours
    words: str


@dataclass(slots=True)
class Copied:
    """`made` are to be copied, or were; `skipped` with why, each in words."""

    made: list[Wanted] = field(default_factory=list)
    skipped: list[tuple[Wanted, str]] = field(default_factory=list)


async def preview(actor: Actor, *, department_id: UUID, from_monday: date, to_monday: date
) -> Copied:  # fmt: skip
    """What `copy` would do, without doing it. Raises NotFound, Malformed."""
    dept = await department_of(actor, department_id, "schedule.edit")
    county = await directory(actor.consortium_id)
    wanted = await _wanted(county, dept, from_monday, to_monday)
    other = await _other_week(dept, to_monday)
    copied = Copied()
    for one in wanted:
        _sort(copied, one, await _obstacle(county, dept, one, other))
    return copied


async def copy(
    actor: Actor, *, department_id: UUID, from_monday: date, to_monday: date, reason: str
) -> Copied:
    """Copy what fits; the rest is told with its reason. Repeated, it adds nothing.

    Each schedule is copied with its hours and its usual number of places; bookings are not.

    Raises:
        NotFound; Malformed.
    """
    reason = hours.check_reason(reason)
    dept = await department_of(actor, department_id, "schedule.edit")
    county = await directory(actor.consortium_id)
    wanted = await _wanted(county, dept, from_monday, to_monday)
    other = await _other_week(dept, to_monday)
    rota = await schedules.rota(actor.consortium_id)
    drafts = {one.source.id: await _draft(actor, dept, one, rota) for one in wanted}
    copied = Copied()
    async with db.transaction():
        for one in wanted:
            why = await _obstacle(county, dept, one, other)
            if why is None:
                why = await _place(county, dept, one, drafts[one.source.id])
            _sort(copied, one, why)
        await audit.record(
            actor, "week.copied", entity_id=dept.id, reason=reason, before=str(from_monday),
            after=str(to_monday), made=len(copied.made), skipped=len(copied.skipped),
        )  # fmt: skip
    log.info("week.copied", department_id=str(dept.id), made=len(copied.made))
    return copied


def _sort(copied: Copied, one: Wanted, why: str | None) -> None:
    if why is None:
        copied.made.append(one)
    else:
        copied.skipped.append((one, why))


async def _wanted(
    county: Directory, dept: Dept, from_monday: date, to_monday: date
) -> list[Wanted]:
    if from_monday.isoweekday() != 1 or to_monday.isoweekday() != 1:
        raise Malformed("请选择两个星期一。", field="to_monday")
    if from_monday == to_monday:
        raise Malformed("不能复制到同一周。", field="to_monday")
    check_day(to_monday + WEEK - timedelta(days=1))
    rows = await Schedule.filter(
        department_id=dept.id, held_on__gte=from_monday, held_on__lt=from_monday + WEEK
    ).exclude(status="replaced").order_by("starts_at", "id").limit(SCHEDULES_MOST)  # fmt: skip
    slots: dict[UUID, list[Slot]] = {}
    for slot in await Slot.filter(schedule_id__in=[row.id for row in rows]):
        slots.setdefault(slot.schedule_id, []).append(slot)
    shift = to_monday - from_monday
    return [
        _copy_of(county, row, slots[row.id], row.held_on + shift) for row in rows if row.id in slots
    ]


def _copy_of(county: Directory, row: Schedule, slots: list[Slot], on: date) -> Wanted:
    plan = Hours(
        period=row.period,
        kind=row.kind,
        starts=f"{row.starts_at.astimezone(clock.SHANGHAI):%H:%M}",
        ends=f"{row.ends_at.astimezone(clock.SHANGHAI):%H:%M}",
        slot_minutes=int((slots[0].ends_at - slots[0].starts_at).total_seconds() // 60),
        capacity=_usual(slots),
        fee_fen=row.fee_fen,
    )
    doctor = county.doctors.get(row.practitioner_id) if row.practitioner_id else None
    words = f"{wording.day(on)}{wording.PERIODS[row.period]} {doctor.name if doctor else '科室号'}"
    return Wanted(row, on, plan, f"{words}（{wording.KINDS[row.kind]}）")


def _usual(slots: Iterable[Slot]) -> int:
    """The most frequent number of places at one time, all pools together."""
    at: Counter[object] = Counter()
    for slot in slots:
        at[slot.starts_at] += slot.capacity
    return max(1, Counter(at.values()).most_common(1)[0][0])


@dataclass(slots=True)
class _Other:
    """What the other week holds, or will once its templates are published."""

    closed: list[ScheduleException]
    there: set[tuple[UUID | None, date, str, str]]
    planned: set[tuple[UUID | None, date, str, str]]


async def _other_week(dept: Dept, monday: date) -> _Other:
    last = monday + WEEK - timedelta(days=1)
    closed = await ScheduleException.filter(
        organization_id=dept.organization_id, held_on__gte=monday, held_on__lte=last,
        action="closed",
    ).limit(SCHEDULES_MOST)  # fmt: skip
    rows = await Schedule.filter(
        department_id=dept.id, held_on__gte=monday, held_on__lte=last
    ).exclude(status="replaced").limit(SCHEDULES_MOST)  # fmt: skip
    templates = await ScheduleTemplate.filter(department_id=dept.id, active=True).limit(1000)
    return _Other(
        closed,
        {(row.practitioner_id, row.held_on, row.period, row.kind) for row in rows},
        {
            (row.practitioner_id, on, row.period, row.kind)
            for row in templates
            for on in engagements.days_of(engagements.weekly_of(row), monday, last)
        },
    )


async def _obstacle(county: Directory, dept: Dept, one: Wanted, other: _Other) -> str | None:
    """Why it can't be copied, as far as one can see without locking; None when it can."""
    row = one.source
    if clock.at(one.on, row.starts_at.astimezone(clock.SHANGHAI).time()) <= clock.now():
        return "时间已过"
    holiday = working(one.on)
    if holiday.weekday is None:
        return f"法定节假日（{holiday.name}）"
    if any(_fits(exception, row, one.on) for exception in other.closed):
        return "当天另有不出诊的例外"
    same = (row.practitioner_id, one.on, row.period, row.kind)
    if same in other.there:
        return "已有同样的班次"
    if same in other.planned:
        return "到时会按模板放号"
    try:
        await engagements.check_duty(row.practitioner_id, dept.id, one.on)
    except NotOnDuty:
        return "医生当天不在该科室执业"
    if row.practitioner_id is not None:
        stand = engagements.stand_of(county, dept.organization_id, dept.id, one.plan, one.on)
        found = await engagements.clashes_of(county, row.practitioner_id, [stand])
        if found:
            return found[0].words
    return None


def _fits(exception: ScheduleException, row: Schedule, on: date) -> bool:
    return exception.held_on == on and all(
        getattr(exception, name) in (None, getattr(row, name))
        for name in ("department_id", "practitioner_id", "period")
    )


async def _draft(actor: Actor, dept: Dept, one: Wanted, rota: Rota) -> Draft | None:
    """None: the doctor has left."""
    doctor, id = one.source.practitioner_id, uuid5(one.source.id, f"copy {one.on}")
    try:
        return await draft(actor, dept, doctor, one.on, one.plan, rota, schedule_id=id)
    except NotFound:
        return None


async def _place(county: Directory, dept: Dept, one: Wanted, ready: Draft | None) -> str | None:
    if ready is None:
        return "医生已停用"
    try:
        await check_free(county, dept, one.source.practitioner_id, one.on, one.plan)
    except ScheduleClash as clash:
        return clash.detail
    await store(ready)
    return None
