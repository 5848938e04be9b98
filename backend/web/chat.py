"""一次咨询: what was said, what is known of whom it is about, and the doctor's deeds."""

import contextlib
import secrets
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from sanic import HTTPResponse

from backend import clock
from backend.api.reply import Reply
from backend.booking import wording
from backend.bot.talk import TEXT_MOST
from backend.chat import (
    answering,
    booked,
    canned,
    cases,
    duty_wording,
    ending,
    marks,
    notes,
    policy,
    recalling,
    taking,
)
from backend.chat import live as chat_live
from backend.chat.duty_wording import LEVELS, OUTCOMES, PRIORITIES
from backend.chat.messages import DOCTOR, RESIDENT, Draft
from backend.chat.taking import Target
from backend.errors import Malformed
from backend.identity.documents import age_on
from backend.web import events, kept_places, places
from backend.web.chats import ANSWER, READ, SEXES, STATES
from backend.web.kept_places import PlaceForm, Where
from backend.web.page import Go, Show, go, page, show
from backend.web.render import SECURE, render
from backend.web.view import View

ONE = "/chats/<conversation_id:uuid>"
SHOWN_MOST = 50
REASON = Annotated[str, Meta(max_length=100)]
TIERS = {"village": "村卫生室", "township": "乡镇卫生院", "county": "县医院"}
DEEDS = {
    "open": "居民开始咨询",
    "hand_over": "转人工",
    "claim": "接诊",
    "release": "退回",
    "transfer": "转出",
    "reroute": "改由别人接",
    "escalate": "超时，升一级",
    "take_over": "换人接",
    "close": "结束",
    "reopen": "重新打开",
    "reopen_reason": "重新打开的原因",
    "rate": "居民评价",
    "recall": "撤回一条",
    "call": "打电话",
    "book": "替居民约号",
    "plan_begun": "写用药计划",
    "plan_changed": "改用药计划",
    "plan_ended": "停用药计划",
    "follow_up_begun": "定随访",
    "resume": "居民接着问",
}
REASONS = duty_wording.MOVED | {
    "asked": "居民要找人",
    "red_flag": "有危险信号",
    "uncertain": "可能有危险信号",
    "not_understood": "程序没听懂",
    "advised": "程序建议找医生",
}
TOLD = {
    "symptom": "症状",
    "duration": "多久了",
    "severity": "多重",
    "age": "年龄",
    "sex": "性别",
    "pregnancy": "怀孕",
    "chronic": "慢病",
    "medicines": "在吃的药",
    "who": "给谁问",
}  # the bot's own questions (bot/rules/questions.yaml); another one is shown by its id
STATUS = {
    "present": "", "absent": "（说没有）", "uncertain": "（不确定）", "past": "（以前）",
    "other_person": "（别人）", "hypothetical": "（假设）",
}  # fmt: skip

WRITING: events.Passing = {
    chat_live.TYPING[RESIDENT]: events.Event("", "对方正在输入…", "typing"),
    chat_live.TYPING[DOCTOR]: None,  # whoever reads this writes it, or looks over a shoulder
}


class Earlier(msgspec.Struct, forbid_unknown_fields=True):
    """`before`: the page of messages that ends there."""

    before: Annotated[int, Meta(ge=1, le=2_000_000_000)] | None = None


class Drawn(msgspec.Struct, forbid_unknown_fields=True):
    """`seen`: the version that the page shows already."""

    seen: Annotated[str, Meta(max_length=20)] = ""


class ReplyForm(msgspec.Struct):
    client_id: Annotated[str, Meta(min_length=8, max_length=64)]
    text: Annotated[str, Meta(max_length=TEXT_MOST)] = ""
    quoted_id: UUID | None = None


class FillForm(msgspec.Struct):
    canned: UUID
    client_id: Annotated[str, Meta(max_length=64)] = ""
    text: Annotated[str, Meta(max_length=TEXT_MOST)] = ""


class ReasonForm(msgspec.Struct):
    reason: REASON


class TransferForm(msgspec.Struct):
    """`to`: a level, or an institution and perhaps one doctor there."""

    reason: REASON
    level: Annotated[str, Meta(max_length=12)] = ""
    organization: UUID | None = None
    doctor: UUID | None = None


class CloseForm(msgspec.Struct):
    outcome: Annotated[str, Meta(max_length=20)]
    needless: bool = False


class NoteForm(msgspec.Struct):
    """Not `text`, as what goes to the resident is called."""

    note: Annotated[str, Meta(max_length=1000)]


