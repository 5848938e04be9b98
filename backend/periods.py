"""Pure: months of whole weeks, of which figures about people may be shown.

Only such as are over, and none that overlap: figures that grow by the day, or periods of which one
is part of another, would tell a few people apart by subtraction. A month has the weeks that begin
in it.
"""

from datetime import date, timedelta

MONTHS = 12  # that are offered


def week_of(day: date) -> date:
    """The Monday of its week."""
    return day - timedelta(days=day.weekday())


def mondays(month: date) -> tuple[date, date]:
    """The first and the last Monday in the month that begins with that day."""
    first = month + timedelta(days=-month.weekday() % 7)
    last = week_of(_next(month) - timedelta(days=1))
    return first, last


def months_over(today: date, most: int = MONTHS) -> list[date]:
    """The first days of so many months whose weeks are all over, the latest first."""
    found: list[date] = []
    month = today.replace(day=1)
    while len(found) < most:
        if mondays(month)[1] + timedelta(days=6) < today:
            found.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    return found


def span(day: date, today: date) -> tuple[date, date] | None:
    """The first and the last day of the weeks of its month. None: that is not over, or not offered
    any more."""
    month = day.replace(day=1)
    if month not in months_over(today):
        return None
    first, last = mondays(month)
    return first, last + timedelta(days=6)


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
