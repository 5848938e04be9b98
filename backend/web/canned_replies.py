"""常用语: one's own and those of one's institutions."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.chat import canned
from backend.chat.duty_models import CANNED_MOST
from backend.web import places
from backend.web.chats import OVERSEE, READ
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

LIST = "/chats/replies"
WORDS = ("title", "text")


class ReplyForm(msgspec.Struct):
    """`organization`: for all of an institution; None: one's own."""

    title: Annotated[str, Meta(max_length=canned.TITLE_MOST)]
    text: Annotated[str, Meta(max_length=CANNED_MOST)]
    organization: UUID | None = None


@page("GET", LIST, right=READ)
async def listed(view: View, **_: Any) -> Show:
    """Those one may use, and a new one."""
    return await _shown(view, None)


@page("GET", LIST + "/<canned_id:uuid>", right=READ)
async def ask(view: View, canned_id: UUID) -> Show:
    """Another text for one."""
    return await _shown(view, canned_id)


async def _shown(view: View, chosen: UUID | None) -> Show:
    found = await canned.list_of(view.actor)
    named = {org.id: org.name for org in (await places.county_of(view)).organizations.values()}
    return show(
        "canned_replies.html",
        replies=found,
        chosen=next((one for one in found if one.id == chosen and one.editable), None),
        named=named,
        institutions=places.options_of(await places.institutions(view, OVERSEE)),
        placeholders=canned.PLACEHOLDERS,
        title_most=canned.TITLE_MOST,
        text_most=CANNED_MOST,
    )


@page("POST", LIST, right=READ, form=ReplyForm, on_fault=listed, words=WORDS)
async def add(view: View, form: ReplyForm) -> Go:
    await canned.save(
        view.actor, title=form.title, text=form.text, organization_id=form.organization
    )
    return go(LIST, "已存好，回复时点一下就能用。")


@page("POST", LIST + "/<canned_id:uuid>", right=READ, form=ReplyForm, on_fault=ask,
      words=WORDS)  # fmt: skip
async def change(view: View, canned_id: UUID, form: ReplyForm) -> Go:
    await canned.save(view.actor, title=form.title, text=form.text, canned_id=canned_id)
    return go(LIST, "已改好。")


@page("POST", LIST + "/<canned_id:uuid>/remove", right=READ)
async def remove(view: View, canned_id: UUID) -> Go:
    await canned.remove(view.actor, canned_id)
    return go(LIST, "已删除。")