class Whereto(msgspec.Struct, forbid_unknown_fields=True):
    organization: UUID | None = None


@page("GET", ONE, right=READ, query=Earlier)
async def whole(view: View, conversation_id: UUID, **_: Any) -> Show:
    """The conversation; a refused deed brings it back too."""
    return show("chat.html", **await context_of(view, conversation_id))


async def context_of(view: View, conversation_id: UUID) -> dict[str, Any]:
    before = getattr(view.query, "before", None)
    messages = await cases.read(
        view.actor, conversation_id, after=None, before=before, most=SHOWN_MOST
    )
    if messages and before is None:
        await answering.mark(
            view.actor, view.service.hub, conversation_id, marks.READ, messages[-1].seq
        )
    case = await cases.show(view.actor, conversation_id)  # after the mark, which raises its version
    return {
        "case": case,
        "messages": messages,
        "before": before,
        "recall_since": clock.now() - policy.RECALL,
        "base": f"/staff/chats/{conversation_id}",
        "states": STATES,
        "priorities": PRIORITIES,
        "levels": LEVELS,
        "outcomes": OUTCOMES,
        "tiers": TIERS,
        "sexes": SEXES,
        "statuses": wording.STATUSES,
        "evidence": STATUS,
        "deeds": DEEDS,
        "told_names": TOLD,
        "reasons": REASONS,
        "age": age_on(case.card.birth_on, clock.today()) if case.card else None,
        **await _answer(view),
    }


