"""值班: working hours, leave with substitutes, on-call lists, and the numbers of due times.

An institution's administrators write them (`chat.duty`); doctors write their own hours and leave.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.chat import duty, duty_policy
from backend.chat.desk import ANSWER, DUTY, OVERSEE
from backend.chat.duty_errors import DutyChanged, DutyClash
from backend.chat.duty_models import DutyLeave, DutyNumbers, OnCallDuty, WorkingHours
from backend.chat.duty_policy import DutyPolicy
from backend.chat.taking import check_reason
from backend.chat.working_time import AHEAD_DAYS, DAY_MIN, USUAL, Hours, Week
from backend.consortium.directory import Directory, directory
from backend.consortium.models import Organization
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.ids import new_id

log = structlog.get_logger()

SPANS_MOST = 28  # of a week: four a day
LEAVE_MOST = timedelta(days=366)
DUTY_MOST = timedelta(days=8)  # one stretch on call
LISTED_MOST = 200
ON_CALL_TIERS = ("township", "county")


class Own(msgspec.Struct, frozen=True):
    """`own`: False where they are the institution's, or (there too) the usual ones. `version` names
    the own ones; "": there are none."""

    week: Week
    own: bool
    version: str = ""


class Away(msgspec.Struct, frozen=True):
    id: UUID
    practitioner_id: UUID
    doctor: str
    substitute: str
    from_on: date
    to_on: date


class Shift(msgspec.Struct, frozen=True):
    id: UUID
    organization_id: UUID
    practitioner_id: UUID
    doctor: str
    from_at: datetime
    to_at: datetime


# --- hours --------------------------------------------------------------------------------------


async def hours_of(actor: Actor, organization_id: UUID, practitioner_id: UUID | None = None) -> Own:
    """Of a doctor there, or (None) of the institution. Raises NotFound."""
    if not any(actor.may(right, organization_id) for right in (ANSWER, OVERSEE, DUTY)):
        raise NotFound
    await _place(actor, organization_id, practitioner_id)
    rows = WorkingHours.filter(consortium_id=actor.consortium_id, organization_id=organization_id)
    for owner in dict.fromkeys((practitioner_id, None)):
        found = await rows.filter(practitioner_id=owner).limit(SPANS_MOST)
        if found:
            week = _week(found)
            own = owner == practitioner_id
            return Own(week, own, _version(week) if own else "")
    return Own(USUAL, False)


def _week(rows: Sequence[WorkingHours]) -> Week:
    return tuple(sorted(Hours(one.weekday, one.from_min, one.to_min) for one in rows))


def _version(week: Week) -> str:
    """The same week is the same version, whoever has written it."""
    return hashlib.sha256(msgspec.json.encode(week)).hexdigest()[:16] if week else ""


async def set_hours(
    actor: Actor,
    organization_id: UUID,
    week: Sequence[Hours],
    practitioner_id: UUID | None = None,
    *,
    seen: str,
) -> None:
    """Replace them all; none: back to the institution's, or the usual ones.

    `seen`: the version that they replace. Raises NotFound, Malformed, DutyChanged.
    """
    _must_write(actor, organization_id, practitioner_id)
    await _place(actor, organization_id, practitioner_id)
    check_week(week)
    rows = WorkingHours.filter(
        consortium_id=actor.consortium_id, organization_id=organization_id,
        practitioner_id=practitioner_id,
    )  # fmt: skip
    async with db.transaction():
        # One after the other, also where there are no hours yet that could be locked.
        await Organization.filter(id=organization_id).select_for_update(no_key=True).first()
        if _version(_week(await rows.limit(SPANS_MOST))) != seen:
            raise DutyChanged(field="seen")
        await rows.delete()
        await WorkingHours.bulk_create(
            WorkingHours(
                id=new_id(), consortium_id=actor.consortium_id, organization_id=organization_id,
                practitioner_id=practitioner_id, weekday=one.weekday, from_min=one.from_min,
                to_min=one.to_min,
            )
            for one in week
        )  # fmt: skip
        await audit.record(
            actor, "duty.hours_set", entity_id=organization_id,
            practitioner_id=str(practitioner_id) if practitioner_id else None,
            week=[[one.weekday, one.from_min, one.to_min] for one in week],
        )  # fmt: skip
    duty.forget()


def check_week(week: Sequence[Hours]) -> None:
    """Pure. Raises Malformed: what can't be, or overlaps."""
    if len(week) > SPANS_MOST:
        raise Malformed(f"一周最多 {SPANS_MOST} 段。", field="week")
    before: Hours | None = None
    for one in sorted(week):
        if not 1 <= one.weekday <= 7:
            raise Malformed("请选择星期。", field="week")
        if not 0 <= one.from_min < one.to_min <= DAY_MIN:
            raise Malformed("下班要晚于上班，跨夜请分成两段。", field="week")
        if before and before.weekday == one.weekday and one.from_min < before.to_min:
            raise Malformed("同一天的时段不能重叠。", field="week")
        before = one


