"""排班: the week, a schedule with its places, single days, a week copied."""

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from backend import clock
from backend.consortium.directory import directory
from backend.errors import Malformed, NotFound
from backend.roster import capacity, exceptions, schedules, week, weeks, wording
from backend.roster.hours import Hours
from backend.web import choices
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

READ, EDIT = "schedule.read", "schedule.edit"
WEEK = timedelta(days=7)

Short = Annotated[str, Meta(max_length=36)]
Reason = Annotated[str, Meta(max_length=100)]
Wall = Annotated[str, Meta(pattern=r"^\d\d:\d\d$")]


class WeekQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Texts, as a form that narrows a list sends its empty fields too."""

    organization: Short = ""
    department: Short = ""
    practitioner: Short = ""
    on: Short = ""
    page: Annotated[int, Meta(ge=1, le=2000)] = 1

    @property
    def day(self) -> date:
        """Raises Malformed."""
        if not self.on:
            return clock.today()
        try:
            return date.fromisoformat(self.on)
        except ValueError:
            raise Malformed("日期的格式不对。", field="on") from None


class AddQuery(msgspec.Struct, forbid_unknown_fields=True):
    department: UUID
    on: date | None = None


class CopyQuery(msgspec.Struct, forbid_unknown_fields=True):
    department: UUID
    on: date


class NewPlaces(msgspec.Struct):
    capacity: int
    reason: Reason
    slot_id: UUID | None = None


class NewException(msgspec.Struct):
    held_on: date
    action: Annotated[str, Meta(max_length=10)]
    reason: Reason
    practitioner_id: UUID | None = None
    period: Annotated[str, Meta(max_length=6)] | None = None
    capacity: int | None = None


class Gone(msgspec.Struct):
    reason: Reason


class Timed(msgspec.Struct):
    """The hours of a schedule as a form has them."""

    period: Annotated[str, Meta(max_length=6)]
    kind: Annotated[str, Meta(max_length=10)]
    starts: Wall
    ends: Wall
    slot_minutes: int
    capacity: int


class NewSchedule(Timed):
    held_on: date
    reason: Reason
    practitioner_id: UUID | None = None


class CopyWeek(msgspec.Struct):
    to: date
    reason: Annotated[str, Meta(max_length=100)] = ""
    step: Annotated[str, Meta(max_length=8)] = "look"


def hours_of(form: Timed) -> Hours:
    return Hours(**{name: getattr(form, name) for name in Timed.__struct_fields__})


@page("GET", "/schedules", right=READ, query=WeekQuery)
async def shown(view: View) -> Show:
    """The week of an institution, of one department or one doctor."""
    asked, county = view.query, await directory(view.actor.consortium_id)
    places = choices.organizations(view, county, READ)
    here = next((org for org in places if asked.organization in ("", str(org.id))), None)
    if here is None:
        raise NotFound
    rooms = choices.departments(county, [here])
    room_id = chosen(asked.department, rooms)  # of another institution chosen before: forgotten
    people = choices.doctors(county, [room_id] if room_id else [UUID(id) for id, _ in rooms])
    seen = await week.of(
        view.actor,
        here.id,
        monday=asked.day,
        department_id=room_id,
        practitioner_id=chosen(asked.practitioner, people),
        page=asked.page,
    )
    return show(
        "schedules.html",
        week=seen,
        places=[(org.id, org.name) for org in places],
        rooms=rooms,
        people=people,
        words=wording,
        before=seen.monday - WEEK,
        after=seen.monday + WEEK,
        may_edit=view.may(EDIT, seen.organization.id),
    )


@page("GET", "/schedules/<schedule_id:uuid>", right=READ)
async def one(view: View, schedule_id: UUID) -> Show:
    """A schedule with its slots."""
    row = await schedules.of(view.actor, schedule_id)
    slots = await schedules.slots_of(view.actor, schedule_id)
    county = await directory(view.actor.consortium_id)
    return show(
        "schedule.html",
        schedule=row,
        slots=slots,
        words=wording,
        organization=county.organizations.get(row.organization_id),
        department=county.departments.get(row.department_id),
        doctor=county.doctors.get(row.practitioner_id) if row.practitioner_id else None,
        may_edit=view.may(EDIT, row.organization_id) and row.ends_at > clock.now(),
        may_suspend=view.may("schedule.suspend", row.organization_id),
        usual=next((slot.capacity for slot in slots if slot.pool == "public"), 0),
        coming=[slot for slot in slots if slot.starts_at > clock.now()],
    )


@page("POST", "/schedules/<schedule_id:uuid>/places", right=EDIT, form=NewPlaces, on_fault=one)
async def change_places(view: View, schedule_id: UUID, form: NewPlaces) -> Go:
    await schedules.of(view.actor, schedule_id, EDIT)
    changed = await capacity.change(
        view.actor,
        view.service.desk,
        capacity=form.capacity,
        reason=form.reason,
        **({"slot_id": form.slot_id} if form.slot_id else {"schedule_id": schedule_id}),
    )
    said = f"已改 {len(changed)} 个时段的号数。" if changed else "号数本来就是这样，没有改动。"
    return go(f"/schedules/{schedule_id}", said)


@page("GET", "/schedules/new", right=EDIT, query=AddQuery)
async def ask(view: View) -> Show:
    """A schedule on one day."""
    return show("schedule_new.html", on=view.query.on, **await room(view, view.query.department))


@page("POST", "/schedules/new", right=EDIT, query=AddQuery, form=NewSchedule, on_fault=ask)
async def add(view: View, form: NewSchedule) -> Go:
    row = await schedules.add(
        view.actor,
        department_id=view.query.department,
        practitioner_id=form.practitioner_id,
        held_on=form.held_on,
        plan=hours_of(form),
        reason=form.reason,
    )
    return go(f"/schedules/{row.id}", "班次已加上，并已放号。")


@page("GET", "/schedules/exceptions/new", right=EDIT, query=AddQuery)
async def ask_exception(view: View) -> Show:
    return show("exception_new.html", on=view.query.on, **await room(view, view.query.department))


@page(
    "POST",
    "/schedules/exceptions/new",
    right=EDIT,
    query=AddQuery,
    form=NewException,
    on_fault=ask_exception,
)
async def add_exception(view: View, form: NewException) -> Go:
    await exceptions.add(
        view.actor,
        view.service.desk,
        department_id=view.query.department,
        **{name: getattr(form, name) for name in NewException.__struct_fields__},
    )
    return go(_back(view.query.department, form.held_on), "例外已登记，当天的号已随之调整。")


@page("GET", "/schedules/exceptions/<exception_id:uuid>", right=EDIT)
async def exception(view: View, exception_id: UUID) -> Show:
    row = await exceptions.of(view.actor, exception_id)
    county = await directory(view.actor.consortium_id)
    return show(
        "exception.html",
        row=row,
        words=wording,
        organization=county.organizations.get(row.organization_id),
        department=county.departments.get(row.department_id) if row.department_id else None,
        doctor=county.doctors.get(row.practitioner_id) if row.practitioner_id else None,
    )


@page(
    "POST",
    "/schedules/exceptions/<exception_id:uuid>/remove",
    right=EDIT,
    form=Gone,
    on_fault=exception,
)
async def remove_exception(view: View, exception_id: UUID, form: Gone) -> Go:
    row = await exceptions.of(view.actor, exception_id)
    await exceptions.remove(view.actor, exception_id, reason=form.reason)
    to = f"/schedules?organization={row.organization_id}&on={row.held_on}"
    return go(to, "例外已取消，当天恢复按模板出诊。")


@page("GET", "/schedules/copy", right=EDIT, query=CopyQuery)
async def ask_copy(view: View) -> Show:
    return await _copying(view, view.query.on + WEEK, None)


@page("POST", "/schedules/copy", right=EDIT, query=CopyQuery, form=CopyWeek, on_fault=ask_copy)
async def copy(view: View, form: CopyWeek) -> Show | Go:
    """First what would come of it, then the deed."""
    wanted: dict[str, Any] = {
        "department_id": view.query.department,
        "from_monday": monday_of(view.query.on),
        "to_monday": monday_of(form.to),
    }
    if form.step != "do":
        return await _copying(view, form.to, await weeks.preview(view.actor, **wanted))
    if not form.reason.strip():
        raise Malformed("请写明原因，会记入操作记录。", field="reason")
    done = await weeks.copy(view.actor, **wanted, reason=form.reason)
    said = f"已复制 {len(done.made)} 个班次，跳过 {len(done.skipped)} 个。"
    return go(_back(view.query.department, form.to), said)


async def _copying(view: View, to: date, seen: weeks.Copied | None) -> Show:
    return show(
        "week_copy.html",
        source=monday_of(view.query.on),
        to=monday_of(to),
        seen=seen,
        **await room(view, view.query.department),
    )


async def room(view: View, department_id: UUID) -> dict[str, Any]:
    """What a form about one department needs. Raises NotFound."""
    county = await directory(view.actor.consortium_id)
    org, dept = choices.department(view, county, department_id, EDIT)
    return {
        "organization": org,
        "department": dept,
        "people": choices.doctors(county, [department_id]),
        "kinds": choices.KINDS,
        "periods": choices.PERIODS,
        "weekdays": choices.WEEKDAYS,
        "actions": choices.ACTIONS,
        "words": wording,
    }


def _back(department_id: UUID, on: date) -> str:
    return f"/schedules/of/{department_id}?on={on}"


@page("GET", "/schedules/of/<department_id:uuid>", right=READ, query=WeekQuery)
async def of_department(view: View, department_id: UUID) -> Go:
    """To the week of a department, whose institution need not be known."""
    county = await directory(view.actor.consortium_id)
    org, _ = choices.department(view, county, department_id, READ)
    on = view.query.day
    return go(f"/schedules?organization={org.id}&department={department_id}&on={on}")


def chosen(asked: str, among: choices.Pairs) -> UUID | None:
    return UUID(asked) if asked in dict(among) else None


def monday_of(on: date) -> date:
    return on - timedelta(days=on.weekday())
