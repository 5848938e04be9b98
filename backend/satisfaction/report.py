"""评价统计: the six dimensions of one institution in one month.

Only of months that are over (`periods`), whole, and of one institution: sums that overlap would
tell single answers apart by subtraction.
"""

import json
from datetime import date
from uuid import UUID

import msgspec

from backend import clock, db, periods
from backend.consortium.directory import Org, directory
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.satisfaction import score
from backend.satisfaction.score import WHOLE, Figure
from backend.satisfaction.survey import outpatient
from backend.shares import LEAST

RIGHT = "report.read"
KINDS_MOST = 50_000  # different answers in one month

# $1 consortium, $2 institution, $3 survey, $4 first and $5 last day, $6 how many.
ANSWERS = """
SELECT answers, COUNT(*) AS n FROM survey_response
WHERE consortium_id = $1 AND organization_id = $2 AND survey = $3 AND week_on BETWEEN $4 AND $5
GROUP BY answers LIMIT $6
"""


class Line(msgspec.Struct, frozen=True):
    """`figure` None: fewer than `least` have answered."""

    name: str
    figure: Figure | None


class Report(msgspec.Struct, frozen=True):
    """`lines`: all together first, then by dimension. `from_on`, `to_on`: the weeks' days."""

    organization: str
    month: date
    from_on: date
    to_on: date
    lines: list[Line]
    title: str
    survey_version: int
    official: bool
    least: int = LEAST
    version: str = score.VERSION


async def monthly(actor: Actor, organization_id: UUID, month: date) -> Report:
    """Of the month in which `month` is.

    Raises:
        NotFound: no such institution, or no right to read its reports.
        Malformed: the month is not over, or too long ago.
    """
    place, survey = await place_of(actor, RIGHT, organization_id), outpatient()
    from_on, to_on = days_of(month)
    rows = await db.fetch(
        ANSWERS, actor.consortium_id, organization_id, survey.id, from_on, to_on, KINDS_MOST
    )
    counted = [(_scores(row["answers"]), row["n"]) for row in rows]
    found = score.figures(survey, counted)
    names = {WHOLE: "总体"} | {one.id: one.name for one in survey.dimensions}
    return Report(
        organization=place.name,
        month=month.replace(day=1),
        from_on=from_on,
        to_on=to_on,
        lines=[Line(names[name], figure) for name, figure in found.items()],
        title=survey.title,
        survey_version=survey.version,
        official=survey.official,
    )


async def place_of(actor: Actor, right: str, organization_id: UUID) -> Org:
    """Raises NotFound: no such institution, or no such right there."""
    actor.must(right, organization_id)
    place = (await directory(actor.consortium_id)).organizations.get(organization_id)
    if place is None:
        raise NotFound
    return place


def days_of(month: date) -> tuple[date, date]:
    """The first and the last day of its weeks. Raises Malformed: not over, or too long ago."""
    found = periods.span(month, clock.today())
    if found is None:
        raise Malformed("请选一个已经过完的月份，最早到一年前。", field="month")
    return found


def months() -> list[date]:
    """Those that are over, the latest first, by their first days."""
    return periods.months_over(clock.today())


def _scores(value: object) -> score.Scores:
    """As each driver gives JSON."""
    found: score.Scores = json.loads(value) if isinstance(value, str | bytes) else value  # type: ignore[assignment]
    return found