def _must_write(actor: Actor, organization_id: UUID, practitioner_id: UUID | None) -> None:
    own = practitioner_id is not None and practitioner_id == actor.practitioner_id
    if not (own and actor.may(ANSWER, organization_id)):
        actor.must(DUTY, organization_id)


async def _place(actor: Actor, organization_id: UUID, practitioner_id: UUID | None) -> Directory:
    """Raises NotFound: no such institution, or the doctor does not work there."""
    county = await directory(actor.consortium_id)
    if organization_id not in county.organizations:
        raise NotFound
    if practitioner_id is not None and not _works_at(county, practitioner_id, organization_id):
        raise NotFound("这位医生不在这家机构执业，请重新选择。")
    return county


def _works_at(county: Directory, practitioner_id: UUID, organization_id: UUID) -> bool:
    doctor = county.doctors.get(practitioner_id)
    today = clock.today()
    return doctor is not None and any(
        role.organization_id == organization_id and role.covers(today) for role in doctor.roles
    )


# --- leave --------------------------------------------------------------------------------------


async def add_leave(
    actor: Actor,
    organization_id: UUID,
    practitioner_id: UUID,
    from_on: date,
    to_on: date,
    *,
    substitute_id: UUID | None = None,
) -> UUID:
    """A doctor is away on these days (inclusive), and who of the same institution stands in.

    Raises NotFound, Malformed.
    """
    _must_write(actor, organization_id, practitioner_id)
    await _place(actor, organization_id, practitioner_id)
    if substitute_id is not None:
        if substitute_id == practitioner_id:
            raise Malformed("不能自己代替自己。", field="substitute_id")
        await _place(actor, organization_id, substitute_id)
    if to_on < max(from_on, clock.today()):
        raise Malformed("结束日期不能早于开始日期和今天。", field="to_on")
    if to_on - from_on > LEAVE_MOST:
        raise Malformed("一次最多一年。", field="to_on")
    async with db.transaction():
        made = await DutyLeave.create(
            id=new_id(), consortium_id=actor.consortium_id, practitioner_id=practitioner_id,
            substitute_id=substitute_id, from_on=from_on, to_on=to_on, created_by=actor.id,
            created_at=clock.now(),
        )  # fmt: skip
        await audit.record(actor, "duty.leave_added", entity_id=made.id)
    duty.forget()
    return UUID(str(made.id))


