"""政策模拟: a past period replayed under other numbers. Changes nothing."""

import csv
import io
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from sanic import HTTPResponse

from backend import clock
from backend.api.reply import Reply
from backend.errors import NotFound
from backend.replay import demand, runs, wording
from backend.replay.comparing import Comparison
from backend.replay.simulate import LIMITS, Variant
from backend.web.page import Go, Show, go, page, show
from backend.web.render import PREFIX, SECURE
from backend.web.view import View

RIGHT = demand.RIGHT
ONE = "/simulator/<run_id:uuid>"
WHY = {"full": "没号了", "barred": "限约中", "closed": "已开诊", "twice": "同一班次已有"}
RELEASES = {"first": "先到先得", "draw": "抽签"}
CHANGES = {
    "share": ("给签约居民留", "%"), "early_days": ("签约的早放号", "天"),
    "returns_days": ("没用完的提前放回", "天"), "release": ("放号办法", ""),
    "no_shows_most": ("爽约几次限约", "次"), "no_show_bar_days": ("限约", "天"),
}  # fmt: skip
Days = Annotated[int, Meta(ge=0, le=60)]


class Like(msgspec.Struct, forbid_unknown_fields=True):
    """Which simulation the form begins from."""

    like: UUID | None = None


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


@page("GET", "/simulator", right=RIGHT, query=Like)
async def ask(view: View) -> Show:
    """Which period, and what is changed; and what one has tried before."""
    like: UUID | None = getattr(view.query, "like", None)
    today = clock.today()
    first, last, variant = today - timedelta(days=28), today - timedelta(days=1), Variant()
    if like is not None:
        before = await runs.show(view.actor, like)
        first, last, variant = before.from_on, before.to_on, before.variant
    return show(
        "simulator.html",
        first=first,
        last=last,
        yesterday=today - timedelta(days=1),
        was=variant,
        releases=list(RELEASES.items()),
        before=await runs.latest(view.actor),
        words=wording,
        limits=LIMITS,
    )


@page("POST", "/simulator", right=RIGHT, form=SimulatorForm, on_fault=ask)
async def start(view: View, form: SimulatorForm) -> Go:
    """Begins; the next page shows how far it is."""
    begun = await runs.start(
        view.actor, view.service.replays, form.from_on, form.to_on, form.variant()
    )
    return go(f"/simulator/{begun}")


@page("GET", ONE, right=RIGHT)
async def one(view: View, run_id: UUID) -> Show:
    """How far it is, then both replays side by side."""
    return _shown(await runs.show(view.actor, run_id))


@page("GET", ONE + "/progress", right=RIGHT, passive=True)
async def progress(view: View, run_id: UUID) -> Show:
    """The same page's changing part."""
    return _shown(await runs.show(view.actor, run_id), block="run")


@page("POST", ONE + "/cancel", right=RIGHT)
async def cancel(view: View, run_id: UUID) -> Go:
    ended = await runs.cancel(view.actor, run_id)
    return go(f"/simulator/{run_id}", "" if ended else "模拟已经结束。")


@page("GET", ONE + "/figures.csv", right=RIGHT)
async def figures(view: View, run_id: UUID) -> HTTPResponse:
    """The result as a file for a spreadsheet. Raises NotFound: there is none."""
    run = await runs.show(view.actor, run_id)
    if run.result is None:
        raise NotFound
    name = f"simulation-{run.from_on}-{run.to_on}.csv"
    headers = SECURE | {"content-disposition": f'attachment; filename="{name}"'}
    return Reply(_csv(run.result), 200, headers, "text/csv; charset=utf-8")


def _shown(run: runs.Run, block: str | None = None) -> Show:
    found = run.result
    pairs: list[Any] = (
        list(zip(found.baseline.rows, found.variant.rows, strict=True)) if found else []
    )
    return show(
        "simulation.html",
        block=block,
        run=run,
        base=f"{PREFIX}/simulator/{run.id}",
        changed=_changed(run.variant),
        found=found,
        pairs=pairs,
        words=wording,
        limits=LIMITS,
        why=WHY,
    )


def _changed(variant: Variant) -> list[tuple[str, str]]:
    told = [
        (label, f"{RELEASES.get(value, value)}{unit}")
        for name, (label, unit) in CHANGES.items()
        if (value := getattr(variant, name)) is not None
    ]
    if variant.release == "draw":
        told.append(("放号后一起抽的时间", f"{variant.draw_min} 分钟"))
    return told


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
