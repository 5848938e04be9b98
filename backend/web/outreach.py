"""专家下沉: plan a county doctor's hours at a township or village."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.consortium.directory import directory
from backend.roster import outreach, wording
from backend.roster.hours import Hours
from backend.web import choices
from backend.web.page import Go, Show, go, page, show
from backend.web.schedules import EDIT, Reason, Wall
from backend.web.view import View


class NewOutreach(msgspec.Struct):
    practitioner_id: UUID
    department_id: UUID
    from_on: date
    to_on: date
    period: Annotated[str, Meta(max_length=6)]
    starts: Wall
    ends: Wall
    slot_minutes: int
    capacity: int
    reason: Reason
    weekdays: Annotated[list[int], Meta(max_length=7)] = []


@page("GET", "/schedules/outreach", right=EDIT)
async def ask(view: View) -> Show:
    county = await directory(view.actor.consortium_id)
    places = choices.organizations(view, county, EDIT)
    ids = {org.id for org in places}
    near = [org for org in places if org.tier != "county"]
    senders = [
        doctor
        for doctor in county.doctors.values()
        if any(role.kind == "main" and role.organization_id in ids for role in doctor.roles)
    ]
    return show(
        "outreach.html",
        people=choices.pairs(senders),
        rooms=choices.departments(county, near, named=True),
        periods=choices.PERIODS,
        weekdays=choices.WEEKDAYS,
        words=wording,
    )


@page("POST", "/schedules/outreach", right=EDIT, form=NewOutreach, on_fault=ask)
async def plan(view: View, form: NewOutreach) -> Go:
    facts: dict[str, Any] = {
        name: getattr(form, name)
        for name in ("period", "starts", "ends", "slot_minutes", "capacity")
    }
    wanted = outreach.Plan(
        practitioner_id=form.practitioner_id,
        department_id=form.department_id,
        from_on=form.from_on,
        to_on=form.to_on,
        hours=Hours(kind=outreach.KIND, **facts),
        **_days(form),
    )
    await outreach.plan(view.actor, wanted, reason=form.reason)
    to = f"/schedules/of/{form.department_id}?on={form.from_on}"
    return go(to, "下沉已安排，可以预约的日子已放号。")


def _days(form: NewOutreach) -> dict[str, Any]:
    """Every week on these days; with the same first and last day, on that day alone."""
    if not form.weekdays and form.from_on == form.to_on:
        return {"days": [form.from_on]}
    return {"weekdays": form.weekdays}
