"""叫号: two who call at once never get the same patient; every deed is guarded by its state."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from backend import clock
from backend.booking.models import Appointment, AppointmentEvent, Schedule
from backend.clinic import calling, live, queue
from backend.clinic.errors import LineMoved, NobodyWaiting
from backend.clinic.models import QueueEntry
from backend.clinic.policy import STATES, sources
from backend.errors import NotFound
from backend.hub import Hub
from backend.settings import Settings
from tests.clinic.day import a_day, as_doctor
from tests.clinics import a_clinic
from tests.people import a_person, a_staff

RIVALS = 20
DEEDS: dict[str, Callable[..., Awaitable[QueueEntry]]] = {
    "recall": calling.recall, "admit": calling.admit, "skip": calling.skip,
    "finish": calling.finish, "return": calling.return_to_line, "leave": calling.leave,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon, when the schedule begins."""


async def status_of(entry: QueueEntry) -> str:
    return (await Appointment.get(id=entry.appointment_id)).status


async def test_the_line_is_called_in_its_order(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings)
    second = await day.waiting(hub, slot=1)
    first = await day.waiting(hub, slot=0)
    third = await day.waiting(hub, slot=1)
    called = [await calling.next(day.doctor, hub, day.schedule_id, room="3 诊室") for _ in range(3)]
    assert [one.id for one in called] == [first.id, second.id, third.id]
    assert (called[0].state, called[0].room, called[0].calls) == ("called", "3 诊室", 1)
    assert await status_of(first) == "called"
    with pytest.raises(NobodyWaiting):
        await calling.next(day.doctor, hub, day.schedule_id, room="")


async def test_twenty_doctors_who_call_at_once_get_twenty_patients(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    for _ in range(RIVALS - 4):
        await day.waiting(hub)
    results = await asyncio.gather(
        *(calling.next(day.doctor, hub, day.schedule_id, room=str(n)) for n in range(RIVALS)),
        return_exceptions=True,
    )
    called = [result for result in results if isinstance(result, QueueEntry)]
    assert len({entry.id for entry in called}) == len(called) == RIVALS - 4
    assert sum(isinstance(result, NobodyWaiting) for result in results) == 4
    assert await AppointmentEvent.filter(action="call").count() == RIVALS - 4


async def test_a_visit_from_call_to_finish(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day = await a_day(settings)
    entry = await day.called(hub)
    assert (await calling.recall(day.doctor, hub, entry.id)).calls == 2
    noon.move(timedelta(minutes=1))
    assert (await calling.admit(day.doctor, hub, entry.id)).seen_at == clock.now()
    noon.move(timedelta(minutes=9))
    done = await calling.finish(day.doctor, hub, entry.id)
    assert (done.state, done.ended_at) == ("done", clock.now())
    assert await status_of(entry) == "fulfilled"
    events = await AppointmentEvent.filter(appointment_id=entry.appointment_id).order_by("id")
    assert [event.action for event in events] == ["check_in", "call", "recall", "admit", "finish"]


async def test_whoever_was_passed_over_comes_back_behind_the_slot_in_progress(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day = await a_day(settings)
    missed = await day.called(hub)
    await calling.skip(day.doctor, hub, missed.id)
    assert await status_of(missed) == "checked_in"
    with_it = await day.waiting(hub, slot=1)
    later = await day.waiting(hub, slot=2)
    noon.move(timedelta(minutes=40))
    await calling.return_to_line(day.desk, hub, missed.id)
    line = await queue.of_schedule(day.doctor, day.schedule_id)
    assert [one.entry_id for one in line.waiting] == [with_it.id, missed.id, later.id]


async def test_a_deed_in_the_wrong_state_is_refused_and_changes_nothing(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    entry = await day.waiting(hub)
    for state in STATES:
        for deed, verb in DEEDS.items():
            if state in sources(deed):
                continue
            await QueueEntry.filter(id=entry.id).update(state=state)
            with pytest.raises(LineMoved) as refused:
                await verb(day.doctor, hub, entry.id)
            assert refused.value.extra == {"state": state}
    assert await AppointmentEvent.filter(appointment_id=entry.appointment_id).count() == 1


async def test_a_deed_leads_where_the_table_says(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings)
    entry = await day.waiting(hub)
    for deed, verb in DEEDS.items():
        for state in sources(deed):
            await QueueEntry.filter(id=entry.id).update(state=state)
            assert (await verb(day.doctor, hub, entry.id)).state == STATES[state].exits[deed]


async def test_of_twenty_who_finish_one_does(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings)
    entry = await day.called(hub)
    results = await asyncio.gather(
        *(calling.finish(day.doctor, hub, entry.id) for _ in range(RIVALS)), return_exceptions=True
    )
    assert sum(isinstance(result, LineMoved) for result in results) == RIVALS - 1
    assert await AppointmentEvent.filter(action="finish").count() == 1


async def test_watchers_are_woken_after_each_deed(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings)
    async with hub.listening(live.channel(day.schedule_id)) as listener:
        entry = await day.called(hub)
        assert [await listener.next(5), await listener.next(5)] == [b"moved", b"moved"]
        await calling.finish(day.doctor, hub, entry.id)
        assert await listener.next(5) == b"moved"


async def test_a_doctor_has_to_do_with_their_own_schedules(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    entry = await day.called(hub)
    await day.waiting(hub)
    colleague = await a_clinic(settings)
    person = await a_person(settings)
    for who in (
        person.actor,
        as_doctor(settings, colleague.practitioner.id, day.clinic.organization),
        as_doctor(settings, uuid4()),
        a_staff(settings, "doctor", day.clinic.organization),  # who is no doctor we know
        a_staff(settings, "auditor"),
        a_staff(settings, "institution_admin", colleague.organization),
    ):
        with pytest.raises(NotFound):
            await calling.next(who, hub, day.schedule_id, room="")
        with pytest.raises(NotFound):
            await queue.of_schedule(who, day.schedule_id)
        with pytest.raises(NotFound):
            await queue.screen(who, day.schedule_id)
        for verb in DEEDS.values():
            with pytest.raises(NotFound):
                await verb(who, hub, entry.id)
            with pytest.raises(NotFound):
                await verb(day.doctor, hub, uuid4())


async def test_an_own_schedule_elsewhere_and_one_of_the_department_are_the_doctors_too(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    await day.waiting(hub)
    elsewhere = await a_clinic(settings)
    visiting = as_doctor(settings, day.clinic.practitioner.id, elsewhere.organization)
    assert await queue.of_schedule(visiting, day.schedule_id)
    await Schedule.filter(id=day.schedule_id).update(practitioner_id=None)
    assert await calling.next(day.doctor, hub, day.schedule_id, room="")
    stranger = as_doctor(settings, elsewhere.practitioner.id, day.clinic.organization)
    with pytest.raises(NotFound):
        await queue.of_schedule(stranger, day.schedule_id)
