"""号源报表: utilisation and leakage of each pool by week."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from backend import clock
from backend.booking import report
from backend.booking.wording import POOLS
from backend.web import places
from backend.web.page import Show, page, show
from backend.web.view import View

WEEKS = timedelta(weeks=4)  # shown without being asked
SHOWN = 40  # lines on a page


# As an empty choice comes from a form.
Choice = Annotated[str, Meta(pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")]


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Days, of whose whole weeks the figures are; no institution: all that one may see."""

    organization: Choice = ""
    from_on: date | None = None
    to_on: date | None = None
    start: Annotated[int, Meta(ge=0, le=report.ROWS_MOST)] = 0
    """Lines left out before the page."""


@page("GET", "/reports/pools", right=report.RIGHT, query=Wanted)
async def pool_report(view: View) -> Show:
    """Figures with both halves, as a table and as bars."""
    wanted: Wanted = view.query
    to_on = wanted.to_on or clock.today()
    from_on = wanted.from_on or to_on - WEEKS + timedelta(days=7)
    lines = await report.pools_by_week(
        view.actor,
        from_on=from_on,
        to_on=to_on,
        organization_id=UUID(wanted.organization) if wanted.organization else None,
    )
    mine = await places.institutions(view, report.RIGHT)
    return show(
        "pool_report.html",
        lines=lines[wanted.start : wanted.start + SHOWN],
        there=len(lines),
        start=wanted.start,
        shown=SHOWN,
        totals=report.totals(lines),
        pools=POOLS,
        institutions=places.options_of(mine),
        organization=wanted.organization,
        from_on=from_on,
        to_on=to_on,
        version=report.VERSION,
        full=len(lines) == report.ROWS_MOST,
    )
