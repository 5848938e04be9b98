"""From answers to figures: what counts as satisfied, and what nobody is shown."""

import itertools
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import clock, periods
from backend.errors import Malformed, NotFound
from backend.satisfaction import report, score
from backend.satisfaction.score import WHOLE, figures, values_of
from backend.satisfaction.survey import outpatient
from backend.settings import Settings
from tests.clinics import a_clinic
from tests.people import a_staff
from tests.satisfaction.visits import SCORES, kept

ALL = [item.id for item in outpatient().items]
OCTOBER = date(2026, 10, 1)


def same(points: int | None) -> dict[str, int | None]:
    return dict.fromkeys(ALL, points)


def test_a_persons_value_is_the_mean_of_what_applied() -> None:
    assert values_of(outpatient(), SCORES) == {
        "registration": 5, "doctors": 4.5, "surroundings": 3.5, "response": 5, "privacy": 1,
        WHOLE: Fraction(19, 5),
    }  # fmt: skip
    assert values_of(outpatient(), same(None)) == {}


def test_rate_interval_and_mean() -> None:
    found = figures(outpatient(), [(same(5), 30), (same(4), 4), (same(1), 6)])
    whole = found[WHOLE]
    assert whole is not None
    assert (whole.satisfied.hit, whole.satisfied.of, whole.satisfied.percent) == (34, 40, 85.0)
    assert (whole.satisfied.low, whole.satisfied.high) == (70.9, 92.9)
    assert whole.mean == pytest.approx(100 * (30 * 4 + 4 * 3) / 40 / 4, abs=0.05)
    assert set(found) == {WHOLE, *(one.id for one in outpatient().dimensions)}


def test_a_dimension_that_applied_to_few_is_hidden_and_not_alone() -> None:
    """The whole and five dimensions would give the sixth away."""
    mute = same(5) | {"nurse_talk": None}
    found = figures(outpatient(), [(same(5), 9), (mute, 9)])
    assert found["nurses"] is None
    assert list(found.values()).count(None) == 2
    assert found[WHOLE] is not None
    assert set(figures(outpatient(), [(same(5), 9)]).values()) == {None}


POINTS = st.sampled_from([None, 1, 2, 3, 4, 5])


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(ALL, POINTS)), max_size=30))
def test_figures_are_within_their_bounds(answers: list[dict[str, int | None]]) -> None:
    found = figures(outpatient(), [(one, 1) for one in answers])
    for figure in filter(None, found.values()):
        assert 0 <= figure.mean <= 100
        assert figure.satisfied.low <= figure.satisfied.percent <= figure.satisfied.high
        assert figure.satisfied.of <= len(answers)
    assert found == figures(outpatient(), [(one, 1) for one in reversed(answers)])


def test_each_week_is_in_one_month() -> None:
    months = periods.months_over(date(2026, 11, 1), 12)
    assert months[0] == date(2026, 9, 1)  # October's last week ends today
    assert periods.months_over(date(2026, 11, 2), 1) == [OCTOBER]
    spans = [periods.mondays(month) for month in reversed(months)]
    for (_, last), (first, _) in itertools.pairwise(spans):
        assert (first - last).days == 7
    assert {day.weekday() for span in spans for day in span} == {0}


async def given_answers(settings: Settings, organization_id: UUID, answers: Iterable[Any]) -> None:
    for week_on, scores, times in answers:
        await kept(settings, organization_id, week_on, times, answers=scores)


async def test_one_institution_in_a_month_that_is_over(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    here, there = (await a_clinic(settings)).organization, (await a_clinic(settings)).organization
    await given_answers(
        settings,
        here.id,
        [
            (date(2026, 10, 5), same(5), 7),
            (date(2026, 10, 26), same(2), 5),
            (date(2026, 9, 28), same(1), 3),
            (date(2026, 11, 2), same(1), 20),
        ],
    )
    await given_answers(settings, there.id, [(date(2026, 10, 5), same(1), 9)])
    admin = a_staff(settings, "institution_admin", here)
    found = await report.monthly(admin, here.id, date(2026, 10, 31))
    (name, whole), *lines = [(one.name, one.figure) for one in found.lines]
    assert (name, len(lines)) == ("总体", 6)
    assert whole is not None
    assert (whole.satisfied.hit, whole.satisfied.of) == (7, 12)
    assert (found.from_on, found.to_on) == (date(2026, 10, 5), date(2026, 11, 1))
    assert (found.version, found.official) == (score.VERSION, False)
    with pytest.raises(NotFound):
        await report.monthly(admin, there.id, OCTOBER)
    with pytest.raises(NotFound):
        await report.monthly(a_staff(settings, "doctor", here), here.id, OCTOBER)
    for month in (clock.today(), date(2025, 10, 1)):
        with pytest.raises(Malformed):
            await report.monthly(admin, here.id, month)
    few = await report.monthly(a_staff(settings, "consortium_admin"), there.id, OCTOBER)
    assert {line.figure for line in few.lines} == {None}
