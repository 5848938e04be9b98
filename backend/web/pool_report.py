"""号源报表: utilisation and leakage of each pool by week."""

from datetime import date, timedelta
from uuid import UUID

import msgspec

from backend import clock
from backend.booking import report
from backend.booking.wording import POOLS
from backend.web import places
from backend.web.page import Show, page, show
from backend.web.view import View

WEEKS = timedelta(weeks=4)  # shown without being asked


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Days, of whose whole weeks the figures are; NULL institution: all that one may see."""

    organization: UUID | None = None
    from_on: date | None = None
    to_on: date | None = None


@page("GET", "/reports/pools", right=report.RIGHT, query=Wanted)
async def pool_report(view: View) -> Show:
    """Figures with both halves, as a table and as bars."""
    wanted: Wanted = view.query
    to_on = wanted.to_on or clock.today()
    from_on = wanted.from_on or to_on - WEEKS + timedelta(days=7)
    lines = await report.pools_by_week(
        view.actor, from_on=from_on, to_on=to_on, organization_id=wanted.organization
    )
    mine = await places.institutions(view, report.RIGHT)
    return show(
        "pool_report.html",
        lines=lines,
        totals=report.totals(lines),
        pools=POOLS,
        institutions=places.options_of(mine),
        organization=str(wanted.organization or ""),
        from_on=from_on,
        to_on=to_on,
        version=report.VERSION,
        full=len(lines) == report.ROWS_MOST,
    )
