"""随访: begun from a conversation; 谁的随访到期了, done, missed or cancelled; what nobody has."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta

from backend import clock
from backend.api import paging
from backend.chat import cases, planned
from backend.reminders import follow_up_rules, follow_ups, unattended
from backend.reminders.follow_up_rules import UNSIGNED, Proposal
from backend.reminders.follow_ups import ABOUT_MOST, EVERY_MOST, NOTE_MOST, RIGHT, Look, Wanted
from backend.web.chats import ANSWER
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

BEGIN = "/chats/<conversation_id:uuid>/follow-up"
OWN = "/contracts/<patient_id:uuid>/follow-up"
PAGE_MOST = 20
USUAL_DAYS = 90
DEEDS = {"do": "随访了", "miss": "没随访上", "cancel": "不用再随访"}


class Chosen(msgspec.Struct, forbid_unknown_fields=True):
    """`case`: the rule's case whose interval is proposed."""

    case: Annotated[str, Meta(max_length=30)] = ""


class BeginForm(msgspec.Struct):
    """`id`: of the plan that the page has in mind, so that a second send is harmless."""

    about: Annotated[str, Meta(max_length=ABOUT_MOST)]
    due_on: date
    every_days: Annotated[int, Meta(ge=1, le=EVERY_MOST)]
    id: UUID | None = None


class From(msgspec.Struct, forbid_unknown_fields=True):
    """`after`: where the page begins."""

    after: Annotated[str, Meta(max_length=200)] = ""


class CloseForm(msgspec.Struct):
    deed: Annotated[str, Meta(max_length=10)]
    note: Annotated[str, Meta(max_length=NOTE_MOST)] = ""
    next_on: date | None = None


def _proposal(view: View) -> Proposal | None:
    case = getattr(view.query, "case", "")
    allowed = view.service.settings.bot_unsigned
    return follow_up_rules.find(case, clock.today(), unsigned_allowed=allowed) if case else None


@page("GET", BEGIN, right=ANSWER, query=Chosen)
async def ask(view: View, conversation_id: UUID, **_: Any) -> Show:
    """For whom the rules propose a day, then the form with it; the doctor may change it all."""
    await planned.must_have(view.actor, conversation_id)
    case = await cases.show(view.actor, conversation_id)
    back = f"/staff/chats/{conversation_id}"
    if case.card is None:
        return ask_for(view, "", (), back)
    return ask_for(view, case.card.name, case.card.follow_ups, back)


def ask_for(view: View, name: str, looks: Sequence[Look], back: str, to: str = "") -> Show:
    """The page below `back`. `to`: where one came from, if not there."""
    today, chosen = clock.today(), _proposal(view)
    proposals = follow_up_rules.offered(today, unsigned_allowed=view.service.settings.bot_unsigned)
    return show(
        "follow_up.html",
        name=name,
        planned=looks,
        base=f"{back}/follow-up",
        to=to or back,
        proposals=proposals,
        chosen=chosen,
        unsigned=UNSIGNED,
        id=view.fresh_id(),
        due_on=chosen.due_on(today) if chosen else today + timedelta(days=USUAL_DAYS),
        about_most=ABOUT_MOST,
        every_most=EVERY_MOST,
        usual_days=USUAL_DAYS,
    )


@page("POST", BEGIN, right=ANSWER, query=Chosen, form=BeginForm, on_fault=ask,
      words=("about",))  # fmt: skip
async def begin(view: View, conversation_id: UUID, form: BeginForm) -> Go:
    await planned.follow_up(
        view.actor, view.service.hub, conversation_id, _wanted(view, form),
        plan_id=form.id or uuid4(),
    )  # fmt: skip
    return go(f"/chats/{conversation_id}#end", "随访已定，居民在对话里能看到。")


def _wanted(view: View, form: BeginForm) -> Wanted:
    chosen = _proposal(view)
    return Wanted(
        about=form.about,
        due_on=form.due_on,
        every_days=form.every_days,
        rule=chosen.version if chosen else "",
    )


@page("GET", OWN, right=RIGHT, query=Chosen)
async def ask_of_resident(view: View, patient_id: UUID, **_: Any) -> Show:
    """The same, for one's own contracted resident."""
    resident, looks = await follow_ups.of_resident(view.actor, patient_id)
    return ask_for(view, resident.name, looks, f"/staff/contracts/{patient_id}", "/staff/contracts")


@page("POST", OWN, right=RIGHT, query=Chosen, form=BeginForm, on_fault=ask_of_resident,
      words=("about",))  # fmt: skip
async def begin_for_resident(view: View, patient_id: UUID, form: BeginForm) -> Go:
    await follow_ups.start(view.actor, patient_id, _wanted(view, form), plan_id=form.id or uuid4())
    return go("/follow-ups", "随访已定，居民会收到消息；两周以内到期的在这里。")


@page("GET", "/follow-ups", right=RIGHT, query=From)
async def due(view: View, follow_up_id: UUID | None = None) -> Show:
    """谁的随访到期了, the longest overdue first."""
    after = view.query.after or None
    found = await follow_ups.due_list(
        view.actor, after=paging.decode(after, tuple[date, UUID]), most=PAGE_MOST
    )
    return show(
        "follow_ups.html",
        found=found,
        here=f"?after={after}" if after else "",
        following=paging.following(found, PAGE_MOST, lambda one: (one.due_on, one.id)),
        deeds=DEEDS,
        label=follow_up_rules.label,
        at=follow_up_id,
        next_on={one.id: clock.today() + timedelta(days=one.every_days) for one in found},
        note_most=NOTE_MOST,
    )


@page("GET", "/unattended", right=unattended.RIGHT, query=From)
async def without_doctor(view: View) -> Show:
    """没人管的随访, for who runs the place: what is in no doctor's list."""
    after = paging.decode(view.query.after or None, tuple[date, UUID])
    found = await unattended.list_of(view.actor, after=after, most=PAGE_MOST)
    return show(
        "follow_ups_unattended.html",
        found=found,
        following=paging.following(found, PAGE_MOST, lambda one: (one.look.due_on, one.look.id)),
    )


@page("POST", "/follow-ups/<follow_up_id:uuid>", right=RIGHT, query=From, form=CloseForm,
      on_fault=due, words=("note",))  # fmt: skip
async def close(view: View, follow_up_id: UUID, form: CloseForm) -> Go:
    await follow_ups.close(
        view.actor, follow_up_id, deed=form.deed, note=form.note,
        next_on=None if form.deed == "cancel" else form.next_on,
    )  # fmt: skip
    return go("/follow-ups", f"已记下：{DEEDS[form.deed]}。")
