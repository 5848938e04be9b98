"""排班模板: a department's weekly schedules; a change holds from a date on."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from backend import clock
from backend.consortium.directory import directory
from backend.roster import templates, wording
from backend.roster.hours import Weekly
from backend.web import choices
from backend.web.page import Go, Show, go, page, show
from backend.web.schedules import EDIT, READ, Reason, Timed, hours_of, room
from backend.web.view import View


class Of(msgspec.Struct, forbid_unknown_fields=True):
    department: UUID


class TemplateForm(Timed, kw_only=True):
    weekday: Annotated[int, Meta(ge=1, le=7)]
    practitioner_id: UUID | None = None
    works_on_holidays: bool = False
    to_on: date | None = None


class NewTemplate(TemplateForm, kw_only=True):
    reason: Reason
    from_on: date | None = None


class ChangedTemplate(TemplateForm, kw_only=True):
    effective_on: date
    reason: Annotated[str, Meta(max_length=100)] = ""
    step: Annotated[str, Meta(max_length=8)] = "look"


class EndTemplate(msgspec.Struct):
    last_on: date
    reason: Reason


def _weekly(form: TemplateForm, **more: object) -> Weekly:
    names = ("weekday", "practitioner_id", "works_on_holidays", "to_on")
    facts = msgspec.structs.asdict(hours_of(form)) | {name: getattr(form, name) for name in names}
    return Weekly(**(facts | more))


@page("GET", "/schedules/templates", right=READ, query=Of)
async def listed(view: View) -> Show:
    county = await directory(view.actor.consortium_id)
    org, dept = choices.department(view, county, view.query.department, READ)
    rows = await templates.list_of(view.actor, dept.id)
    return show(
        "templates.html",
        organization=org,
        department=dept,
        rows=[(row, county.doctors.get(row.practitioner_id)) for row in rows],
        words=wording,
        may_edit=view.may(EDIT, org.id),
    )


@page("GET", "/schedules/templates/new", right=EDIT, query=Of)
async def ask(view: View) -> Show:
    return show("template_new.html", **await room(view, view.query.department))


@page("POST", "/schedules/templates/new", right=EDIT, query=Of, form=NewTemplate, on_fault=ask)
async def add(view: View, form: NewTemplate) -> Go:
    await templates.add(
        view.actor,
        department_id=view.query.department,
        plan=_weekly(form, from_on=form.from_on),
        reason=form.reason,
    )
    to = f"/schedules/templates?department={view.query.department}"
    return go(to, "模板已加上，可以预约的日子已放号。")


@page("GET", "/schedules/templates/<template_id:uuid>", right=EDIT)
async def one(view: View, template_id: UUID) -> Show:
    return await _editing(view, template_id, None)


async def _editing(view: View, template_id: UUID, touched: templates.Touched | None) -> Show:
    row = await templates.of(view.actor, template_id, EDIT)
    return show(
        "template.html",
        row=row,
        touched=touched,
        tomorrow=clock.today() + timedelta(days=1),
        **await room(view, row.department_id),
    )


@page(
    "POST",
    "/schedules/templates/<template_id:uuid>",
    right=EDIT,
    form=ChangedTemplate,
    on_fault=one,
)
async def change(view: View, template_id: UUID, form: ChangedTemplate) -> Show | Go:
    """First what it would touch, then the deed."""
    if form.step != "do":
        touched = await templates.preview(view.actor, template_id, form.effective_on)
        return await _editing(view, template_id, touched)
    row = await templates.of(view.actor, template_id, EDIT)
    touched = await templates.change(
        view.actor,
        template_id,
        effective_on=form.effective_on,
        plan=_weekly(form),
        reason=form.reason,
    )
    to = f"/schedules/templates?department={row.department_id}"
    return go(to, _said("模板已改", touched))


@page(
    "POST",
    "/schedules/templates/<template_id:uuid>/end",
    right=EDIT,
    form=EndTemplate,
    on_fault=one,
)
async def end(view: View, template_id: UUID, form: EndTemplate) -> Go:
    row = await templates.of(view.actor, template_id, EDIT)
    touched = await templates.end(view.actor, template_id, last_on=form.last_on, reason=form.reason)
    to = f"/schedules/templates?department={row.department_id}"
    return go(to, _said("模板已停用", touched))


def _said(done: str, touched: templates.Touched) -> str:
    kept = len(touched.kept)
    said = f"{done}，收回无人预约的班次 {len(touched.replaced)} 个。"
    return said + (f"另有 {kept} 个班次已有人预约，保持不变。" if kept else "")
