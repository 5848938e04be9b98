"""政策模拟: a past period replayed under other numbers. Changes nothing."""

import csv
import io
from datetime import date, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sanic import HTTPResponse

from backend import clock
from backend.api.reply import Reply
from backend.replay import demand
from backend.replay.comparing import Comparison
from backend.replay.simulate import LIMITS, Variant
from backend.web.page import Show, page, show
from backend.web.render import SECURE
from backend.web.view import View

RIGHT = demand.RIGHT
WHY = {"full": "没号了", "barred": "限约中", "closed": "已开诊", "twice": "同一班次已有"}
RELEASES = {"first": "先到先得", "draw": "抽签"}
Days = Annotated[int, Meta(ge=0, le=60)]


class SimulatorForm(msgspec.Struct):
    """An empty number stays as it is today."""

    from_on: date
    to_on: date
    share: Annotated[int, Meta(ge=0, le=100)] | None = None
    early_days: Days | None = None
    returns_days: Days | None = None
    release: Literal["first", "draw"] | None = None
    draw_min: Annotated[int, Meta(ge=1, le=1440)] = 60
    no_shows_most: Annotated[int, Meta(ge=0, le=100)] | None = None
    no_show_bar_days: Annotated[int, Meta(ge=0, le=366)] | None = None

    def variant(self) -> Variant:
        told = msgspec.structs.asdict(self)
        return Variant(**{name: told[name] for name in told if name not in ("from_on", "to_on")})


@page("GET", "/simulator", right=RIGHT)
async def ask(view: View) -> Show:
    """Which period, and what is changed."""
    return _shown(None)


@page("POST", "/simulator", right=RIGHT, form=SimulatorForm, on_fault=ask)
async def run(view: View, form: SimulatorForm) -> Show:
    """Both replays side by side."""
    return _shown(await demand.simulate(view.actor, form.from_on, form.to_on, form.variant()))


@page("POST", "/simulator/figures.csv", right=RIGHT, form=SimulatorForm, on_fault=ask)
async def figures(view: View, form: SimulatorForm) -> HTTPResponse:
    """The same as a file for a spreadsheet."""
    found = await demand.simulate(view.actor, form.from_on, form.to_on, form.variant())
    headers = SECURE | {
        "content-disposition": f'attachment; filename="simulation-{form.from_on}-{form.to_on}.csv"'
    }
    return Reply(_csv(found), 200, headers, "text/csv; charset=utf-8")


def _shown(found: Comparison | None) -> Show:
    today = clock.today()
    pairs: list[Any] = (
        list(zip(found.baseline.rows, found.variant.rows, strict=True)) if found else []
    )
    return show(
        "simulator.html",
        found=found,
        pairs=pairs,
        limits=LIMITS,
        why=WHY,
        releases=list(RELEASES.items()),
        first=today - timedelta(days=28),
        last=today - timedelta(days=1),
    )


def _csv(found: Comparison) -> str:
    """With a mark in front by which spreadsheets know UTF-8."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(["人群", "规则", "要号", "得号", "占全部得号%", "提前天数中位数"])
    for name, result in (("现在", found.baseline), ("改后", found.variant)):
        for row in result.rows:
            lead = "" if row.lead_days is None else row.lead_days
            out.writerow([row.group, name, row.asked, row.got, row.share, lead])
        out.writerow(["没用上的号", name, "", result.unused, "", ""])
        for why, count in sorted(result.refused.items()):
            out.writerow([f"没约上：{WHY[why]}", name, count, "", "", ""])
    out.writerow(["重放与实际不同%", "现在", "", found.deviation, "", ""])
    return "\ufeff" + text.getvalue()
