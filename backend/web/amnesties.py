"""豁免: days that count for nothing, tried out before they are granted."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from backend import clock
from backend.appeal import amnesties
from backend.web import places
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

RIGHT = "amnesty.grant"


class AmnestyForm(msgspec.Struct):
    from_on: date
    to_on: date
    reason: Annotated[str, Meta(min_length=2, max_length=100, pattern=r"\S")]
    organization: UUID | None = None


@page("GET", "/amnesties", right=RIGHT)
async def listed(view: View) -> Show:
    """The amnesties of one's institutions, and a form for another."""
    return await _listed(view)


@page("POST", "/amnesties/preview", right=RIGHT, form=AmnestyForm, on_fault=listed)
async def preview(view: View, form: AmnestyForm) -> Show:
    """The same form with how many it would touch; nothing is decided by it."""
    touched = await amnesties.preview(view.actor, form.organization, form.from_on, form.to_on)
    return await _listed(view, touched)


@page("POST", "/amnesties", right=RIGHT, form=AmnestyForm, on_fault=listed)
async def grant(view: View, form: AmnestyForm) -> Go:
    """Let the days count for nothing."""
    _, excused = await amnesties.grant(
        view.actor, form.organization, form.from_on, form.to_on, reason=form.reason.strip()
    )
    return go("/amnesties", f"已豁免，{excused} 个预约不再算爽约或取消；之后记下的也不算。")


async def _listed(view: View, touched: tuple[int, int] | None = None) -> Show:
    today = clock.today()
    return show(
        "amnesties.html",
        granted=await amnesties.list_of(view.actor),
        institutions=places.options_of(await places.institutions(view, RIGHT)),
        everywhere=view.actor.where(RIGHT) is None,
        touched=touched,
        first=today - timedelta(days=amnesties.BACK_DAYS),
        last=today + timedelta(days=amnesties.AHEAD_DAYS),
    )
