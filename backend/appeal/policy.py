"""Pure: until when one may appeal, and until when an appeal must be decided."""

from datetime import date, datetime, time, timedelta

from backend.booking.calendar import working
from backend.clock import SHANGHAI, at

APPEAL_DAYS = 30  # after what is appealed against
DECIDE_DAYS = 5  # working days
DAY_ENDS = time(17, 30)
FRIDAY = 5

OPEN, GRANTED, REFUSED = "open", "granted", "refused"
STATES = {OPEN: (GRANTED, REFUSED), GRANTED: (), REFUSED: ()}
"""Each state with its ways out. `open` is owned by whoever has `appeal.decide` there."""


def appeal_until(charged_at: datetime) -> datetime:
    """The last instant for an appeal, UTC."""
    return charged_at + timedelta(days=APPEAL_DAYS)


def due_at(made_at: datetime) -> datetime:
    """The end of the fifth working day after the appeal, UTC. Holidays and 调休 count."""
    day = made_at.astimezone(SHANGHAI).date()
    for _ in range(DECIDE_DAYS):
        day = _next_working_day(day)
    return at(day, DAY_ENDS)


def _next_working_day(day: date) -> date:
    day += timedelta(days=1)
    while (working(day).weekday or FRIDAY + 1) > FRIDAY:
        day += timedelta(days=1)
    return day
