"""今日门诊: the day's schedules, the line of one of them, check-in, walk-ins, the waiting room."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import msgspec
import segno
from msgspec import Meta

from backend import clock
from backend.booking import wording
from backend.clinic import calling, checkin, codes, daylist, queue, walkins
from backend.clinic import live as watched
from backend.clinic.wording import STATES
from backend.errors import NotFound
from backend.identity.patients import AtDesk
from backend.web import events
from backend.web.page import Go, Show, go, page, show
from backend.web.render import render
from backend.web.view import View

DAY, CALL, DESK = "clinic.day", "clinic.call", "clinic.desk"
ONE = "/clinic/<schedule_id:uuid>"
SHOWN_MOST = 8  # names on the screen of the waiting room
DEEDS = {
    "recall": calling.recall, "admit": calling.admit, "skip": calling.skip,
    "finish": calling.finish, "return": calling.return_to_line, "leave": calling.leave,
}  # fmt: skip
DONE = {
    "recall": "已再次叫号。", "admit": "已进诊室。", "skip": "已过号。", "finish": "就诊已完成。",
    "return": "已重新排队。", "leave": "已记为离开。",
}  # fmt: skip
ID_KINDS = (
    ("resident_id", "居民身份证"), ("passport", "护照"), ("hk_macao_permit", "港澳通行证"),
    ("taiwan_permit", "台湾通行证"), ("residence_permit", "居留许可"),
)  # fmt: skip
Room = Annotated[str, Meta(max_length=20)]


class OnDay(msgspec.Struct, forbid_unknown_fields=True):
    on: date | None = None


class Shown(msgspec.Struct, forbid_unknown_fields=True):
    """`room`: where this desk calls people to. `q`: whom one looks for among the expected: part of
    a name, or the last four of an identity number."""

    room: Room = ""
    q: Annotated[str, Meta(max_length=30)] = ""


class NextForm(msgspec.Struct):
    room: Room = ""


class DeedForm(msgspec.Struct):
    room: Room = ""


class CodeForm(msgspec.Struct):
    code: Annotated[str, Meta(min_length=4, max_length=200)]
    room: Room = ""


class WalkInForm(msgspec.Struct):
    name: Annotated[str, Meta(min_length=1, max_length=30)]
    id_number: Annotated[str, Meta(min_length=5, max_length=24)]
    id_kind: Annotated[str, Meta(max_length=20)] = "resident_id"
    phone: Annotated[str, Meta(max_length=20, pattern=r"^(1\d{10})?$")] = ""
    birth_on: date | None = None
    agreed: bool = False


@page("GET", "/clinic", right=DAY, query=OnDay)
async def days(view: View) -> Show:
    """The schedules of a day that one has to do with."""
    on = view.query.on or clock.today()
    found = await daylist.schedules_of(view.actor, on)
    return show("clinic.html", on=on, days=found, kinds=wording.KINDS, periods=wording.PERIODS)


@page("GET", "/clinic/list", right=DAY, query=OnDay)
async def day_list(view: View) -> Show:
    """Who comes that day, to print."""
    on = view.query.on or clock.today()
    sheets = await daylist.of(view.actor, on)
    return show(
        "clinic_list.html", on=on, sheets=sheets, states=STATES, periods=wording.PERIODS,
        statuses=wording.STATUSES,
    )  # fmt: skip


@page("GET", ONE, right=DAY, query=Shown)
async def line(view: View, schedule_id: UUID, **_: Any) -> Show:
    """The line of one schedule, and what to do with it; a refused deed brings it back too."""
    found = await queue.of_schedule(view.actor, schedule_id)
    return show("clinic_line.html", **await _context(view, found))


async def _context(view: View, found: queue.Line) -> dict[str, Any]:
    here = found.header.organization_id
    room, q = getattr(view.query, "room", ""), getattr(view.query, "q", "")
    return {
        "line": found,
        "base": f"/staff/clinic/{found.header.id}",
        "room": room,
        "q": q,
        "expected": await queue.named(view.service.vault, found.expected, q),
        "may_call": view.actor.may(CALL),
        "may_desk": view.may(DESK, here),
        "states": STATES,
        "periods": wording.PERIODS,
        "kinds": wording.KINDS,
    }


@page("GET", ONE + "/live", right=DAY, query=Shown, passive=True)
async def live(view: View, schedule_id: UUID) -> None:
    """The line again whenever it moves."""

    async def look(seen: str) -> events.Event | None:
        version = await queue.version(view.actor, schedule_id)
        if version == seen:
            return None
        found = await queue.of_schedule(view.actor, schedule_id, again=True)
        context = {"view": view} | await _context(view, found)
        return events.Event(version, render("clinic_line.html", "rows", context))

    return await events.stream(view, look, channels=[watched.channel(schedule_id)])


@page("POST", ONE + "/next", right=CALL, form=NextForm, on_fault=line)
async def call_next(view: View, schedule_id: UUID, form: NextForm) -> Go:
    """Whoever is first in line."""
    entry = await calling.next(view.actor, view.service.hub, schedule_id, room=form.room)
    return _back(schedule_id, form.room, f"已叫 {entry.number} 号。")


@page("POST", ONE + "/<entry_id:uuid>/<deed:str>", right=DAY, form=DeedForm, on_fault=line)
async def do(view: View, schedule_id: UUID, entry_id: UUID, deed: str, form: DeedForm) -> Go:
    """One of `DEEDS` to one who is in the line. Raises NotFound: there is no such deed."""
    if deed not in DEEDS:
        raise NotFound
    await DEEDS[deed](view.actor, view.service.hub, entry_id)
    return _back(schedule_id, form.room, DONE[deed])


@page("POST", ONE + "/code", right=DESK, form=CodeForm, on_fault=line)
async def check_in_by_code(view: View, schedule_id: UUID, form: CodeForm) -> Go:
    """The code on a resident's phone, read by a scanner or typed."""
    found = await queue.header_of(view.actor, schedule_id)
    service = view.service
    entry = await checkin.by_code(
        view.actor, service.hub, service.vault, found.organization_id, form.code
    )
    return go(f"/clinic/{entry.schedule_id}", f"已签到，{entry.number} 号。")


