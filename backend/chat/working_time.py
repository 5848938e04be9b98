"""Pure: when somebody works: hours of the week, public holidays, 调休 (`booking/calendar.py`)."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta

import msgspec

from backend.booking.calendar import working
from backend.clock import SHANGHAI, at

DAY_MIN = 24 * 60
AHEAD_DAYS = 40  # so far is looked for working time; the longest holidays are nine days
MINUTE = timedelta(minutes=1)
Calendar = Callable[[date], int | None]


class Hours(msgspec.Struct, frozen=True, order=True):
    """From–to on a weekday (1 Monday … 7 Sunday), in minutes after midnight in Asia/Shanghai."""

    weekday: int
    from_min: int
    to_min: int


Week = tuple[Hours, ...]
USUAL: Week = tuple(
    Hours(weekday, start * 60, int(end * 60))
    for weekday in range(1, 6)
    for start, end in ((8, 12), (14, 17.5))
)
"""Where neither doctor nor institution has said otherwise: common office hours of townships."""


def with_holidays(on: date) -> int | None:
    """Whose weekday's hours apply; None on a public holiday."""
    return working(on).weekday


def plain(on: date) -> int | None:
    """The weekday, holidays or not: for what goes on every day."""
    return on.isoweekday()


def spans(week: Week, on: date, calendar: Calendar = with_holidays) -> list[tuple[datetime, ...]]:
    """The working hours of a date as (from, to), UTC, by time."""
    weekday, midnight = calendar(on), at(on, time())
    return [
        (midnight + hours.from_min * MINUTE, midnight + hours.to_min * MINUTE)
        for hours in sorted(week)
        if hours.weekday == weekday
    ]


def _from(week: Week, since: datetime, calendar: Calendar) -> Iterator[tuple[datetime, datetime]]:
    """What is left of the working time from `since` on, as (from, to); `AHEAD_DAYS` at most."""
    first = since.astimezone(SHANGHAI).date()
    for days in range(AHEAD_DAYS):
        for start, end in spans(week, first + timedelta(days=days), calendar):
            if end > since:
                yield max(start, since), end


def works_within(week: Week, since: datetime, until: datetime) -> bool:
    """Whether there is working time in it; with `since` = `until`, whether it is working time."""
    found = next(_from(week, since, with_holidays), None)
    return found is not None and found[0] <= until


def later(
    week: Week, since: datetime, minutes: int, calendar: Calendar = with_holidays
) -> datetime | None:
    """When so much working time has passed. None: not within `AHEAD_DAYS`."""
    left = minutes * MINUTE
    for start, end in _from(week, since, calendar):
        if end - start >= left:
            return start + left
        left -= end - start
    return None


def day_end(week: Week, since: datetime) -> datetime | None:
    """The end of the first day that has working time left at `since`. None as in `later`."""
    found: datetime | None = None
    for start, end in _from(week, since, with_holidays):
        if found is not None and start.astimezone(SHANGHAI).date() != _day(found):
            break
        found = end
    return found


def _day(end: datetime) -> date:
    return (end - MINUTE).astimezone(SHANGHAI).date()  # 24:00 belongs to the day before
