"""The only clock. Instants are aware and in UTC; dates are dates in Asia/Shanghai."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")  # one zone for all of China, no summer time


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """The instant, aware, in UTC."""
    return _source()


def today() -> date:
    """The date on a wall in China."""
    return now().astimezone(SHANGHAI).date()


def at(on: date, wall: time) -> datetime:
    """The UTC instant at which a clock on a wall in China shows `wall` on that day."""
    return datetime.combine(on, wall, SHANGHAI).astimezone(UTC)


class Hands:
    """A stopped clock whose hands can be moved."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        return self.instant

    def move(self, delta: timedelta) -> None:
        self.instant += delta

    def set(self, instant: datetime) -> None:
        self.instant = instant


@contextlib.contextmanager
def stopped(instant: datetime) -> Iterator[Hands]:
    """Stop the clock of this process at `instant` (aware); the hands move only on request."""
    global _source
    before, hands = _source, Hands(instant.astimezone(UTC))
    _source = hands
    try:
        yield hands
    finally:
        _source = before
