"""值班: working hours, leave with substitutes, who is on call, and the numbers of due times."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from backend import clock
from backend.chat import staffing
from backend.chat.working_time import AHEAD_DAYS
from backend.consortium.directory import Org
from backend.errors import Malformed, NotFound
from backend.web import choices, places
from backend.web.chats import ANSWER, READ
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

RIGHT = "chat.duty"
WEEK = timedelta(days=7)
Chosen = Annotated[str, Meta(pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")]


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Which institution, and the seven days from `on`."""

    organization: Chosen = ""
    on: date | None = None


class Day(msgspec.Struct, frozen=True):
    on: date
    shifts: list[staffing.Shift]


class OnCallForm(msgspec.Struct):
    """`to_time` not after `from_time` on the same day: until the next day."""

    organization: UUID
    doctor: UUID
    from_on: date
    from_time: time
    to_on: date
    to_time: time


class LeaveForm(msgspec.Struct):
    organization: UUID
    absent: UUID
    leave_from: date
    leave_to: date
    substitute: UUID | None = None


@page("GET", "/duty", right=READ, query=Wanted)
async def shown(view: View, **_: Any) -> Show:
    """An institution's lists."""
    return show("duty.html", **await _context(view))


async def institution(view: View, wanted: str = "") -> tuple[Org, list[Org]]:
    """The one that is asked for, else where one works, else the first, of those where one answers
    or keeps the lists.

    Raises NotFound.
    """
    mine = {
        org.id: org for right in (RIGHT, ANSWER) for org in await places.institutions(view, right)
    }
    doctor = (await places.county_of(view)).doctors.get(view.actor.practitioner_id)  # type: ignore[arg-type]
    works_at = [
        mine[role.organization_id]
        for role in (doctor.roles if doctor else ())
        if role.organization_id in mine
    ]
    usual = next(iter((*works_at, *mine.values())), None)
    chosen = mine.get(UUID(wanted)) if wanted else usual
    if chosen is None:
        raise NotFound
    return chosen, list(mine.values())


async def _context(view: View) -> dict[str, Any]:
    wanted = getattr(view.query, "organization", "") or view.sent.one("organization")
    here, mine = await institution(view, wanted)
    today = clock.today()
    first = max(today, min(getattr(view.query, "on", None) or today, today + timedelta(AHEAD_DAYS)))
    doctors = await places.doctors(view, here.id)
    return {
        "here": here,
        "institutions": places.options_of(mine),
        "days": _days(await staffing.on_call(view.actor, here.id), first),
        "first": first,
        "second": first + timedelta(days=1),
        "before": max(today, first - WEEK),
        "after": first + WEEK,
        "leaves": await staffing.leaves(view.actor, here.id),
        "week": await staffing.hours_of(view.actor, here.id),
        "doctors": doctors,
        "absent": doctors if view.may(RIGHT, here.id) else _own(view, doctors),
        "keeps": view.may(RIGHT, here.id),
        "has_list": here.tier in staffing.ON_CALL_TIERS,
        "me": str(view.actor.practitioner_id or ""),
        "weekdays": choices.WEEKDAYS,
        "spans": spans_of,
        "sets_numbers": view.actor.may(RIGHT) and view.actor.where(RIGHT) is None,
    }


def _own(view: View, doctors: places.Options) -> places.Options:
    return [one for one in doctors if one[0] == str(view.actor.practitioner_id)]


def _days(shifts: list[staffing.Shift], first: date) -> list[Day]:
    """Seven days with who is on call in each; a night stands in both."""
    days = []
    for number in range(7):
        on = first + timedelta(days=number)
        start, end = clock.at(on, time()), clock.at(on + timedelta(days=1), time())
        there = [one for one in shifts if one.from_at < end and start < one.to_at]
        days.append(Day(on, there))
    return days


def spans_of(week: Any, weekday: int) -> str:
    """`08:00–12:00、14:00–17:30`"""
    found = [one for one in week if one.weekday == weekday]
    return "、".join(f"{_clock(one.from_min)}–{_clock(one.to_min)}" for one in found)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _instant(on: date, at: time) -> datetime:
    return clock.at(on, at.replace(tzinfo=None))


def _back(organization_id: UUID) -> str:
    return f"/duty?organization={organization_id}"


@page("POST", "/duty/on-call", right=RIGHT, form=OnCallForm, on_fault=shown)
async def put_on_call(view: View, form: OnCallForm) -> Go:
    """One stretch."""
    start, end = _instant(form.from_on, form.from_time), _instant(form.to_on, form.to_time)
    if end <= start:
        raise Malformed("结束要晚于开始。", field="to_time")
    await staffing.put_on_call(view.actor, form.organization, form.doctor, start, end)
    return go(_back(form.organization), "已排好。")


@page("POST", "/duty/on-call/<shift_id:uuid>/withdraw", right=RIGHT)
async def withdraw_on_call(view: View, shift_id: UUID) -> Go:
    await staffing.withdraw_on_call(view.actor, shift_id)
    return go("/duty", "已取消这一班。")


@page("POST", "/duty/leave", right=READ, form=LeaveForm, on_fault=shown)
async def add_leave(view: View, form: LeaveForm) -> Go:
    """Days on which a doctor is away, and who stands in."""
    try:
        await staffing.add_leave(
            view.actor, form.organization, form.absent, form.leave_from, form.leave_to,
            substitute_id=form.substitute,
        )  # fmt: skip
    except Malformed as wrong:
        named = {"to_on": "leave_to", "substitute_id": "substitute"}
        raise Malformed(wrong.detail, field=named.get(str(wrong.extra.get("field")), "")) from wrong
    return go(_back(form.organization), "已记下，这几天的咨询会转给替班医生或同事。")


@page("POST", "/duty/leave/<leave_id:uuid>/withdraw", right=READ)
async def withdraw_leave(view: View, leave_id: UUID) -> Go:
    await staffing.withdraw_leave(view.actor, leave_id)
    return go("/duty", "已取消休假。")
