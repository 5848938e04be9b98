"""Pure: may one doctor stand in both places? Overlap, and the way between two institutions.

The way: great-circle distance at `SPEED_KM_H`, and `MARGIN_MIN` to park and change, `LEAST_MIN` at
least. Source: our own assumption for county roads, not taken from a regulation. Without coordinates
of both institutions the least applies.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

SPEED_KM_H = 40.0
MARGIN_MIN = 15
LEAST_MIN = 30


@dataclass(frozen=True, slots=True)
class Stand:
    """A doctor in a department from–to (aware). `words` name it to people."""

    organization_id: UUID
    department_id: UUID
    kind: str
    starts_at: datetime
    ends_at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Clash:
    """`needs_min`: minutes the way takes; `has_min`: minutes between, below 0 they overlap."""

    first: Stand
    second: Stand
    needs_min: int
    has_min: int

    @property
    def words(self) -> str:
        pair = f"「{self.first.words}」与「{self.second.words}」"
        if self.has_min < 0:
            return pair + "时间重叠"
        return f"{pair}相隔 {self.has_min} 分钟，路上需要 {self.needs_min} 分钟"


Ways = dict[tuple[UUID, UUID], float | None]  # km between two institutions, either way round


def travel_min(km: float | None) -> int:
    """Whole minutes, rounded up."""
    if km is None:
        return LEAST_MIN
    return max(LEAST_MIN, math.ceil(km / SPEED_KM_H * 60) + MARGIN_MIN)


def clash(one: Stand, other: Stand, ways: Ways) -> Clash | None:
    """Why the same doctor can't hold both; None when that is possible.

    In one department several 号别 may run side by side, the same one not twice.
    """
    first, second = sorted((one, other), key=lambda stand: (stand.starts_at, stand.ends_at))
    has = second.starts_at - first.ends_at
    if first.department_id == second.department_id:
        if first.kind != second.kind or has >= timedelta(0):
            return None
        return Clash(first, second, 0, _minutes(has))
    needs = 0
    if first.organization_id != second.organization_id:
        needs = travel_min(_way(first, second, ways))
    if has >= timedelta(minutes=needs):
        return None
    return Clash(first, second, needs, _minutes(has))


def clashes(wanted: Iterable[Stand], others: Iterable[Stand], ways: Ways) -> Iterator[Clash]:
    """Each wanted stand against all others and against the wanted ones after it."""
    kept = sorted(others, key=lambda stand: stand.starts_at)
    pending = list(wanted)
    for number, one in enumerate(pending):
        for other in (*kept, *pending[number + 1 :]):
            if abs(other.starts_at - one.starts_at) > timedelta(days=1):
                continue
            found = clash(one, other, ways)
            if found is not None:
                yield found


def _way(first: Stand, second: Stand, ways: Ways) -> float | None:
    pair = first.organization_id, second.organization_id
    return ways.get(pair, ways.get((pair[1], pair[0])))


def _minutes(span: timedelta) -> int:
    return math.floor(span.total_seconds() / 60)
