"""申诉: the worklist, the overdue first, and a decision with its reason."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.appeal import appeals
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

RIGHT = "appeal.decide"
CHARGES = {"no_show": "爽约", "late_cancel": "取消晚了", None: "已不算"}
STATES = {"open": "待处理", "granted": "已同意", "refused": "未同意"}


class Which(msgspec.Struct, forbid_unknown_fields=True):
    state: Literal["open", "decided"] = "open"


class Decision(msgspec.Struct):
    verdict: Literal["granted", "refused"]
    decision: Annotated[str, Meta(min_length=2, max_length=200, pattern=r"\S")]


@page("GET", "/appeals", right=RIGHT, query=Which)
async def worklist(view: View) -> Show:
    """What waits for a decision, or (`state`) what was decided."""
    found = await appeals.worklist(view.actor, view.service.desk, state=view.query.state)
    return show("appeals.html", cases=found, state=view.query.state, charges=CHARGES, states=STATES)


@page("GET", "/appeals/<appeal_id:uuid>", right=RIGHT)
async def case(view: View, appeal_id: UUID) -> Show:
    """One appeal, to decide."""
    found = await appeals.show(view.actor, view.service.desk, appeal_id)
    return show("appeal.html", case=found, charges=CHARGES, states=STATES)


@page("POST", "/appeals/<appeal_id:uuid>", right=RIGHT, form=Decision, on_fault=case,
      words=("decision",))  # fmt: skip
async def decide(view: View, appeal_id: UUID, form: Decision) -> Go:
    """The resident is told at once."""
    granted = form.verdict == "granted"
    await appeals.decide(view.actor, appeal_id, granted=granted, decision=form.decision.strip())
    return go("/appeals", "已同意申诉，这次不算了。" if granted else "已答复：没有同意申诉。")
