"""评价统计: what residents say of one institution in a month that is over, in figures and words."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api import paging
from backend.consortium.directory import Org
from backend.satisfaction import comments, report
from backend.satisfaction.report import RIGHT
from backend.shares import LEAST
from backend.web import months, places
from backend.web.duty import Chosen
from backend.web.months import FEW, Month
from backend.web.page import Show, page, show
from backend.web.view import View

PAGE_MOST = 20
Shown = Annotated[int, Meta(ge=0, le=100_000)]  # on the pages before


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """No institution: the first that one may see. No month: the last that is over."""

    organization: Chosen = ""
    month: Month = ""


class WantedWords(Wanted):
    """`after`: where the page begins."""

    after: Annotated[str, Meta(max_length=200)] = ""


@page("GET", "/reports/surveys", right=RIGHT, query=Wanted)
async def survey_report(view: View) -> Show:
    """The six dimensions, as a table with both halves of each share."""
    mine, chosen, month = await _wanted(view, RIGHT)
    found = await report.monthly(view.actor, chosen, month) if chosen else None
    return show(
        "survey_report.html",
        report=found,
        few=FEW,
        words=chosen is not None and view.may(comments.RIGHT, chosen),
        **_choices(mine, chosen, month),
    )


@page("GET", "/reports/surveys/comments", right=comments.RIGHT, query=WantedWords)
async def survey_comments(view: View) -> Show:
    """写的话. Each look is audited: a page of its own, so that figures are looked at without."""
    mine, chosen, month = await _wanted(view, comments.RIGHT)
    (after,) = paging.decode(view.query.after or None, tuple[Shown]) or (0,)
    found, following = None, None
    if chosen is not None:
        found = await comments.list_of(view.actor, chosen, month, after=after, most=PAGE_MOST)
        following = paging.following(found.items, PAGE_MOST, lambda _: (after + PAGE_MOST,))
    return show(
        "survey_comments.html",
        found=found,
        following=following,
        least=LEAST,
        **_choices(mine, chosen, month),
    )


async def _wanted(view: View, right: str) -> tuple[list[Org], UUID | None, date]:
    """Which institutions one may look at, the chosen one, and the first day of the month."""
    wanted: Wanted = view.query
    mine = await places.institutions(view, right)
    chosen = UUID(wanted.organization) if wanted.organization else mine[0].id if mine else None
    return mine, chosen, months.first_of(wanted.month, report.months()[0])


def _choices(mine: list[Org], chosen: UUID | None, month: date) -> dict[str, Any]:
    return {
        "institutions": places.options_of(mine),
        "organization": str(chosen or ""),
        "months": months.options_of(report.months()),
        "month": f"{month:%Y-%m}",
    }