async def withdraw_leave(actor: Actor, leave_id: UUID) -> None:
    """Raises NotFound."""
    row = await DutyLeave.get_or_none(id=leave_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    if row.practitioner_id != actor.practitioner_id or not actor.may(ANSWER):
        county = await directory(actor.consortium_id)
        doctor = county.doctors.get(row.practitioner_id)
        places = {role.organization_id for role in doctor.roles} if doctor else set()
        if not any(actor.may(DUTY, place) for place in places):
            raise NotFound
    async with db.transaction():
        living = DutyLeave.filter(id=leave_id, withdrawn_at=None)
        if not await living.update(withdrawn_at=clock.now()):
            raise NotFound
        await audit.record(actor, "duty.leave_withdrawn", entity_id=leave_id)
    duty.forget()


async def leaves(actor: Actor, organization_id: UUID) -> list[Away]:
    """Of the doctors there, from today on, by date. Raises NotFound."""
    if not any(actor.may(right, organization_id) for right in (ANSWER, OVERSEE, DUTY)):
        raise NotFound
    county = await _place(actor, organization_id, None)
    here = [one for one in county.doctors if _works_at(county, one, organization_id)]
    rows = DutyLeave.filter(
        consortium_id=actor.consortium_id, practitioner_id__in=here, withdrawn_at=None,
        to_on__gte=clock.today(),
    )  # fmt: skip
    return [
        Away(row.id, row.practitioner_id, _name(county, row.practitioner_id),
             _name(county, row.substitute_id), row.from_on, row.to_on)
        for row in await rows.order_by("from_on", "id").limit(LISTED_MOST)
    ]  # fmt: skip


def _name(county: Directory, practitioner_id: UUID | None) -> str:
    doctor = county.doctors.get(practitioner_id) if practitioner_id else None
    return doctor.name if doctor else ""


# --- on call ------------------------------------------------------------------------------------


async def put_on_call(
    actor: Actor, organization_id: UUID, practitioner_id: UUID, from_at: datetime, to_at: datetime
) -> UUID:
    """A doctor of a township or county institution answers from–to, day and night.

    Raises NotFound, Malformed; DutyClash: on leave then, or on call already.
    """
    actor.must(DUTY, organization_id)
    county = await _place(actor, organization_id, practitioner_id)
    if county.organizations[organization_id].tier not in ON_CALL_TIERS:
        raise Malformed("值班表只在卫生院和县级医院排。", field="organization_id")
    now = clock.now()
    if not max(from_at, now) < to_at <= now + timedelta(days=AHEAD_DAYS):
        raise Malformed(f"值班要晚于现在，{AHEAD_DAYS} 天之内。", field="to_at")
    if to_at - from_at > DUTY_MOST:
        raise Malformed("一班最多 8 天。", field="to_at")
    async with db.transaction():
        await _check_free(actor, practitioner_id, from_at, to_at)
        made = await OnCallDuty.create(
            id=new_id(), consortium_id=actor.consortium_id, organization_id=organization_id,
            practitioner_id=practitioner_id, from_at=from_at, to_at=to_at, created_by=actor.id,
            created_at=now,
        )  # fmt: skip
        await audit.record(actor, "duty.on_call_added", entity_id=made.id)
    duty.forget()
    return UUID(str(made.id))


async def _check_free(
    actor: Actor, practitioner_id: UUID, from_at: datetime, to_at: datetime
) -> None:
    same = Q(consortium_id=actor.consortium_id, practitioner_id=practitioner_id, withdrawn_at=None)
    if await OnCallDuty.filter(same, from_at__lt=to_at, to_at__gt=from_at).exists():
        raise DutyClash
    first = from_at.astimezone(clock.SHANGHAI).date()
    last = to_at.astimezone(clock.SHANGHAI).date()
    if await DutyLeave.filter(same, from_on__lte=last, to_on__gte=first).exists():
        raise DutyClash


async def withdraw_on_call(actor: Actor, shift_id: UUID) -> None:
    """Raises NotFound."""
    row = await OnCallDuty.get_or_none(id=shift_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    actor.must(DUTY, row.organization_id)
    async with db.transaction():
        living = OnCallDuty.filter(id=shift_id, withdrawn_at=None)
        if not await living.update(withdrawn_at=clock.now()):
            raise NotFound
        await audit.record(actor, "duty.on_call_withdrawn", entity_id=shift_id)
    duty.forget()


async def on_call(actor: Actor, organization_id: UUID) -> list[Shift]:
    """From now on, by time. Raises NotFound."""
    if not any(actor.may(right, organization_id) for right in (ANSWER, OVERSEE, DUTY)):
        raise NotFound
    county = await _place(actor, organization_id, None)
    rows = OnCallDuty.filter(
        consortium_id=actor.consortium_id, organization_id=organization_id, withdrawn_at=None,
        to_at__gt=clock.now(),
    )  # fmt: skip
    return [
        Shift(row.id, row.organization_id, row.practitioner_id,
              _name(county, row.practitioner_id), row.from_at, row.to_at)
        for row in await rows.order_by("from_at", "id").limit(LISTED_MOST)
    ]  # fmt: skip


# --- numbers ------------------------------------------------------------------------------------


async def numbers(actor: Actor) -> DutyPolicy:
    """What holds now. Raises NotFound."""
    if not any(actor.may(right) for right in (ANSWER, OVERSEE, DUTY)):
        raise NotFound
    return (await duty.duty(actor.consortium_id)).policy


async def set_numbers(actor: Actor, policy: DutyPolicy, *, reason: str) -> str:
    """A new version for the whole consortium, by its administrators; what waits keeps its times.

    Returns the version. Raises NotFound, Malformed; DutyChanged: `version` is not the latest.
    """
    actor.must(DUTY)
    if actor.where(DUTY) is not None:
        raise NotFound
    said = check_reason(reason)
    duty_policy.check(policy)
    async with db.transaction():
        latest = (
            await DutyNumbers.filter(consortium_id=actor.consortium_id).order_by("-version").first()
        )
        known = "built-in@1" if latest is None else f"duty@{latest.version}"
        if policy.version != known:
            duty.forget()
            raise DutyChanged(field="version")
        version = 1 if latest is None else latest.version + 1
        made = msgspec.structs.replace(policy, version=f"duty@{version}")
        kept: dict[str, Any] = msgspec.to_builtins(made)
        row = await DutyNumbers.create(
            id=new_id(), consortium_id=actor.consortium_id, version=version, numbers=kept,
            reason=said, created_by=actor.id, created_at=clock.now(),
        )  # fmt: skip
        await audit.record(actor, "duty.numbers_set", entity_id=row.id, version=version)
    duty.forget()
    log.info("duty.numbers_set", version=made.version)
    return made.version