async def _answer(view: View, text: str = "", missing: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the form to answer with has in it. `client_id` names the message that is written."""
    said = view.sent.one("client_id") if view.faults else ""
    return {
        "client_id": said or secrets.token_hex(12),
        "picture_id": secrets.token_hex(12),
        "canned": await canned.list_of(view.actor) if view.may(ANSWER) else [],
        "text": text,
        "missing": missing,
        "text_most": TEXT_MOST,
    }


@page("GET", ONE + "/live", right=READ, query=Drawn, passive=True)
async def live(view: View, conversation_id: UUID) -> None:
    """The talk again whenever it changed."""

    async def look(seen: str) -> events.Event | None:
        version = str(await cases.version(view.actor, conversation_id))
        if version == (seen or view.query.seen):
            return None
        context = {"view": view} | await context_of(view, conversation_id)
        return events.Event(str(context["case"].version), render("chat.html", "live", context))

    channel = chat_live.channel(conversation_id)
    return await events.stream(view, look, channels=[channel], passing=WRITING)


async def again(view: View, conversation_id: UUID, **_: Any) -> Show:
    """The form with what is wrong; all that was written is still in it."""
    context = await context_of(view, conversation_id)
    if view.htmx:
        return show("chat.html", block="answer", **context)
    return show("chat.html", **context)


@page("POST", ONE + "/reply", right=ANSWER, form=ReplyForm, on_fault=again, words=("text",))
async def reply(view: View, conversation_id: UUID, form: ReplyForm) -> Show | Go:
    """Answer. The form's own id makes a second send harmless."""
    draft = Draft(client_id=form.client_id, body=form.text.strip(), quoted_id=form.quoted_id)
    await answering.reply(view.actor, view.service.hub, conversation_id, draft)
    if not view.htmx:
        return go(f"/chats/{conversation_id}#end")
    view.sent.values.clear()  # the next one is another message
    return show("chat.html", block="sent", **await context_of(view, conversation_id))


@page("POST", ONE + "/fill", right=ANSWER, form=FillForm, on_fault=again, words=("text",))
async def fill(view: View, conversation_id: UUID, form: FillForm) -> Show:
    """A ready answer into the form, to be read over; what was written stays above it."""
    filled = await canned.filled(view.actor, form.canned, conversation_id)
    text = "\n".join(part for part in (form.text.strip(), filled.text) if part)
    if len(text) > TEXT_MOST:
        raise Malformed(f"一条消息不超过 {TEXT_MOST} 个字。", field="text")
    view.sent.values.clear()
    context = await context_of(view, conversation_id) | await _answer(view, text, filled.missing)
    return show("chat.html", block="answer" if view.htmx else None, **context)


@page("POST", ONE + "/typing", right=ANSWER, passive=True)
async def typing(view: View, conversation_id: UUID) -> HTTPResponse:
    """The page says so itself while somebody writes; the resident sees it."""
    await answering.typing(view.actor, view.service.hub, conversation_id)
    return Reply("", 204, SECURE)


@page("POST", ONE + "/messages/<message_id:uuid>/recall", right=ANSWER, on_fault=whole)
async def recall(view: View, conversation_id: UUID, message_id: UUID) -> Go:
    """Within two minutes."""
    await recalling.by_doctor(view.actor, view.service.hub, conversation_id, message_id)
    return go(f"/chats/{conversation_id}#end", "已撤回。")


@page("POST", ONE + "/claim", right=ANSWER, on_fault=whole)
async def claim(view: View, conversation_id: UUID) -> Go:
    await taking.claim(view.actor, view.service.hub, conversation_id)
    return go(f"/chats/{conversation_id}#end", "已接诊，请回复。")


@page("POST", ONE + "/release", right=ANSWER, form=ReasonForm, on_fault=whole, words=("reason",))
async def release(view: View, conversation_id: UUID, form: ReasonForm) -> Go:
    await taking.release(view.actor, view.service.hub, conversation_id, reason=form.reason)
    return go("/chats?list=mine", "已退回，会有别人来接。")


@page("GET", ONE + "/transfer", right=READ, query=Whereto)
async def ask_transfer(view: View, conversation_id: UUID, **_: Any) -> Show:
    """To whom: a level on call, an institution, a doctor there."""
    case = await cases.show(view.actor, conversation_id)
    county = await places.county_of(view)
    chosen = getattr(view.query, "organization", None) or _sent_id(view, "organization")
    found = county.find_organizations(tier=None, near=None, q=None)
    return show(
        "chat_transfer.html", case=case, base=f"/staff/chats/{conversation_id}", levels=LEVELS,
        institutions=places.options_of([org for org, _ in found]), chosen=str(chosen or ""),
        doctors=await places.doctors(view, chosen) if chosen else [],
    )  # fmt: skip


def _sent_id(view: View, name: str) -> UUID | None:
    """Of a form that came back; None: no such, or no id."""
    with contextlib.suppress(ValueError):
        return UUID(view.sent.one(name))
    return None


@page("POST", ONE + "/transfer", right=READ, form=TransferForm, on_fault=ask_transfer,
      words=("reason",))  # fmt: skip
async def transfer(view: View, conversation_id: UUID, form: TransferForm) -> Go:
    target = Target(
        organization_id=form.organization, practitioner_id=form.doctor, level=form.level or None
    )
    if target.organization_id is None and target.level is None:
        raise Malformed("请选择转给谁。", field="level")
    await taking.transfer(
        view.actor, view.service.hub, conversation_id, target, reason=form.reason
    )  # fmt: skip
    return go("/chats?list=mine", "已转出，对方会看到。")


@page("POST", ONE + "/close", right=READ, form=CloseForm, on_fault=whole)
async def close(view: View, conversation_id: UUID, form: CloseForm) -> Go:
    await ending.close(
        view.actor, view.service.hub, conversation_id, outcome=form.outcome,
        needless=form.needless,
    )  # fmt: skip
    return go("/chats?list=mine", "已结束。居民 48 小时内再写，会重新排队。")


@page("POST", ONE + "/reopen", right=READ, form=ReasonForm, on_fault=whole, words=("reason",))
async def reopen(view: View, conversation_id: UUID, form: ReasonForm) -> Go:
    await ending.reopen(view.actor, view.service.hub, conversation_id, reason=form.reason)
    return go(f"/chats/{conversation_id}", "已重新打开，请接诊。")


@page("POST", ONE + "/notes", right=READ, form=NoteForm, on_fault=whole, words=("note",))
async def note(view: View, conversation_id: UUID, form: NoteForm) -> Go:
    await notes.add(view.actor, conversation_id, form.note)
    return go(f"/chats/{conversation_id}#notes", "备注已记下，居民看不到。")


@page("GET", ONE + "/book", right=ANSWER, query=Where)
async def ask_place(view: View, conversation_id: UUID, **_: Any) -> Show:
    """Places that are kept for contracted residents."""
    case = await cases.show(view.actor, conversation_id)
    base = f"/staff/chats/{conversation_id}"
    return show(
        "kept_places.html",
        name=case.card.name if case.card else "",
        base=f"{base}/book",
        back=base,
        **await kept_places.choices(view),
    )


@page("POST", ONE + "/book", right=ANSWER, query=Where, form=PlaceForm, on_fault=ask_place)
async def book(view: View, conversation_id: UUID, form: PlaceForm) -> Go:
    service = view.service
    await booked.book(
        view.actor, service.hub, service.desk, conversation_id, slot_id=form.slot
    )  # fmt: skip
    return go(f"/chats/{conversation_id}#end", "已约好，居民在对话里能看到。")
