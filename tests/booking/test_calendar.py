"""Public holidays and 调休 as the State Council announced them for 2026."""

from datetime import date, timedelta

import pytest

from backend.booking.calendar import holiday_name, working

MONDAY, FRIDAY, SATURDAY, SUNDAY = 1, 5, 6, 7


@pytest.mark.parametrize(
    ("on", "weekday", "name"),
    [
        (date(2026, 11, 23), MONDAY, ""),
        (date(2026, 11, 28), SATURDAY, ""),  # an ordinary weekend is no holiday
        (date(2026, 11, 29), SUNDAY, ""),
        (date(2026, 2, 17), None, "春节"),
        (date(2026, 2, 16), None, "农历除夕"),
        (date(2026, 2, 20), None, "休息日（由 2026-02-14 调休）"),
        (date(2026, 2, 14), FRIDAY, "调休上班（补 02-20）"),
        (date(2026, 2, 28), MONDAY, "调休上班（补 02-23）"),
        (date(2026, 1, 4), FRIDAY, "调休上班（补 01-02）"),
        (date(2026, 5, 9), 2, "调休上班（补 05-05）"),
        (date(2026, 9, 20), 2, "调休上班（补 10-06）"),
        (date(2026, 10, 10), 3, "调休上班（补 10-07）"),
        (date(2026, 10, 1), None, "国庆节"),
        (date(2027, 2, 6), None, "春节"),  # not announced yet, but certain
    ],
)
def test_what_applies_on_a_day(on: date, weekday: int | None, name: str) -> None:
    day = working(on)
    assert day.weekday == weekday
    assert day.name == name
    assert holiday_name(on) == (day.name if weekday is None else None)


def test_every_working_weekend_day_of_a_year_pays_for_one_day_off() -> None:
    year = [date(2026, 1, 1) + timedelta(days=days) for days in range(365)]
    worked = [on for on in year if on.isoweekday() > FRIDAY and working(on).name.startswith("调")]
    off = [on for on in year if "调休" in (holiday_name(on) or "")]
    assert len(worked) == len(off) == 6
    assert all(working(on).weekday in range(MONDAY, SATURDAY) for on in worked)


def test_stray_years_of_the_library_do_not_leak() -> None:
    """`weekend_workdays` of any year lists 2011-12-31 and others; asked for 2012, it is right."""
    assert working(date(2011, 12, 30)).weekday == FRIDAY
    assert working(date(2011, 12, 31)).weekday == 2  # for Tuesday, 3 January 2012: across New Year
