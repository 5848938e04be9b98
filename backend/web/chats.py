"""咨询: the lists of conversations, and the call list."""

from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.chat import calls, inbox
from backend.chat.duty_wording import CALL_OUTCOMES, LEVELS, OUTCOMES, PRIORITIES
from backend.chat.lists import List, Wanted
from backend.identity.phones import Number
from backend.suspension.wording import RELATIONS
from backend.web import events, places
from backend.web.page import Go, Show, go, page, show
from backend.web.render import render
from backend.web.view import View

READ, ANSWER, OVERSEE = "chat.read", "chat.answer", "chat.oversee"
LISTS: dict[List, str] = {
    "mine": "我的",
    "queue": "等人接",
    "escalated": "超时未接",
    "open": "正在答",
    "closed": "已结束",
}
STATES = {
    "waiting": ("等医生", "warn"),
    "escalated": ("超时未接", "danger"),
    "open": ("正在答", "good"),
    "closed": ("已结束", ""),
    "rated": ("已评价", ""),
}
WHOSE = RELATIONS | {"account": "提问的人"}
SEXES = {"male": "男", "female": "女"}
Priority = Literal["I", "II", "III", "IV"]


class Look(msgspec.Struct, forbid_unknown_fields=True):
    """Which list, narrowed. `after`: where the page begins;
    `seen`: the stamp of what it shows, for its stream."""

    list: List = "queue"
    priority: Priority | None = None
    unread: bool = False
    organization: UUID | None = None
    q: Annotated[str, Meta(max_length=40)] = ""
    after: Annotated[str, Meta(max_length=400)] = ""
    seen: Annotated[str, Meta(max_length=64)] = ""

    def wanted(self) -> Wanted:
        return Wanted(
            list=self.list, priority=self.priority, unread=self.unread,
            organization_id=self.organization, q=self.q,
        )  # fmt: skip

    def link(self, **changes: Any) -> str:
        """The query string of the same list with other filters."""
        said = msgspec.structs.asdict(self) | {"after": "", "seen": ""} | changes
        known = {name: "true" if value is True else value for name, value in said.items() if value}
        return "?" + urlencode(known)


class CallForm(msgspec.Struct):
    outcome: Annotated[str, Meta(max_length=20)]
    note: Annotated[str, Meta(max_length=calls.NOTE_MOST)] = ""


@page("GET", "/chats", query=Look, right=READ)
async def listed(view: View) -> Show:
    """Conversations in one of the lists."""
    return show("chats.html", **await _context(view))


async def _context(view: View) -> dict[str, Any]:
    look: Look = view.query
    found = await inbox.list_of(view.actor, look.wanted(), after=look.after or None)
    return {
        "look": look,
        "found": found,
        "news": await inbox.news(view.actor),
        "lists": LISTS,
        "states": STATES,
        "priorities": PRIORITIES,
        "levels": LEVELS,
        "outcomes": OUTCOMES,
        "sexes": SEXES,
        "institutions": places.options_of(await places.institutions(view, READ)),
        "asks": view.may(OVERSEE) and view.actor.where(OVERSEE) is None,
        "calls": await calls.count(view.actor),
    }


@page("GET", "/chats/live", query=Look, right=READ, passive=True)
async def live(view: View) -> None:
    """The list again whenever something in it may have changed."""

    async def look(seen: str) -> events.Event | None:
        news = await inbox.news(view.actor)
        if news.stamp == (seen or view.query.seen):
            return None
        context = {"view": view} | await _context(view)
        return events.Event(news.stamp, render("chats.html", "rows", context))

    return await events.stream(view, look, channels=await inbox.channels(view.actor))


@page("GET", "/chats/calls", right=READ)
async def call_list(view: View, call_id: UUID | None = None) -> Show:
    """Who must be called. `call_id`: whose form came back."""
    return await _calls(view, call_id)


async def _calls(
    view: View, at: UUID | None, shown: UUID | None = None, numbers: tuple[Number, ...] = ()
) -> Show:
    found = await calls.worklist(view.actor)
    named = {org.id: org.name for org in (await places.county_of(view)).organizations.values()}
    return show(
        "chat_calls.html", calls=found, outcomes=CALL_OUTCOMES, named=named, at=at,
        shown=shown, numbers=numbers, whose=WHOSE,
    )  # fmt: skip


@page("POST", "/chats/calls/<call_id:uuid>/number", right=READ, on_fault=call_list)
async def reveal(view: View, call_id: UUID) -> Show:
    """The numbers to dial; the look is written down."""
    numbers = await calls.reveal(view.actor, view.service.vault, call_id)
    return await _calls(view, None, call_id, tuple(numbers))


@page("POST", "/chats/calls/<call_id:uuid>", right=READ, form=CallForm, on_fault=call_list,
      words=("note",))  # fmt: skip
async def called(view: View, call_id: UUID, form: CallForm) -> Go:
    """What came of the call."""
    await calls.done(
        view.actor, view.service.hub, call_id, outcome=form.outcome, note=form.note
    )  # fmt: skip
    return go("/chats/calls", "已记下。")


assert set(get_args(List)) == set(LISTS)  # noqa: S101  a list without a name has no way to it
