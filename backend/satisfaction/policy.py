"""Pure: which visits may be answered for, and how coarse the date of an answer is."""

from datetime import date, datetime, timedelta

VISITED = ("checked_in", "called", "fulfilled")
"""Whoever has signed in was there, also where nobody closed the visit."""


def may_answer(
    status: str, starts_at: datetime, held_on: date, *, now: datetime, since: date
) -> bool:
    """Whether the visit has begun, and was on `since` (`first_day`) or later."""
    return status in VISITED and starts_at <= now and held_on >= since


def first_day(today: date, days: int) -> date:
    """The earliest day whose visits may still be answered for, `days` after it."""
    return today - timedelta(days=days)


def week_of(day: date) -> date:
    """The Monday of its week: all that an answer keeps of its time."""
    return day - timedelta(days=day.weekday())


def mondays(month: date) -> tuple[date, date]:
    """The first and the last Monday in the month that begins with that day."""
    first = month + timedelta(days=-month.weekday() % 7)
    last = week_of(_next(month) - timedelta(days=1))
    return first, last


def months_over(today: date, most: int) -> list[date]:
    """The first days of so many months whose weeks are all over, the latest first."""
    found: list[date] = []
    month = today.replace(day=1)
    while len(found) < most:
        if mondays(month)[1] + timedelta(days=6) < today:
            found.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    return found


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
