"""Utilisation and leakage of pools, counted by hand on a small county."""

from datetime import date, timedelta

import pytest

from backend import clock
from backend.booking import flow, pool_rules, report
from backend.booking.models import Appointment
from backend.booking.pools import FAMILY_DOCTOR, ONSITE, PUBLIC, REFERRAL
from backend.booking.report import Ratio
from backend.errors import Malformed, NotFound
from backend.settings import Settings
from tests.booking.test_flow import DAY, EVENING, a_rule, a_split, take
from tests.clinics import Clinic, a_clinic, a_schedule
from tests.people import a_person, a_staff

MONDAY = date(2026, 11, 23)


@pytest.fixture
async def hospital(db: None, settings: Settings, noon: clock.Hands) -> Clinic:
    """A Wednesday of eight places for each of four pools; some used, some not, some too late."""
    pool_rules.forget()
    clinic = await a_clinic(settings, tier="county", name="县人民医院")
    for pool, hour in ((FAMILY_DOCTOR, "08:40"), (ONSITE, "08:40")):
        await a_rule(settings, pool, opens_days=9, returns_days=0, returns_time=hour)
    kept = {PUBLIC: 4, REFERRAL: 4, FAMILY_DOCTOR: 4, ONSITE: 4}
    slots = await a_split(settings, clinic, kept, slots=2)
    for pool in (PUBLIC, REFERRAL, FAMILY_DOCTOR):
        await take(slots[pool][0], await a_person(settings))
    await Appointment.all().update(status="fulfilled")
    missed = await take(slots[REFERRAL][1], await a_person(settings))
    await Appointment.filter(id=missed.id).update(status="no_show")
    noon.set(EVENING)
    assert await flow.flow_back(settings.consortium_id) == 6  # referral
    noon.set(slots[PUBLIC][0].starts_at - timedelta(minutes=20))
    assert await flow.flow_back(settings.consortium_id) == 15  # family doctor, onsite
    noon.set(slots[PUBLIC][1].ends_at)
    return clinic


async def test_every_figure_with_its_numerator_and_denominator(
    hospital: Clinic, settings: Settings
) -> None:
    reader = a_staff(settings, "institution_admin", hospital.organization)
    lines = await report.pools_by_week(reader, from_on=DAY, to_on=DAY)
    told = {
        line.pool: (line.offered, line.booked, line.consumed, line.returned, line.late, line.unused)
        for line in lines
    }
    assert told == {
        PUBLIC: (29, 1, 1, 0, 0, 28),  # 8 of its own, 21 that came
        REFERRAL: (8, 2, 1, 6, 0, 0),
        # Both ended at 08:40: too late for the slot of 09:00, in time for that of 09:30.
        FAMILY_DOCTOR: (8, 1, 1, 7, 3, 0),
        ONSITE: (8, 0, 0, 8, 4, 0),
    }
    assert {line.week_on for line in lines} == {MONDAY}
    by_pool = {line.pool: line for line in lines}
    assert by_pool[REFERRAL].utilisation == Ratio(1, 8)
    assert by_pool[REFERRAL].leakage == Ratio(0, 8)
    assert by_pool[FAMILY_DOCTOR].leakage == Ratio(3, 8)
    assert by_pool[FAMILY_DOCTOR].leakage.percent == 37.5
    assert by_pool[PUBLIC].leakage is by_pool[ONSITE].leakage is None
    assert [line.pool for line in report.totals(lines)] == [line.pool for line in lines]


async def test_what_ended_unused_in_its_pool_has_leaked(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic = await a_clinic(settings, tier="county")
    slots = await a_split(settings, clinic, {PUBLIC: 1, REFERRAL: 3}, slots=2)
    await take(slots[REFERRAL][0], await a_person(settings))
    reader = a_staff(settings, "auditor")
    noon.set(slots[PUBLIC][1].starts_at - timedelta(minutes=1))
    lines = await report.pools_by_week(reader, from_on=MONDAY, to_on=DAY)
    assert [(line.pool, line.unused) for line in lines] == [(PUBLIC, 1), (REFERRAL, 2)]
    assert lines[1].leakage == Ratio(2, 6)


async def test_weeks_and_departments_stand_apart(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    mine, other = await a_clinic(settings), await a_clinic(settings, name="外乡卫生院")
    for on in (MONDAY, MONDAY + timedelta(days=6), MONDAY + timedelta(days=7)):
        await a_schedule(settings, mine, on=on, capacity=2)
    await a_schedule(settings, other, on=MONDAY, capacity=5)
    reader = a_staff(settings, "institution_admin", mine.organization)
    lines = await report.pools_by_week(
        reader, from_on=MONDAY + timedelta(days=2), to_on=MONDAY + timedelta(days=8)
    )
    assert [(line.week_on, line.offered) for line in lines] == [
        (MONDAY + timedelta(days=7), 2), (MONDAY, 4),
    ]  # fmt: skip
    assert lines[0].utilisation.percent == 0.0
    assert Ratio(0, 0).percent is None
    with pytest.raises(Malformed):
        await report.pools_by_week(
            reader, from_on=MONDAY, to_on=MONDAY + timedelta(weeks=report.WEEKS_MOST)
        )


async def test_whoever_reads_no_reports_there_gets_404(
    hospital: Clinic, settings: Settings
) -> None:
    elsewhere = await a_clinic(settings, name="外乡卫生院")
    admin = a_staff(settings, "institution_admin", elsewhere.organization)
    doctor = a_staff(settings, "doctor", hospital.organization)
    for outsider in (admin, doctor):
        with pytest.raises(NotFound):
            await report.pools_by_week(
                outsider, from_on=DAY, to_on=DAY, organization_id=hospital.organization.id
            )
    with pytest.raises(NotFound):
        await report.pools_by_week(doctor, from_on=DAY, to_on=DAY)
    assert await report.pools_by_week(admin, from_on=DAY, to_on=DAY) == []
