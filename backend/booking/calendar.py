"""Pure: which weekday's templates apply on a date in China: public holidays and 调休.

Source: `holidays` (China, zh_CN), which holds the State Council's yearly notice (国办发明电) and
estimates the years that are not announced yet, without their 调休. So a year's calendar is right
once the notice is out, usually in November of the year before, and that library has been updated.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import holidays

# A day off that was exchanged says for which day: 「休息日（由 2026-02-14 调休）」.
_EXCHANGED = re.compile(r"由 (\d{4}-\d{2}-\d{2}) 调休")
_YEARS_AROUND = 1  # an exchange may cross New Year


@dataclass(frozen=True, slots=True)
class Workday:
    """`weekday`: whose templates apply, 1 Monday … 7 Sunday; None on a public holiday.

    `name`: the holiday's, or which day off a working weekend day was exchanged for; else empty.
    """

    weekday: int | None
    name: str = ""


def working(on: date) -> Workday:
    """What applies on `on`: nothing on a public holiday, the exchanged day's weekday on a working
    weekend day, else the plain weekday. An ordinary weekend is no holiday: hospitals work then."""
    off = holiday_name(on)
    if off is not None:
        return Workday(None, off)
    exchanged = _worked_instead(on.year).get(on)
    if exchanged is not None:
        return Workday(exchanged.isoweekday(), f"调休上班（补 {exchanged:%m-%d}）")
    return Workday(on.isoweekday())


def holiday_name(on: date) -> str | None:
    """The public holiday's Chinese name, None on any other day."""
    return _days_off(on.year).get(on)


@functools.cache
def _days_off(year: int) -> Mapping[date, str]:
    calendar = holidays.country_holidays("CN", years=year, language="zh_CN")
    return {on: str(name) for on, name in calendar.items() if on.year == year}


@functools.cache
def _worked_instead(year: int) -> Mapping[date, date]:
    """Working weekend day of `year` → the day off it was exchanged for.

    Read from the days off, not from the library's `weekend_workdays`, which also lists years that
    nobody asked for and doesn't say what a day was exchanged for.
    """
    exchanges = {}
    for around in range(year - _YEARS_AROUND, year + _YEARS_AROUND + 1):
        for off, name in _days_off(around).items():
            found = _EXCHANGED.search(name)
            if found and (worked := date.fromisoformat(found[1])).year == year:
                exchanges[worked] = off
    return exchanges