@page("POST", ONE + "/arrive/<appointment_id:uuid>", right=DESK, form=DeedForm, on_fault=line)
async def arrive(view: View, schedule_id: UUID, appointment_id: UUID, form: DeedForm) -> Go:
    """Somebody stands at the desk."""
    entry = await checkin.at_desk(view.actor, view.service.hub, appointment_id)
    return _back(schedule_id, form.room, f"已签到，{entry.number} 号。")


def _back(schedule_id: UUID, room: str, say: str) -> Go:
    query = f"?room={quote(room)}" if room else ""
    return go(f"/clinic/{schedule_id}{query}", say)


@page("GET", ONE + "/walk-in", right=DESK)
async def ask_walk_in(view: View, schedule_id: UUID, **_: Any) -> Show:
    found = await queue.header_of(view.actor, schedule_id)
    return show(
        "clinic_walk_in.html", header=found, id_kinds=ID_KINDS, periods=wording.PERIODS,
        base=f"/staff/clinic/{schedule_id}",
    )  # fmt: skip


@page("POST", ONE + "/walk-in", right=DESK, form=WalkInForm, on_fault=ask_walk_in)
async def walk_in(view: View, schedule_id: UUID, form: WalkInForm) -> Go:
    """A place that was kept for it; then the slip."""
    person = AtDesk(
        name=form.name.strip(),
        id_kind=form.id_kind,
        id_number=form.id_number,
        agreed=form.agreed,
        phone=form.phone or None,
        birth_on=form.birth_on,
    )
    service = view.service
    entry = await walkins.register(
        view.actor, service.desk, service.hub, service.vault, schedule_id, person
    )
    return go(f"/clinic/{schedule_id}/slip/{entry.id}", f"挂好了，{entry.number} 号。")


@page("GET", ONE + "/slip/<entry_id:uuid>", right=DAY)
async def slip(view: View, schedule_id: UUID, entry_id: UUID) -> Show:
    """The number on paper. Raises NotFound."""
    found = await queue.of_schedule(view.actor, schedule_id, again=True)
    everybody = (*found.called, *found.waiting, *found.skipped, *found.over)
    mine = next((one for one in everybody if one.entry_id == entry_id), None)
    if mine is None:
        raise NotFound
    return show(
        "clinic_slip.html", header=found.header, one=mine, periods=wording.PERIODS,
        base=f"/staff/clinic/{schedule_id}",
    )  # fmt: skip


@page("GET", ONE + "/code", right=DAY, passive=True)
async def code(view: View, schedule_id: UUID) -> Show:
    """The clinic's code, drawn anew every half minute."""
    found = await queue.header_of(view.actor, schedule_id)
    text = codes.of_place(view.service.vault, schedule_id)
    image = segno.make(text, error="m").svg_data_uri(scale=8, border=3, light="white")
    return show(
        "clinic_code.html",
        block="code" if view.htmx else None,
        header=found,
        image=image,
        text=text,
        base=f"/staff/clinic/{schedule_id}",
    )


@page("GET", ONE + "/screen", right=DAY)
async def screen(view: View, schedule_id: UUID) -> Show:
    """For the wall of the waiting room: masked names only."""
    found = await queue.screen(view.actor, schedule_id)
    return show("clinic_screen.html", **_on_screen(found))


@page("GET", ONE + "/screen/live", right=DAY, passive=True)
async def screen_live(view: View, schedule_id: UUID) -> None:
    """The same again whenever it moves."""

    async def look(seen: str) -> events.Event | None:
        version = await queue.version(view.actor, schedule_id)
        if version == seen:
            return None
        found = await queue.screen(view.actor, schedule_id)
        html = render("clinic_screen.html", "board", {"view": view} | _on_screen(found))
        return events.Event(version, html)

    return await events.stream(view, look, channels=[watched.channel(schedule_id)])


def _on_screen(found: queue.Line) -> dict[str, Any]:
    return {
        "header": found.header,
        "called": found.called[-SHOWN_MOST:],
        "waiting": found.waiting[:SHOWN_MOST],
        "more": max(0, len(found.waiting) - SHOWN_MOST),
        "base": f"/staff/clinic/{found.header.id}",
        "periods": wording.PERIODS,
    }
