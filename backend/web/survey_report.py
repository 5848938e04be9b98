"""评价统计: what residents say of one institution in a month that is over."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.satisfaction import report
from backend.satisfaction.report import RIGHT
from backend.web import places
from backend.web.duty import Chosen
from backend.web.page import Show, page, show
from backend.web.view import View

FEW = "人数太少"
Month = Annotated[str, Meta(pattern=r"^(20\d{2}-(0[1-9]|1[0-2]))?$(?!\n)")]


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """No institution: the first that one may see. No month: the last that is over."""

    organization: Chosen = ""
    month: Month = ""


@page("GET", "/reports/surveys", right=RIGHT, query=Wanted)
async def survey_report(view: View) -> Show:
    """The six dimensions, as a table with both halves of each share."""
    wanted: Wanted = view.query
    mine, months = await places.institutions(view, RIGHT), report.months()
    choices = [(f"{one:%Y-%m}", f"{one.year}年{one.month}月") for one in months]
    chosen = UUID(wanted.organization) if wanted.organization else mine[0].id if mine else None
    month = date.fromisoformat(f"{wanted.month}-01") if wanted.month else months[0]
    found = await report.monthly(view.actor, chosen, month) if chosen else None
    return show(
        "survey_report.html",
        report=found,
        institutions=places.options_of(mine),
        organization=str(chosen or ""),
        months=choices,
        month=f"{month:%Y-%m}",
        few=FEW,
    )
