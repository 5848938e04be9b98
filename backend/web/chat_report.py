"""质量: how well and how soon residents are answered, with both halves of each share."""

import csv
import io
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from sanic import HTTPResponse

from backend.api.reply import Reply
from backend.chat import quality, weekly
from backend.chat.duty_wording import PRIORITIES
from backend.chat.quality import RIGHT, Line, Report
from backend.chat.weekly import Week
from backend.shares import Share
from backend.web import months, places
from backend.web.duty import Chosen
from backend.web.months import FEW, Month
from backend.web.page import Show, page, show
from backend.web.render import SECURE
from backend.web.view import View

SHARES = {
    "in_time": "按时答复",
    "escalated": "超时升级",
    "reopened": "重新打开",
    "needless": "其实不用转",
    "rating_good": "评 4 分以上",
}


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """No institution: all that one may see, and their sum. No month: the last that is over."""

    organization: Chosen = ""
    month: Month = ""

    def first(self) -> date:
        return months.first_of(self.month, quality.months()[0])


@page("GET", "/reports/chats", right=RIGHT, query=Wanted)
async def chat_report(view: View) -> Show:
    """Figures, a chart of the weeks, and the same as tables."""
    wanted: Wanted = view.query
    report, weeks = await _figures(view)
    chosen = wanted.organization
    lines = [one for one in report.lines if not chosen or str(one.organization_id) == chosen]
    return show(
        "chat_report.html",
        report=report,
        lines=lines,
        head=lines[0] if lines else None,
        weeks=weeks,
        charts=_charts(weeks),
        shares=SHARES,
        priorities=PRIORITIES,
        few=FEW,
        institutions=places.options_of(await places.institutions(view, RIGHT)),
        organization=chosen,
        months=months.options_of(quality.months()),
        month=f"{report.month:%Y-%m}",
    )


async def _figures(view: View) -> tuple[Report, list[Week]]:
    wanted: Wanted = view.query
    chosen = UUID(wanted.organization) if wanted.organization else None
    weeks = await weekly.weeks(view.actor, wanted.first(), chosen)
    return await quality.report(view.actor, wanted.first()), weeks


def _charts(weeks: list[Week]) -> dict[str, Any]:
    labels = [f"{one.from_on.month}月{one.from_on.day}日" for one in weeks]
    shares = [one.in_time.percent if one.in_time else None for one in weeks]
    counts = [one.n for one in weeks]
    return {
        "share": {
            "kind": "line", "labels": labels, "unit": "%", "most": 100,
            "series": [{"name": "按时答复", "values": shares}],
        },
        "count": {
            "kind": "bar", "labels": labels, "unit": " 次",
            "series": [{"name": "转给医生", "values": counts}],
        },
    }  # fmt: skip


@page("GET", "/reports/chats.csv", right=RIGHT, query=Wanted)
async def figures(view: View) -> HTTPResponse:
    """All of it as a file for a spreadsheet."""
    report, weeks = await _figures(view)
    name = f"chats-{report.month:%Y-%m}.csv"
    headers = SECURE | {"content-disposition": f'attachment; filename="{name}"'}
    return Reply(_csv(report, weeks), 200, headers, "text/csv; charset=utf-8")


def _csv(report: Report, weeks: list[Week]) -> str:
    """With a mark in front by which spreadsheets know UTF-8; what is too few is empty."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(["机构", "指标", "急不急", "分子", "分母", "数值", "95%下限", "95%上限"])
    for line in report.lines:
        for row in _rows(line):
            out.writerow([plain(line.organization), *row])
    for one in weeks:
        out.writerow(["各周", "转给医生", one.from_on, "", "", _or_empty(one.n), "", ""])
        out.writerow(["各周", "按时答复%", one.from_on, *_halves(one.in_time)])
    out.writerow(["", f"口径 {report.version}", "", "", "", "", "", ""])
    return "\ufeff" + text.getvalue()


def plain(name: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{name}" if name[:1] in "=+-@\t" else name


def _rows(line: Line) -> list[list[Any]]:
    rows: list[list[Any]] = [["转给医生", "", "", "", _or_empty(line.n), "", ""]]
    for name, label in SHARES.items():
        rows.append([f"{label}%", "", *_halves(getattr(line, name))])
    for one in line.answered:
        rows.append(
            ["首次答复中位数（分钟）", one.priority, "", _or_empty(one.n), _or_empty(one.minutes)]
        )
    rows.append(["评价平均分", "", "", _or_empty(line.rated), _or_empty(line.rating_mean), "", ""])
    return rows


def _halves(one: Share | None) -> list[Any]:
    return (
        ["", "", "", "", ""] if one is None else [one.hit, one.of, one.percent, one.low, one.high]
    )


def _or_empty(value: Any) -> Any:
    return "" if value is None else value
