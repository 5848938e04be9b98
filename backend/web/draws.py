"""摇号: what is drawn, announcing a draw, ending one early, and its result."""

from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from backend import clock
from backend.booking.wording import KINDS, PERIODS
from backend.draw import draws
from backend.errors import Malformed
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

RIGHT = "draw.edit"
ONE = "/draws/<draw_id:uuid>"
SHOWN_MOST = 50  # of a result; the whole list is public
STATES = {
    "announced": ("已公布", ""),
    "drawing": ("正在开奖", "warn"),
    "drawn": ("已开奖", "good"),
    "void": ("已作废", ""),
}

Wall = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Reason = Annotated[str, Meta(min_length=2, max_length=100)]


class NewDraw(msgspec.Struct):
    """Registration opens at once and ends then, in Asia/Shanghai."""

    schedule: UUID
    closes_on: date
    closes_time: Wall

    @property
    def closes_at(self) -> datetime:
        return clock.at(self.closes_on, time.fromisoformat(self.closes_time))


class Void(msgspec.Struct):
    reason: Reason


@page("GET", "/draws", right=RIGHT)
async def list_draws(view: View) -> Show:
    """Draws of days to come, in one's institutions."""
    within = view.actor.where(RIGHT)
    found = [
        lot
        for lot in await draws.list_of(view.actor)
        if within is None or lot.schedule.organization_id in within
    ]
    return show("draws.html", lots=found, states=STATES, periods=PERIODS, kinds=KINDS)


@page("GET", "/draws/new", right=RIGHT)
async def ask(view: View) -> Show:
    """What can still be drawn, and until when."""
    return show(
        "draw_new.html",
        drawable=await draws.drawable(view.actor),
        periods=PERIODS,
        kinds=KINDS,
        typed_time="20:00",
    )


@page("POST", "/draws", right=RIGHT, form=NewDraw, on_fault=ask)
async def announce(view: View, form: NewDraw) -> Go:
    """Publish it; registration is open from now on."""
    if form.closes_at <= clock.now():
        raise Malformed("截止时间要在现在之后。", field="closes_on")
    draw = await draws.announce(
        view.actor,
        view.service.vault,
        form.schedule,
        opens_at=clock.now(),
        closes_at=form.closes_at,
    )
    return go(f"/draws/{draw.id}", "摇号已公布，居民现在可以报名。")


@page("GET", ONE, right=RIGHT)
async def show_draw(view: View, draw_id: UUID) -> Show:
    """How many take part; afterwards who was drawn, by code."""
    lot = await draws.show(view.actor, draw_id)
    view.actor.must(RIGHT, lot.schedule.organization_id)
    rows = await draws.results(draw_id)
    return show(
        "draw.html",
        lot=lot,
        rows=rows[:SHOWN_MOST],
        more=max(0, len(rows) - SHOWN_MOST),
        won=sum(row.outcome == "won" for row in rows),
        states=STATES,
        periods=PERIODS,
        kinds=KINDS,
        public=f"{view.service.settings.public_url}/api/v1/draws/{draw_id}",
    )


@page("POST", ONE + "/void", right=RIGHT, form=Void, on_fault=show_draw)
async def void(view: View, draw_id: UUID, form: Void) -> Go:
    """End it before it is drawn."""
    await draws.void(view.actor, draw_id, reason=form.reason)
    return go("/draws", "摇号已作废，这个班次照常放号。")
