"""评价统计: what residents say of one institution in a month that is over."""

from uuid import UUID

import msgspec

from backend.satisfaction import report
from backend.satisfaction.report import RIGHT
from backend.web import months, places
from backend.web.duty import Chosen
from backend.web.months import FEW, Month
from backend.web.page import Show, page, show
from backend.web.view import View


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """No institution: the first that one may see. No month: the last that is over."""

    organization: Chosen = ""
    month: Month = ""


@page("GET", "/reports/surveys", right=RIGHT, query=Wanted)
async def survey_report(view: View) -> Show:
    """The six dimensions, as a table with both halves of each share."""
    wanted: Wanted = view.query
    mine, over = await places.institutions(view, RIGHT), report.months()
    chosen = UUID(wanted.organization) if wanted.organization else mine[0].id if mine else None
    month = months.first_of(wanted.month, over[0])
    found = await report.monthly(view.actor, chosen, month) if chosen else None
    return show(
        "survey_report.html",
        report=found,
        institutions=places.options_of(mine),
        organization=str(chosen or ""),
        months=months.options_of(over),
        month=f"{month:%Y-%m}",
        few=FEW,
    )
