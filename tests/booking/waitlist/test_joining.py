"""Joining the line: what is accepted, for whom, how often, and where one stands."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from backend import clock
from backend.booking.waitlist import entries
from backend.booking.waitlist.choices import Nearby
from backend.booking.waitlist.errors import (
    DaysOutOfRange,
    NothingToWaitFor,
    StillFree,
    TooManyWaits,
    WaitsAlready,
)
from backend.booking.waitlist.models import WaitlistChoice, WaitlistEntry
from backend.consortium import directory
from backend.consortium.models import Department, Organization
from backend.errors import NotFound
from backend.settings import Settings
from tests.booking.test_appointments import book
from tests.clinics import Clinic, a_clinic, a_desk, a_schedule
from tests.people import a_person, an_account
from tests.waits import join

RIVALS = 24


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def _placed(clinic: Clinic, *, tier: str, north_km: float) -> None:
    await Organization.filter(id=clinic.organization.id).update(
        tier=tier, latitude=30.1 + north_km / 111.2
    )
    directory.forget()


async def test_nearby_means_the_same_specialty_within_reach(db: None, settings: Settings) -> None:
    here, near, far, county, other = [await a_clinic(settings) for _ in range(5)]
    await _placed(near, tier="township", north_km=5)
    await _placed(far, tier="township", north_km=40)
    await _placed(county, tier="county", north_km=3)
    await Department.filter(id=other.department.id).update(name="口腔科")
    directory.forget()
    wait = await join(
        await a_person(settings), here, nearby=Nearby(within_km=20, tiers=("township", "village"))
    )
    assert [one.department.id for one in wait.accepted] == [here.department.id, near.department.id]


async def test_a_doctor_is_waited_for_wherever_they_work(db: None, settings: Settings) -> None:
    clinic = await a_clinic(settings)
    wait = await join(
        await a_person(settings), clinic, department_id=None,
        practitioner_id=clinic.practitioner.id,
    )  # fmt: skip
    (choice,) = await WaitlistChoice.filter(entry_id=wait.id)
    assert choice.practitioner_id == clinic.practitioner.id
    assert [one.doctor.id for one in wait.accepted if one.doctor] == [clinic.practitioner.id]


async def test_what_is_not_there_can_not_be_waited_for(db: None, settings: Settings) -> None:
    clinic, person = await a_clinic(settings), await a_person(settings)
    with pytest.raises(NotFound):
        await join(person, clinic, department_id=uuid4())
    with pytest.raises(NothingToWaitFor):
        await join(person, clinic, department_id=None)
    today = clock.today()
    for from_on, to_on in ((-1, 3), (3, 2), (0, 22)):
        with pytest.raises(DaysOutOfRange):
            await join(
                person,
                clinic,
                from_on=today + timedelta(days=from_on),
                to_on=today + timedelta(days=to_on),
            )
    await join(person, clinic, to_on=today + timedelta(days=21))  # 14 ahead, and 7 beyond


async def test_a_stranger_waits_for_nobody_elses_patient(db: None, settings: Settings) -> None:
    clinic, person = await a_clinic(settings), await a_person(settings)
    outsider = await a_person(settings)
    with pytest.raises(NotFound):
        await join(outsider, clinic, person.patient_id)
    wait = await join(person, clinic)
    with pytest.raises(NotFound):
        await entries.show(outsider.actor, a_desk(), wait.id)
    nobody = await entries.list_of(
        await an_account(settings), a_desk(), living=False, after=None, most=9
    )
    assert nobody == []


async def test_what_is_still_free_is_booked_and_not_waited_for(
    db: None, settings: Settings
) -> None:
    clinic = await a_clinic(settings)
    slot = (await a_schedule(settings, clinic))[0]
    person = await a_person(settings)
    with pytest.raises(StillFree) as refused:
        await join(person, clinic)
    assert refused.value.extra["schedule_id"] == slot.schedule_id
    await join(person, clinic, periods=("pm",))
    await book(await a_person(settings), slot)
    await join(await a_person(settings), clinic)


async def test_nobody_waits_twice_for_the_same(db: None, settings: Settings) -> None:
    clinic, person = await a_clinic(settings), await a_person(settings)
    today = clock.today()
    await join(person, clinic, to_on=today + timedelta(days=3))
    with pytest.raises(WaitsAlready):
        await join(
            person, clinic, practitioner_id=clinic.practitioner.id,
            from_on=today + timedelta(days=3),
        )  # fmt: skip
    await join(person, clinic, from_on=today + timedelta(days=4))


async def test_three_waits_at_a_time_however_often_they_tap(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    clinics = [await a_clinic(settings) for _ in range(6)]
    results = await asyncio.gather(
        *(join(person, clinics[number % 6]) for number in range(RIVALS)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(one, TooManyWaits | WaitsAlready) for one in refused)
    rows = await WaitlistEntry.filter(patient_id=person.patient_id)
    assert len(rows) == len(results) - len(refused) == 3


async def test_a_position_counts_who_wants_the_same_and_no_others(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic, elsewhere = await a_clinic(settings), await a_clinic(settings)
    today = clock.today()
    await join(await a_person(settings), clinic, practitioner_id=clinic.practitioner.id)
    await join(await a_person(settings), elsewhere)
    await join(await a_person(settings), clinic, to_on=today)
    await join(await a_person(settings), clinic, kind="expert")
    person = await a_person(settings)
    noon.move(timedelta(minutes=1))
    wait = await join(person, clinic, from_on=today + timedelta(days=1), kind="general")
    assert wait.ahead == 1
    noon.move(timedelta(minutes=1))
    await join(await a_person(settings), clinic)
    shown = await entries.show(person.actor, a_desk(), wait.id)
    assert shown.ahead == 1


async def test_who_has_booked_besides_is_told_so_and_stays_in_line(
    db: None, settings: Settings
) -> None:
    clinic, person = await a_clinic(settings), await a_person(settings)
    wait = await join(person, clinic)
    ticket = await book(person, (await a_schedule(settings, clinic))[0])
    (shown,) = await entries.list_of(person.actor, a_desk(), living=True, after=None, most=9)
    assert (shown.state, shown.booked_id) == ("waiting", ticket.id)
    assert shown.id == wait.id
