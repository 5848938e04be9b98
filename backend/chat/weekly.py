"""质量, week by week: how many were handed over, and how many of them were answered in time.

Cells under `LEAST` are not shown, and no sum over weeks or over institutions gives them away.
"""

from collections import defaultdict
from datetime import date, timedelta
from uuid import UUID

import msgspec

from backend import clock, db
from backend.chat import quality
from backend.errors import NotFound
from backend.identity.access import Actor
from backend.shares import LEAST, Share, hidden, share

WEEK = timedelta(days=7)
ROWS_MOST = 60_000  # institutions × weeks
WEEK_ON_SQLITE = "date(handed_at, '+8 hours', '-6 days', 'weekday 1')"
WEEK_ON_POSTGRES = "DATE_TRUNC('week', handed_at AT TIME ZONE 'Asia/Shanghai')::date"

# As quality.COUNTS.
COUNTS = f"""
SELECT home_id, {{week}} AS week, COUNT(*) AS n,
  SUM(CASE WHEN answered_at IS NOT NULL OR due_at <= $4 THEN 1 ELSE 0 END) AS due,
  SUM(CASE WHEN answered_at <= due_at THEN 1 ELSE 0 END) AS in_time
FROM hand_over WHERE consortium_id = $1 AND handed_at >= $2 AND handed_at < $3 {{within}}
GROUP BY home_id, {{week}} LIMIT {ROWS_MOST}
"""
Place = UUID | None  # None: of no institution


class Week(msgspec.Struct, frozen=True):
    """From a Monday on. None: too few behind it."""

    from_on: date
    n: int | None
    in_time: Share | None


class _Cell(msgspec.Struct):
    n: int = 0
    due: int = 0
    in_time: int = 0


async def weeks(actor: Actor, month: date, organization_id: UUID | None = None) -> list[Week]:
    """Those of a month, of an institution, or of all that the actor may read about.

    Raises NotFound, Malformed.
    """
    from_on, to_on = quality.days(actor, month)
    if organization_id is not None and not actor.may(quality.RIGHT, organization_id):
        raise NotFound
    grid = await _grid(actor, from_on, to_on)
    mondays = [from_on + number * WEEK for number in range(((to_on - from_on) // WEEK) + 1)]
    cells: dict[date, _Cell] = {}
    for monday in mondays:
        at = [cell for (place, week), cell in grid.items() if week == monday
              and organization_id in (None, place)]  # fmt: skip
        cells[monday] = _Cell(
            *(sum(getattr(one, part) for one in at) for part in _Cell.__struct_fields__)
        )
    few = _few(grid, organization_id, cells)
    return [_week(monday, cells[monday], few=monday in few) for monday in mondays]


async def _grid(actor: Actor, from_on: date, to_on: date) -> dict[tuple[Place, date], _Cell]:
    week = WEEK_ON_SQLITE if db.is_sqlite() else WEEK_ON_POSTGRES
    rows = await quality.ask(actor, COUNTS, from_on, to_on, clock.now(), week=week)
    return {
        (quality.place_of(row), db.as_date(row["week"])): _Cell(
            int(row["n"]), int(row["due"] or 0), int(row["in_time"] or 0)
        )
        for row in rows
    }


def _few(
    grid: dict[tuple[Place, date], _Cell], organization_id: UUID | None, cells: dict[date, _Cell]
) -> set[date]:
    """Which weeks are not shown."""
    if organization_id is None:
        return hidden({week: cell.n for week, cell in cells.items()})
    secret = secrets_of({key: cell.n for key, cell in grid.items()})
    return {week for place, week in secret if place == organization_id}


def secrets_of(grid: dict[tuple[Place, date], int]) -> set[tuple[Place, date]]:
    """Pure: the cells of a table with known sums in both directions that are not shown."""
    lines: dict[object, dict[tuple[Place, date], int]] = defaultdict(dict)
    for key, n in grid.items():
        for line in (("place", key[0]), ("week", key[1])):
            lines[line][key] = n
    secret: set[tuple[Place, date]] = set()
    while True:  # each round adds a cell or is the last
        found = set().union(*(hidden(line, secret) for line in lines.values()))
        if found <= secret:
            return secret
        secret |= found


def _week(monday: date, cell: _Cell, *, few: bool) -> Week:
    few = few or 0 < cell.n < LEAST
    return Week(monday, None if few else cell.n, None if few else share(cell.in_time, cell.due))
