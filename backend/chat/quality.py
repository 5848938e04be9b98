"""质量: how well and how soon people are answered, by institution, in a month that is over.

Months only (`periods`): what two overlapping periods differ by may be a few people. Counted by
hand-over (one stretch with doctors), by the day on which it was handed over. A late one is late
whether or not it was answered since; one that is not due yet is not counted for time.
"""

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import msgspec

from backend import clock, db, periods
from backend.chat.duty_policy import PRIORITIES
from backend.consortium.directory import Org, directory
from backend.errors import Malformed
from backend.identity.access import Actor
from backend.shares import LEAST, Share, hidden, share

RIGHT = "report.read"
VERSION = "chat@1"  # of the formulas, shown beside the figures
ROWS_MOST = 5000  # institutions × priorities

SECONDS_ON_SQLITE = "(julianday(answered_at) - julianday(handed_at)) * 86400"
SECONDS_ON_POSTGRES = "EXTRACT(EPOCH FROM answered_at - handed_at)"

# $1 consortium, $2 from, $3 before, $4 now, $5 institutions (all: not asked).
COUNTS = f"""
SELECT home_id, COUNT(*) AS n,
  SUM(CASE WHEN answered_at IS NOT NULL OR due_at <= $4 THEN 1 ELSE 0 END) AS due,
  SUM(CASE WHEN answered_at <= due_at THEN 1 ELSE 0 END) AS in_time,
  SUM(CASE WHEN escalations > 0 THEN 1 ELSE 0 END) AS escalated,
  SUM(CASE WHEN ended_at IS NOT NULL THEN 1 ELSE 0 END) AS ended,
  SUM(CASE WHEN ended_at IS NOT NULL AND needless THEN 1 ELSE 0 END) AS needless,
  SUM(CASE WHEN reason = 'reopened' THEN 1 ELSE 0 END) AS reopened
FROM hand_over WHERE consortium_id = $1 AND handed_at >= $2 AND handed_at < $3 {{within}}
GROUP BY home_id LIMIT {ROWS_MOST}
"""
# The same, without $4. `{by}`: of each institution and priority, or of each priority.
MEDIANS = f"""
SELECT {{by}}, MAX(n) AS n, AVG(seconds) AS seconds FROM (
  SELECT home_id, priority, {{seconds}} AS seconds,
    ROW_NUMBER() OVER (PARTITION BY {{by}} ORDER BY {{seconds}}) AS place,
    COUNT(*) OVER (PARTITION BY {{by}}) AS n
  FROM hand_over WHERE consortium_id = $1 AND handed_at >= $2 AND handed_at < $3
    AND answered_at IS NOT NULL {{within}}) answered
WHERE place IN ((n + 1) / 2, (n + 2) / 2)
GROUP BY {{by}} LIMIT {ROWS_MOST}
"""
RATINGS = f"""
SELECT home_id, COUNT(*) AS n, SUM(rating) AS stars,
  SUM(CASE WHEN rating >= 4 THEN 1 ELSE 0 END) AS good
FROM conversation WHERE consortium_id = $1 AND rated_at >= $2 AND rated_at < $3
  AND rating IS NOT NULL AND queued_at IS NOT NULL {{within}}
GROUP BY home_id LIMIT {ROWS_MOST}
"""


class Answered(msgspec.Struct, frozen=True):
    """The median first answer of a priority, in minutes; None where fewer than ten answered."""

    priority: str
    n: int | None
    minutes: float | None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An institution's figures, or (`organization_id` None) the sum of all that are shown to the
    actor. None: too few behind it. `rating_mean`: 1 to 5."""

    organization_id: UUID | None
    organization: str
    n: int | None
    in_time: Share | None
    escalated: Share | None
    reopened: Share | None
    needless: Share | None
    answered: tuple[Answered, ...]
    rated: int | None
    rating_mean: float | None
    rating_good: Share | None


class Report(msgspec.Struct, frozen=True):
    """`lines`: the sum first, then by institution. `least`: what fewer than is not shown.
    `from_on`, `to_on`: the days of the month's weeks."""

    month: date
    from_on: date
    to_on: date
    lines: list[Line]
    least: int = LEAST
    version: str = VERSION


class _Sums(msgspec.Struct):
    n: int = 0
    due: int = 0
    in_time: int = 0
    escalated: int = 0
    ended: int = 0
    needless: int = 0
    reopened: int = 0
    rated: int = 0
    stars: int = 0
    good: int = 0

    def add(self, other: "_Sums") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


