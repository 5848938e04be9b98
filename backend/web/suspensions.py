"""停诊: what was stopped and who knows; stop a doctor's days; who is still to be told."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta

from backend import clock
from backend.api import paging
from backend.booking.wording import KINDS, PERIODS
from backend.errors import Conflict, Malformed
from backend.suspension import cases, chosen, diary, previews, suspensions, undoing, wording
from backend.suspension.chosen import RIGHT, SCHEDULES_MOST, Chosen
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

A_PAGE = 30
WITHIN_S = 3.0  # afterwards the page shows how far it is, and the job goes on
DAYS_MOST = 62
WORDS: dict[str, Any] = {"words": wording, "periods": PERIODS, "kinds": KINDS}
ONE = "/suspensions/<suspension_id:uuid>"
CASE = "/suspensions/cases/<case_id:uuid>"

Reason = Annotated[str, Meta(min_length=2, max_length=100)]
Short = Annotated[str, Meta(max_length=40)]


class Pages(msgspec.Struct, forbid_unknown_fields=True):
    cursor: Annotated[str, Meta(max_length=200)] = ""


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """What to stop, as the address says it; nothing yet: choose first. `schedules`: ids, by commas.

    Texts, as a form that narrows a list sends its empty fields too.
    """

    practitioner: Short = ""
    from_on: Short = ""
    to_on: Short = ""
    period: Literal["", "am", "pm", "night"] = ""
    schedules: Annotated[str, Meta(max_length=40 * SCHEDULES_MOST)] = ""

    def chosen(self) -> Chosen | None:
        """Raises Malformed."""
        if self.schedules:
            return Chosen(schedule_ids=tuple(_uuid(one) for one in self.schedules.split(",")))
        if not self.practitioner:
            return None
        from_on = _day(self.from_on) or clock.today()
        to_on = _day(self.to_on) or from_on
        if to_on < from_on or to_on > from_on + timedelta(days=DAYS_MOST):
            raise Malformed("结束日期要不早于开始日期，一次最多两个月。", field="to_on")
        return Chosen(
            practitioner_id=_uuid(self.practitioner),
            from_on=from_on,
            to_on=to_on,
            periods=(self.period,) if self.period else tuple(PERIODS),
        )


class Deed(msgspec.Struct):
    """`key` makes a form that is sent twice one action."""

    key: UUID
    reason: Reason


class Told(msgspec.Struct):
    how: Literal["phone", "visit", "other"] = "phone"
    note: Annotated[str, Meta(max_length=100)] = ""


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Malformed(field="practitioner") from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Malformed("日期写错了。", field="from_on") from None


@page("GET", "/suspensions", right=RIGHT, query=Pages)
async def suspended(view: View) -> Show:
    """The latest first, each with how many know of it."""
    after = paging.decode(view.query.cursor or None, tuple[paging.Instant, UUID])
    found = await diary.list_of(view.actor, after=after, most=A_PAGE)
    following = paging.following(found, A_PAGE, lambda entry: (entry.created_at, entry.id))
    waiting = await cases.worklist(view.actor, view.service.vault)
    return show("suspensions.html", items=found, next=following, waiting=len(waiting), **WORDS)


@page("GET", "/suspensions/waiting", right=RIGHT)
async def waiting(view: View) -> Show:
    """Everybody who is still to be told, the next visit first."""
    found = await cases.worklist(view.actor, view.service.vault)
    return show("suspensions_waiting.html", items=found, **WORDS)


@page("GET", "/suspensions/new", right=RIGHT, query=Wanted)
async def ask(view: View) -> Show:
    """Choose a doctor's days; look whom it touches; say why."""
    found, refused = None, ""
    try:
        wanted = view.query.chosen()
        if wanted is not None:
            found = await previews.preview(view.actor, wanted)
    except (Conflict, Malformed) as problem:
        refused = problem.detail
    return show(
        "suspension_new.html",
        doctors=await chosen.doctors(view.actor),
        found=found,
        refused=refused,
        key=uuid4(),
        **WORDS,
    )


@page("POST", "/suspensions/new", right=RIGHT, query=Wanted, form=Deed, on_fault=ask)
async def suspend(view: View, form: Deed) -> Go:
    """停诊. What takes longer than this page may is done by the job."""
    wanted = view.query.chosen()
    if wanted is None:
        raise Malformed("请先选医生和日期。")
    done = await suspensions.suspend(
        view.actor, form.key, wanted, reason=form.reason, within_s=WITHIN_S
    )
    to = f"/suspensions/{done[0]}" if len(done) == 1 else "/suspensions"
    return go(to, "已停诊，不再接受预约。10 分钟内可以撤销。")


@page("GET", ONE, right=RIGHT)
async def suspension(view: View, suspension_id: UUID) -> Show:
    """One: what was stopped, who knows, what became of the offers."""
    entry = await diary.show(view.actor, suspension_id)
    items = await cases.list_of(view.actor, view.service.vault, suspension_id)
    items.sort(key=lambda case: (not case.waiting, case.visit.starts_at))
    return show("suspension.html", one=entry, items=items, **WORDS)


@page("POST", ONE + "/undo", right=RIGHT)
async def undo(view: View, suspension_id: UUID) -> Go:
    """Take it back, within ten minutes."""
    restored = await undoing.undo(view.actor, suspension_id)
    return go(f"/suspensions/{suspension_id}", f"已撤销停诊，{restored} 位患者的号已恢复。")


@page("POST", CASE + "/reach", right=RIGHT, form=Told, words=("note",))
async def reach(view: View, case_id: UUID, form: Told) -> Go:
    """Somebody has been told by telephone or in person."""
    to = await cases.reach(view.actor, case_id, form.how, form.note)
    return go(f"/suspensions/{to}", "已记下。")


@page("POST", CASE + "/phone", right=RIGHT)
async def phone(view: View, case_id: UUID) -> Show:
    """The numbers in full, on purpose; written down in the audit."""
    numbers = await cases.reveal(view.actor, view.service.vault, case_id)
    return show(
        "suspension_phone.html", block="numbers" if view.htmx else None, numbers=numbers, **WORDS
    )
