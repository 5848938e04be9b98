"""The day in figures: of one's institutions only, and in one query."""

from datetime import timedelta

import pytest

from backend import clock
from backend.booking import tally
from backend.booking.models import Schedule, Slot
from backend.booking.tally import Tally
from backend.errors import NotFound
from backend.identity.access import Actor, Grant
from backend.settings import Settings
from backend.staff.rights import RIGHTS
from tests.clinics import Clinic, a_clinic, a_schedule
from tests.people import a_person, a_staff
from tests.statements import statements


async def a_day(settings: Settings) -> tuple[Clinic, Clinic]:
    """Two institutions: six places of which two are taken; four, of a schedule that is stopped."""
    here, there = await a_clinic(settings), await a_clinic(settings)
    slots = await a_schedule(settings, here, on=clock.today(), capacity=3, slots=2)
    await Slot.filter(id=slots[0].id).update(booked=2)
    await a_schedule(settings, here, on=clock.today() + timedelta(days=1), capacity=9)
    (stopped,) = await a_schedule(settings, there, on=clock.today(), capacity=4)
    await Schedule.filter(id=stopped.schedule_id).update(status="suspended")
    return here, there


async def test_of_ones_own_institutions(settings: Settings, db: None, noon: clock.Hands) -> None:
    here, there = await a_day(settings)
    today = clock.today()
    admin = a_staff(settings, "institution_admin", here.organization)
    assert await tally.of_day(admin, today) == Tally(1, 0, 6, 2)
    other = a_staff(settings, "auditor", there.organization)
    assert await tally.of_day(other, today) == Tally(0, 1, 0, 0)
    everywhere = a_staff(settings, "consortium_admin")
    assert await tally.of_day(everywhere, today) == Tally(1, 1, 6, 2)
    with statements() as queries:
        await tally.of_day(everywhere, today)
    assert len(queries) == 1


async def test_of_a_doctor(settings: Settings, db: None, noon: clock.Hands) -> None:
    here, there = await a_day(settings)
    grant = Grant("doctor", frozenset({here.organization.id}), RIGHTS["doctor"])
    county = settings.consortium_id
    doctor = Actor(county, "staff", grants=(grant,), practitioner_id=here.practitioner.id)
    assert await tally.of_day(doctor, clock.today(), own=True) == Tally(1, 0, 6, 2)
    colleague = Actor(county, "staff", grants=(grant,), practitioner_id=there.practitioner.id)
    assert await tally.of_day(colleague, clock.today(), own=True) == Tally(0, 1, 0, 0)


async def test_outsiders_learn_nothing(settings: Settings, db: None, noon: clock.Hands) -> None:
    await a_day(settings)
    resident = (await a_person(settings)).actor
    for outsider in (resident, Actor(settings.consortium_id, "staff")):
        with pytest.raises(NotFound):
            await tally.of_day(outsider, clock.today())
    with pytest.raises(NotFound):
        await tally.of_day(a_staff(settings, "auditor"), clock.today(), own=True)
