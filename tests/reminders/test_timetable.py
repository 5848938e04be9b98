"""When a medicine falls due: FHIR's timing, checked against a second way to count days."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import Malformed
from backend.reminders import timetable
from backend.reminders.timetable import (
    A_DAY_MOST,
    DAYS_MOST,
    EVERY_MOST,
    USUAL,
    WHEN,
    Timing,
    occurrences,
    sound,
)

MONDAY = date(2026, 11, 23)


def a_timing(**facts: object) -> Timing:
    return Timing(**({"from_on": MONDAY, "to_on": MONDAY + timedelta(days=6)} | facts))  # type: ignore[arg-type]


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    first = draw(st.dates(date(2026, 1, 1), date(2028, 12, 31)))
    last = first + timedelta(days=draw(st.integers(0, DAYS_MOST - 1)))
    minutes = st.builds(time, st.integers(0, 23), st.integers(0, 59))
    by_clock = draw(st.booleans())
    times = draw(st.sets(minutes, min_size=1, max_size=A_DAY_MOST)) if by_clock else ()
    codes = () if by_clock else draw(st.sets(st.sampled_from(list(WHEN)), min_size=1, max_size=6))
    weekly = draw(st.booleans())
    return sound(
        Timing(
            from_on=first,
            to_on=last,
            times=tuple(times),
            when=tuple(codes),
            weekdays=tuple(draw(st.sets(st.integers(1, 7), min_size=1))) if weekly else (),
            every_days=1 if weekly else draw(st.integers(1, EVERY_MOST)),
        )
    )


@settings(max_examples=60, deadline=None)
@given(timings(), st.integers(-40, 120), st.integers(0, 120))
def test_every_occurrence_falls_due_once_and_nothing_else(
    timing: Timing, begin: int, length: int
) -> None:
    start = timing.from_on + timedelta(days=begin)
    end = start + timedelta(days=length)
    found = list(occurrences(timing, start, end))
    moments = [(one.on, one.at, one.when) for one in found]
    assert moments == sorted(set(moments))
    if timing.weekdays:
        days = {timing.from_on + timedelta(n) for n in range(DAYS_MOST)}
        days = {day for day in days if day.isoweekday() in timing.weekdays}
    else:
        days = {timing.from_on + timedelta(n) for n in range(0, DAYS_MOST, timing.every_days)}
    hours = {(at, "") for at in timing.times} | {(USUAL[code], code) for code in timing.when}
    assert set(moments) == {
        (day, *hour)
        for day in days
        if max(start, timing.from_on) <= day <= min(end, timing.to_on)
        for hour in hours
    }


@settings(max_examples=40, deadline=None)
@given(timings(), st.integers(0, 83))
def test_two_halves_are_the_whole(timing: Timing, cut: int) -> None:
    """A scan may ask day by day, or for a week: nothing is lost or twice at the seams."""
    at = timing.from_on + timedelta(days=cut)
    whole = list(occurrences(timing, timing.from_on, timing.to_on))
    first = list(occurrences(timing, timing.from_on, at))
    assert first + list(occurrences(timing, at + timedelta(days=1), timing.to_on)) == whole


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"when": ("PCV", "PCM")}, "每天 2 次，早饭后、晚饭后"),
        ({"times": (time(20), time(8))}, "每天 2 次，8:00、20:00"),
        ({"when": ("HS",), "every_days": 2}, "每 2 天一回，当天 1 次，睡前"),
        ({"when": ("ACM",), "weekdays": (5, 1, 3)}, "每周一、三、五，当天 1 次，早饭前"),
        ({"when": ("ACM",), "weekdays": (1, 2, 3, 4, 5, 6, 7)}, "每天 1 次，早饭前"),
        ({}, "每天"),
    ],
)
def test_it_is_said_as_people_say_it(facts: dict[str, object], said: str) -> None:
    assert timetable.words(sound(a_timing(**facts))) == said


def test_days_name_the_second_year_where_it_is_another() -> None:
    assert timetable.span(a_timing()) == "2026年11月23日到11月29日"
    over = a_timing(to_on=date(2027, 2, 14))
    assert timetable.span(over) == "2026年11月23日到2027年2月14日"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"when": ("PCM",), "times": (time(8),)}, "times"),
        ({"when": ("QD",)}, "when"),
        ({"times": (time(8, 0, 1),)}, "times"),
        ({"times": tuple(time(hour) for hour in range(7))}, "times"),
        ({"when": tuple(WHEN)}, "when"),
        ({"every_days": 0}, "every_days"),
        ({"every_days": 31}, "every_days"),
        ({"weekdays": (0,)}, "weekdays"),
        ({"weekdays": (1,), "every_days": 2}, "weekdays"),
        ({"to_on": MONDAY - timedelta(days=1)}, "to_on"),
        ({"to_on": MONDAY + timedelta(days=DAYS_MOST)}, "to_on"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(facts: dict[str, object], field: str) -> None:
    with pytest.raises(Malformed) as refused:
        sound(a_timing(**facts))
    assert refused.value.extra["field"] == field


def test_twelve_weeks_fit() -> None:
    assert sound(a_timing(to_on=MONDAY + timedelta(days=DAYS_MOST - 1)))


@pytest.mark.parametrize(
    ("first", "last", "field"), [(-85, 0, "from_on"), (85, 86, "from_on"), (-3, -1, "to_on")]
)
def test_it_begins_near_today_and_is_not_over(first: int, last: int, field: str) -> None:
    timing = a_timing(from_on=MONDAY + timedelta(first), to_on=MONDAY + timedelta(last))
    with pytest.raises(Malformed) as refused:
        timetable.begins_soundly(timing, MONDAY)
    assert refused.value.extra["field"] == field


def test_times_are_read_as_people_type_them() -> None:
    assert timetable.read_times("8:00，20：30") == (time(8), time(20, 30))
    assert timetable.read_times("  ") == ()
    with pytest.raises(Malformed):
        timetable.read_times("早上")
