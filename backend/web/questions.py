"""没听懂的问题: what the bot made nothing of, for whoever writes its rules."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.chat import zero_hits
from backend.chat.duty_models import REASON_MOST
from backend.chat.zero_hits import DISMISSED, DONE, NEW
from backend.web.chats import OVERSEE
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

LIST = "/chats/questions"
STATES = {NEW: "还没看", DONE: "已处理", DISMISSED: "不处理"}


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    state: Literal["new", "done", "dismissed"] = "new"
    after: UUID | None = None


class DecisionForm(msgspec.Struct):
    state: Literal["done", "dismissed"]
    note: Annotated[str, Meta(max_length=REASON_MOST)] = ""


@page("GET", LIST, right=OVERSEE, query=Wanted)
async def listed(view: View, question_id: UUID | None = None) -> Show:
    """The latest first. `question_id`: whose form came back."""
    state, after = getattr(view.query, "state", NEW), getattr(view.query, "after", None)
    questions, following = await zero_hits.worklist(view.actor, state=state, after=after)
    return show(
        "questions.html", questions=questions, following=following, state=state, states=STATES,
        at=question_id, note_most=REASON_MOST,
    )  # fmt: skip


@page("POST", LIST + "/<question_id:uuid>", right=OVERSEE, form=DecisionForm, on_fault=listed,
      words=("note",))  # fmt: skip
async def decide(view: View, question_id: UUID, form: DecisionForm) -> Go:
    """Raises NotFound: also where the right does not hold for the whole consortium."""
    await zero_hits.decide(view.actor, question_id, form.state, note=form.note)
    return go(LIST, "已记下。")