async def report(actor: Actor, month: date) -> Report:
    """Of the month in which `month` is, in China.

    Raises:
        NotFound: no right to read reports. Malformed: it is not over, or too long ago.
    """
    from_on, to_on = days(actor, month)
    sums = await _sums(actor, from_on, to_on)
    names = (await directory(actor.consortium_id)).organizations
    whole = _Sums()
    for one in sums.values():
        whole.add(one)
    few = hidden({place: one.n for place, one in sums.items()})
    unrated = hidden({place: one.rated for place, one in sums.items()})
    of_all = await _medians(actor, from_on, to_on, "priority")
    of_each = await _medians(actor, from_on, to_on, "home_id, priority")
    lines = [_line(None, "合计", whole, of_all.get(None, ()), few=False, unrated=False)]
    for place, one in sorted(sums.items(), key=lambda item: _name(names, item[0])):
        answered, name = of_each.get(place, ()), _name(names, place)
        hides = {"few": place in few, "unrated": place in unrated}
        lines.append(_line(place, name, one, answered, **hides))
    return Report(month.replace(day=1), from_on, to_on, lines)


def months() -> list[date]:
    """Those that may be asked for, the latest first, by their first days."""
    return periods.months_over(clock.today())


def days(actor: Actor, month: date) -> tuple[date, date]:
    """The first and the last day of its weeks. Raises NotFound, Malformed."""
    actor.must(RIGHT)
    found = periods.span(month, clock.today())
    if found is None:
        raise Malformed("请选一个已经过完的月份，最早到一年前。", field="month")
    return found


def _name(names: Mapping[UUID, Org], place: UUID | None) -> str:
    org = names.get(place) if place else None
    return org.name if org else "没有所属机构"


def _line(
    place: UUID | None,
    name: str,
    sums: _Sums,
    answered: Sequence[Answered],
    *,
    few: bool,
    unrated: bool,
) -> Line:
    unrated = unrated or sums.rated < LEAST
    few = few or sums.n < LEAST
    return Line(
        organization_id=place,
        organization=name,
        n=None if few else sums.n,
        in_time=None if few else share(sums.in_time, sums.due),
        escalated=None if few else share(sums.escalated, sums.n),
        reopened=None if few else share(sums.reopened, sums.n),
        needless=None if few else share(sums.needless, sums.ended),
        answered=() if few else tuple(answered),
        rated=None if unrated else sums.rated,
        rating_mean=None if unrated else round(sums.stars / sums.rated, 2),
        rating_good=None if unrated else share(sums.good, sums.rated),
    )


async def ask(
    actor: Actor, sql: str, from_on: date, to_on: date, *more: Any, **facts: str
) -> list[db.Row]:
    """Rows of the period and of the actor's institutions; `facts` fill in the statement."""
    before = clock.at(to_on + timedelta(days=1), time())
    values = [actor.consortium_id, clock.at(from_on, time()), before, *more]
    places, within = actor.where(RIGHT), ""
    if places is not None:
        values.append(list(places))
        within = f"AND {db.among('home_id', f'${len(values)}')}"
    return await db.fetch(sql.format(within=within, **facts), *values)


async def _sums(actor: Actor, from_on: date, to_on: date) -> dict[UUID | None, _Sums]:
    found: dict[UUID | None, _Sums] = {}
    names = ("n", "due", "in_time", "escalated", "ended", "needless", "reopened")
    for row in await ask(actor, COUNTS, from_on, to_on, clock.now()):
        sums = _Sums(**{name: int(row[name] or 0) for name in names})
        found.setdefault(place_of(row), _Sums()).add(sums)
    for row in await ask(actor, RATINGS, from_on, to_on):
        rated = _Sums(rated=int(row["n"]), stars=int(row["stars"]), good=int(row["good"]))
        found.setdefault(place_of(row), _Sums()).add(rated)
    return found


async def _medians(
    actor: Actor, from_on: date, to_on: date, by: str
) -> dict[UUID | None, list[Answered]]:
    """By institution; None: of all. Priorities in their order."""
    seconds = SECONDS_ON_SQLITE if db.is_sqlite() else SECONDS_ON_POSTGRES
    rows = await ask(actor, MEDIANS, from_on, to_on, by=by, seconds=seconds)
    cells: dict[str, dict[UUID | None, tuple[int, float]]] = {one: {} for one in PRIORITIES}
    for row in rows:
        place = place_of(row) if "home_id" in by else None
        cells[row["priority"]][place] = (int(row["n"]), float(row["seconds"]) / 60)
    found: dict[UUID | None, list[Answered]] = {}
    for priority, of in cells.items():
        few = hidden({place: n for place, (n, _) in of.items()})
        for place, (n, minutes) in of.items():
            shown = Answered(priority, n, round(minutes, 1))
            hides = place in few or n < LEAST
            found.setdefault(place, []).append(Answered(priority, None, None) if hides else shown)
    return found


def place_of(row: db.Row) -> UUID | None:
    return None if row["home_id"] is None else db.as_uuid(row["home_id"])
