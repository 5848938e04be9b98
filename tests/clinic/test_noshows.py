"""爽约 and the end of the day: each once, never of a stopped schedule, never of who was there."""

import asyncio
from datetime import time, timedelta

import pytest

from backend import clock
from backend.booking.models import Appointment, AppointmentEvent, Restriction
from backend.clinic import calling, checkin, noshows
from backend.clinic.errors import CheckinClosed
from backend.clinic.models import QueueEntry
from backend.hub import Hub
from backend.settings import Settings
from tests.clinic.day import Day, a_day, appointment_of, suspended
from tests.clinics import a_schedule

RIVALS = 20


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here begins at the stopped noon, when the schedule begins."""


async def mark(day: Day) -> int:
    return await noshows.mark(day.settings.consortium_id)


async def status_of(row: Appointment) -> str:
    return (await Appointment.get(id=row.id)).status


async def test_who_never_came_is_marked_once_after_the_end(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day = await a_day(settings, slots=2)
    _, missing = await day.booked()
    there = await day.waiting(hub)
    assert await mark(day) == 0
    noon.set(day.slots[1].ends_at)
    assert await asyncio.gather(*(mark(day) for _ in range(3))) in ([1, 0, 0], [0, 1, 0], [0, 0, 1])
    assert await mark(day) == 0
    assert await status_of(missing) == "no_show"
    event = await AppointmentEvent.get(appointment_id=missing.id)
    assert (event.action, event.actor_kind, event.to_status) == ("no_show", "system", "no_show")
    assert (await Appointment.get(id=there.appointment_id)).status == "checked_in"
    with pytest.raises(CheckinClosed):
        await checkin.at_desk(day.desk, hub, missing.id)


async def test_a_stopped_schedule_yields_none(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    day = await a_day(settings)
    _, row = await day.booked()
    await suspended(day)
    noon.move(timedelta(hours=6))
    assert await mark(day) == 0
    assert await status_of(row) == "booked"


async def test_the_third_one_restricts(db: None, settings: Settings, noon: clock.Hands) -> None:
    day = await a_day(settings)
    person, _ = await day.booked()
    for days in (1, 2):
        later = clock.today() + timedelta(days=days)
        slots = await a_schedule(settings, day.clinic, on=later, starts=time(9))
        await appointment_of(person, slots[0])
    noon.move(timedelta(days=1, hours=12))
    assert await mark(day) == 2
    assert not await Restriction.all().exists()
    noon.move(timedelta(days=1))
    assert await mark(day) == 1
    found = await Restriction.get(patient_id=person.patient_id)
    assert (found.kind, found.cause) == ("expert", "no_shows")


async def test_check_in_and_the_job_at_once_one_of_them_wins(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day = await a_day(settings, slots=1)
    rows = [(await day.booked())[1] for _ in range(RIVALS)]
    end = day.slots[0].ends_at
    noon.set(end - timedelta(seconds=1))

    async def come(row: Appointment) -> None:
        await checkin.at_desk(day.desk, hub, row.id)

    async def end_it() -> int:
        noon.set(end)
        return await mark(day)

    results = await asyncio.gather(*map(come, rows), end_it(), return_exceptions=True)
    came = sum(result is None for result in results)
    assert await QueueEntry.all().count() == came
    assert await Appointment.filter(status="checked_in").count() == came
    assert await mark(day) + int(results[-1]) == RIVALS - came  # type: ignore[arg-type]


async def test_the_day_is_closed_at_half_past_eleven_with_the_reason(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day = await a_day(settings)
    seen = await day.called(hub)
    await calling.admit(day.doctor, hub, seen.id)
    forgotten = await day.waiting(hub)
    noon.set(clock.at(clock.today(), time(23, 29)))
    assert await noshows.close(settings.consortium_id) == 0
    noon.move(timedelta(minutes=1))
    assert await noshows.close(settings.consortium_id) == 2
    assert await noshows.close(settings.consortium_id) == 0
    states = {(await QueueEntry.get(id=one.id)).state for one in (seen, forgotten)}
    assert states == {"done", "left"}
    event = await AppointmentEvent.get(appointment_id=forgotten.appointment_id, action="close")
    assert (event.to_status, event.reason) == ("fulfilled", noshows.UNSEEN)


async def test_what_a_missed_night_left_is_closed_the_next_day(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day = await a_day(settings)
    await day.waiting(hub)
    noon.move(timedelta(days=1))
    await (await a_day(settings)).waiting(hub)
    assert await noshows.close(settings.consortium_id) == 1
