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
