"""What counts, what follows from it, by grades; and what never counts and is never barred."""

from datetime import date, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import clock
from backend.booking import appointments, standing, wording
from backend.booking.errors import Restricted
from backend.booking.models import Amnesty, Appointment, Restriction
from backend.booking.policy import BUILT_IN, COUNTY, bars, bars_for_no_shows
from backend.settings import Settings
from tests.clinics import Clinic, a_clinic, a_desk, a_schedule
from tests.people import Person, a_person, a_receipt

DAY = timedelta(days=1)
RULE: dict[str, Any] = {"most": 3, "within": 90, "bar": 90, "grades": (100, 150, 200)}


def at(*days: int) -> list[Any]:
    return [clock.at(date(2026, 1, 1), time()) + day * DAY for day in days]


def spans(*days: int) -> list[tuple[int, int, int]]:
    """From, until and grade of each bar, in days since the first of January."""
    start = at(0)[0]
    return [
        ((one.from_at - start).days, (one.until_at - start).days, one.grade)
        for one in bars(at(*days), **RULE)
    ]


def test_the_limit_bars_from_the_last_deed() -> None:
    assert spans(0, 10) == []
    assert spans(0, 10, 90) == [(90, 180, 1)]
    assert spans(0, 10, 91) == []


def test_a_deed_during_a_bar_prolongs_it_and_is_no_second_one() -> None:
    assert spans(0, 1, 2, 50) == [(2, 140, 1)]


def test_a_second_bar_within_a_year_is_longer_and_a_third_one_longer_still() -> None:
    assert spans(0, 1, 2, 100, 101, 102) == [(2, 92, 1), (102, 102 + 135, 2)]
    third = spans(0, 1, 2, 100, 101, 102, 250, 251, 252)
    assert third[2] == (252, 252 + 180, 3)
    fourth = spans(0, 1, 2, 100, 101, 102, 200, 201, 202, 299, 300, 301)
    assert fourth[-1][1:] == (301 + 180, 4)


def test_after_a_year_it_is_a_first_one_again() -> None:
    assert [grade for *_, grade in spans(0, 1, 2, 363, 364, 365)] == [1, 1]
    assert [grade for *_, grade in spans(0, 1, 2, 362, 363, 364)] == [1, 2]


def test_zero_switches_it_off() -> None:
    assert bars(at(0, 1, 2, 3), most=0, within=90, bar=90) == []


@given(st.lists(st.integers(0, 800), max_size=25, unique=True), st.data())
def test_to_excuse_one_never_makes_it_worse(days: list[int], data: st.DataObject) -> None:
    """Whatever is taken back: nobody is barred for longer afterwards."""
    if not days:
        return
    excused = data.draw(st.sampled_from(days))
    before = bars(at(*days), **RULE)
    after = bars(at(*(day for day in days if day != excused)), **RULE)
    assert not after or after[-1].until_at <= before[-1].until_at


def test_the_rule_says_the_grades() -> None:
    assert "1.5 倍" in "".join(wording.standing_rules(COUNTY))
    assert [one.grade for one in bars_for_no_shows(COUNTY, at(0, 1, 2, 100, 101, 102))] == [1, 2]
    assert all(policy.bar_second_pct == 150 for policy in BUILT_IN.values())


async def missed(
    settings: Settings, clinic: Clinic, person: Person, *, days_ago: int = 1, **facts: Any
) -> Appointment:
    """A no-show, straight into the table."""
    held_on = clock.today() - days_ago * DAY
    slot = (await a_schedule(settings, clinic, on=held_on))[0]
    told = {
        "status": "no_show", "changed_at": slot.ends_at, "department_place": days_ago + 1,
        "day_place": 1,
    } | facts  # fmt: skip
    return await Appointment.create(
        id=uuid4(), consortium_id=settings.consortium_id, patient_id=person.patient_id,
        organization_id=clinic.organization.id, department_id=clinic.department.id,
        schedule_id=slot.schedule_id, slot_id=slot.id, account_id=person.actor.account_id,
        held_on=held_on, starts_at=slot.starts_at, policy_version="built-in-county@1",
        fee_fen=0, created_at=slot.starts_at - 3 * DAY, **told,
    )  # fmt: skip


async def review(settings: Settings, person: Person) -> list[Restriction]:
    await standing.review(settings.consortium_id, person.patient_id, COUNTY)
    return await Restriction.filter(patient_id=person.patient_id).order_by("from_at")


async def book(person: Person, slot_id: UUID) -> str:
    ticket = await appointments.book(
        person.actor, a_desk(), slot_id=slot_id, patient_id=person.patient_id, confirm=True,
        receipt=a_receipt(person.actor),
    )  # fmt: skip
    return ticket.status


async def test_three_no_shows_bar_the_countys_experts_and_nothing_else(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """Outpatient care at townships and villages is never barred, whatever it is called there."""
    person, hospital = await a_person(settings), await a_clinic(settings, tier="county")
    for days_ago in (3, 2, 1):
        await missed(settings, hospital, person, days_ago=days_ago)
    (row,) = await review(settings, person)
    assert (row.cause, row.until_at.date()) == ("no_shows", date(2027, 2, 20))
    with pytest.raises(Restricted):
        await book(person, (await a_schedule(settings, hospital, kind="expert"))[0].id)
    tomorrow = clock.today() + DAY
    for number, (tier, kind) in enumerate(
        [("county", "general"), ("township", "expert"), ("village", "expert")]
    ):
        clinic = await a_clinic(settings, tier=tier)
        slot = (await a_schedule(settings, clinic, kind=kind, on=tomorrow + number * DAY))[0]
        assert await book(person, slot.id) == "booked", (tier, kind)


async def test_what_the_institution_cancelled_never_counts(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """停诊, however late, and whatever else a row may say."""
    person, hospital = await a_person(settings), await a_clinic(settings, tier="county")
    for days_ago in (4, 3, 2, 1):
        await missed(
            settings, hospital, person, days_ago=days_ago, status="cancelled",
            cancelled_by="provider", late_cancel=True, counted_cancel=True,
        )  # fmt: skip
    assert await review(settings, person) == []
    assert await standing.deeds(settings.consortium_id, person.patient_id) == []


async def test_a_day_under_an_amnesty_counts_for_nothing_even_when_marked_later(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    person, hospital = await a_person(settings), await a_clinic(settings, tier="county")
    other = await a_clinic(settings, tier="county")
    snow = clock.today() - 2 * DAY
    for clinic, on in ((hospital, snow), (other, snow - DAY)):
        await Amnesty.create(
            id=uuid4(), consortium_id=settings.consortium_id, organization=clinic.organization,
            from_on=on, to_on=on, reason="大雪封路", created_at=clock.now(),
        )  # fmt: skip
    for days_ago in (3, 2, 1):
        await missed(settings, hospital, person, days_ago=days_ago)
    assert len(await standing.deeds(settings.consortium_id, person.patient_id)) == 2
    assert await review(settings, person) == []


async def test_a_review_twice_writes_one_and_takes_nothing_back_that_was_lifted(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    person, hospital = await a_person(settings), await a_clinic(settings, tier="county")
    for days_ago in (3, 2, 1):
        await missed(settings, hospital, person, days_ago=days_ago)
    await review(settings, person)
    assert len(await review(settings, person)) == 1
    await Restriction.filter(patient_id=person.patient_id).update(lifted_at=clock.now())
    assert len(await review(settings, person)) == 1
    assert await standing.restriction_of(person.patient_id, "expert") is None
