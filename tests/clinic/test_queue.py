"""One's own place in the line, the line as staff see it, and day lists at a fixed price."""

from datetime import timedelta
from uuid import UUID

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.booking.models import Appointment
from backend.clinic import calling, checkin, daylist, queue
from backend.errors import NotFound
from backend.hub import Hub
from backend.identity.access import Actor
from backend.settings import Settings
from tests.clinic.day import Day, a_day, as_doctor
from tests.clinics import a_clinic, a_desk, a_schedule
from tests.people import Person, a_person, a_staff
from tests.statements import statements

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon, when the schedule begins."""


async def place(person: Person, row: Appointment) -> queue.Spot:
    return await queue.place_of(person.actor, a_desk(), row.id)


async def test_from_expected_to_over(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings, capacity=3)
    ahead = await day.waiting(hub)
    person, row = await day.booked()
    before = await place(person, row)
    assert (before.state, before.number, before.least_min) == ("expected", None, None)
    assert before.opens_at == day.slots[0].starts_at - timedelta(hours=1)
    await checkin.at_desk(day.desk, hub, row.id)
    spot = await place(person, row)
    assert (spot.state, spot.number, spot.ahead) == ("waiting", 2, 1)
    assert (spot.least_min, spot.most_min) == (5, 25), "ten minutes each are planned"
    await calling.next(day.doctor, hub, day.schedule_id, room="3 诊室")
    assert (await place(person, row)).ahead == 1, "whoever is with the doctor is ahead still"
    await calling.finish(day.doctor, hub, ahead.id)
    assert (await place(person, row)).ahead == 0
    mine = await calling.next(day.doctor, hub, day.schedule_id, room="3 诊室")
    called = await place(person, row)
    assert (called.state, called.room, called.calls) == ("called", "3 诊室", 1)
    await calling.skip(day.doctor, hub, mine.id)
    assert (await place(person, row)).state == "skipped"
    await calling.leave(day.desk, hub, mine.id)
    assert (await place(person, row)).state == "left"


async def test_the_wait_follows_the_doctors_pace(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day = await a_day(settings, capacity=3)
    for _ in range(3):
        entry = await day.called(hub)
        noon.move(4 * MINUTE)
        await calling.finish(day.doctor, hub, entry.id)
    for _ in range(4):
        await day.waiting(hub)
    person, row = await day.booked()
    await checkin.at_desk(day.desk, hub, row.id)
    spot = await place(person, row)
    assert (spot.ahead, spot.least_min, spot.most_min) == (4, 10, 25)


async def test_a_place_is_private(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings)
    _, row = await day.booked()
    stranger = await a_person(settings, "赵强")
    for who in (stranger.actor, day.desk, day.doctor):
        with pytest.raises(NotFound):
            await queue.place_of(who, a_desk(), row.id)


async def test_staff_see_everybody_by_what_is_to_be_done(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    called = await day.called(hub)
    waiting = await day.waiting(hub, name="李大牛")
    _, expected = await day.booked(name="赵强")
    line = await queue.of_schedule(day.doctor, day.schedule_id)
    assert [one.entry_id for one in line.called] == [called.id]
    assert [(one.entry_id, one.name) for one in line.waiting] == [(waiting.id, "李大牛")]
    assert [one.appointment_id for one in line.expected] == [expected.id]
    assert (line.header.department, line.header.practitioner) == ("全科医疗科", "李建国")
    read = await AuditEvent.filter(action="line.read", actor_id=day.doctor.id).count()
    assert read == 3, "each patient can find out who read it"


async def test_the_screen_shows_no_whole_name_and_nobody_who_is_not_there(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    await day.waiting(hub, name="王桂兰")
    await day.booked(name="赵强")
    screen = await queue.screen(day.doctor, day.schedule_id)
    assert [one.name for one in screen.waiting] == ["王*兰"]
    assert screen.expected == []
    assert not await AuditEvent.filter(action="line.read").exists()


async def test_day_lists_are_of_ones_own_and_are_audited(
    db: None, settings: Settings, hub: Hub
) -> None:
    day, other = await a_day(settings), await a_day(settings)
    await day.waiting(hub)
    await day.booked()
    await other.booked()
    today = clock.today()
    mine = await daylist.of(day.doctor, today, practitioner_id=day.clinic.practitioner.id)
    assert [len(sheet.rows) for sheet in mine] == [2]
    assert await daylist.of(day.doctor, today, practitioner_id=other.clinic.practitioner.id) == []
    assert await daylist.of(day.desk, today, department_id=other.clinic.department.id) == []
    assert [one.header.id for one in await daylist.schedules_of(day.desk, today)] == [
        day.schedule_id
    ]
    both = await daylist.schedules_of(a_staff(settings, "consortium_admin"), today)
    assert sorted((one.expected, one.waiting) for one in both) == [(1, 0), (1, 1)]
    assert await daylist.schedules_of(day.desk, today + timedelta(days=1)) == []
    assert await AuditEvent.filter(action="daylist.read", actor_id=day.doctor.id).count() == 2
    for who in ((await a_person(settings)).actor, a_staff(settings, "auditor")):
        with pytest.raises(NotFound):
            await daylist.of(who, today)
        with pytest.raises(NotFound):
            await daylist.schedules_of(who, today)


async def _asked(actor: Actor, day: Day) -> int:
    """How many statements a day list and a line take."""
    with statements() as asked:
        await daylist.of(actor, clock.today())
        await daylist.schedules_of(actor, clock.today())
        await queue.of_schedule(actor, day.schedule_id)
    return len([sql for sql in asked if not sql.lstrip().startswith(("BEGIN", "COMMIT"))])


async def test_the_number_of_queries_does_not_grow(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings)
    await day.waiting(hub)
    few = await _asked(day.desk, day)
    for _ in range(6):
        await day.waiting(hub)
        await day.booked()
        await a_schedule(settings, day.clinic, on=clock.today())
    assert await _asked(day.desk, day) == few > 0


async def test_a_doctor_without_schedules_sees_an_empty_day(db: None, settings: Settings) -> None:
    clinic = await a_clinic(settings)
    new = as_doctor(settings, UUID(str(clinic.practitioner.id)), clinic.organization)
    assert await daylist.schedules_of(new, clock.today()) == []
