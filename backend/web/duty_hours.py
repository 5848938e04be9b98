"""值班: the hours of the week, of an institution or of one doctor there."""

from datetime import time
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.chat import staffing
from backend.chat.working_time import DAY_MIN, Hours, Week
from backend.errors import NotFound
from backend.web import choices, duty, places
from backend.web.chats import READ
from backend.web.duty import RIGHT, Chosen
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

SPANS = 4  # of a day; staffing allows as many
Version = Annotated[str, Meta(max_length=64)]  # of the week that the page was drawn with
SHOWN = 2  # lines for each day, one more if asked for
FIELDS = [(day, n) for day in range(1, 8) for n in range(SPANS)]
HoursForm = msgspec.defstruct(
    "HoursForm",
    [
        ("organization", UUID),
        ("practitioner", Chosen, ""),
        ("seen", Version, ""),
        *((f"{end}_{day}_{n}", time | None, None) for day, n in FIELDS for end in ("from", "to")),
    ],
)


class Whose(msgspec.Struct, forbid_unknown_fields=True):
    """`practitioner`: nobody: the institution's own."""

    organization: Chosen = ""
    practitioner: Chosen = ""
    more: bool = False


class BackForm(msgspec.Struct):
    organization: UUID
    practitioner: Chosen = ""
    seen: Version = ""


@page("GET", "/duty/hours", right=READ, query=Whose)
async def ask(view: View, **_: Any) -> Show:
    """The week as it is, to be changed."""
    sent = view.sent.one
    wanted = getattr(view.query, "organization", "") or sent("organization")
    here, _institutions = await duty.institution(view, wanted)
    whose = getattr(view.query, "practitioner", "") or sent("practitioner")
    doctors = await places.doctors(view, here.id)
    if not view.may(RIGHT, here.id):  # one's own, and nobody else's
        doctors = [one for one in doctors if one[0] == str(view.actor.practitioner_id or "")]
        whose = whose or (doctors[0][0] if doctors else "")
        if whose not in dict(doctors):
            raise NotFound
    practitioner_id = UUID(whose) if whose else None
    kept = await staffing.hours_of(view.actor, here.id, practitioner_id)
    return show(
        "duty_hours.html", here=here, whose=whose, doctors=doctors, kept=kept,
        weekdays=choices.WEEKDAYS, times=_times(kept.week), keeps=view.may(RIGHT, here.id),
        lines=_lines(view, kept.week), spans=duty.spans_of,
        seen=kept.version if view.faults.get("seen") else view.typed("seen", kept.version),
    )  # fmt: skip


def _lines(view: View, week: Week) -> int:
    there = max(sum(one.weekday == day for one in week) for day in range(1, 8))
    sent = sum(f"from_1_{n}" in view.sent.values for n in range(SPANS))
    asked = max(there, SHOWN) + getattr(view.query, "more", False)
    return min(SPANS, max(sent, asked))


def _times(week: Week) -> dict[str, str]:
    """What stands in each field of the form."""
    filled = {}
    for day in range(1, 8):
        for n, one in enumerate(one for one in week if one.weekday == day):
            filled[f"from_{day}_{n}"] = _clock(one.from_min)
            filled[f"to_{day}_{n}"] = _clock(one.to_min)
    return filled


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"  # midnight at the end is 00:00


@page("POST", "/duty/hours", right=READ, form=HoursForm, on_fault=ask)
async def keep(view: View, form: Any) -> Go:
    """All of the week."""
    whose = UUID(form.practitioner) if form.practitioner else None
    await staffing.set_hours(view.actor, form.organization, week_of(form), whose, seen=form.seen)
    return go(f"/duty?organization={form.organization}", "工作时间已存好。")


def week_of(form: Any) -> list[Hours]:
    """Raises nothing: what is left half empty or upside down is for the verb to refuse."""
    week = []
    for day, n in FIELDS:
        start, end = getattr(form, f"from_{day}_{n}"), getattr(form, f"to_{day}_{n}")
        if start is None and end is None:
            continue
        from_min = DAY_MIN if start is None else _minutes(start)
        week.append(Hours(day, from_min, (end and _minutes(end)) or (DAY_MIN if end else 0)))
    return week


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


@page("POST", "/duty/hours/usual", right=READ, form=BackForm, on_fault=ask)
async def back(view: View, form: BackForm) -> Go:
    """The institution's again, or the usual ones."""
    whose = UUID(form.practitioner) if form.practitioner else None
    await staffing.set_hours(view.actor, form.organization, (), whose, seen=form.seen)
    return go(f"/duty?organization={form.organization}", "已改回原来的时间。")
