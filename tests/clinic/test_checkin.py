"""签到 both ways, its window, what codes refuse, and a line without gaps under a race."""

import asyncio
from datetime import timedelta

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.booking.models import Appointment, AppointmentEvent
from backend.clinic import checkin, codes, queue
from backend.clinic.errors import (
    AlreadyCheckedIn,
    CheckinClosed,
    CheckinNotOpen,
    CodeRefused,
)
from backend.clinic.models import QueueEntry
from backend.errors import NotFound
from backend.hub import Hub
from backend.receipts import Replayed
from backend.settings import Settings
from tests.clinic.day import HALF, Day, a_day, as_doctor, suspended
from tests.clinics import a_clinic, a_desk
from tests.people import Person, a_person, a_receipt, a_staff, vault_of

RIVALS = 20


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon, when the schedule begins."""


async def scan(
    day: Day, hub: Hub, person: Person, row: Appointment, code: str | None = None, key: str = ""
) -> QueueEntry:
    vault = vault_of(day.settings)
    return await checkin.by_qr(
        person.actor, a_desk(), hub, vault, row.id,
        code=codes.of_place(vault, day.schedule_id) if code is None else code,
        receipt=a_receipt(person.actor, key=key or None),
    )  # fmt: skip


async def test_a_scan_puts_one_into_the_line_and_leaves_its_rows(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    person, row = await day.booked(slot=1)
    entry = await scan(day, hub, person, row)
    assert (entry.number, entry.state, entry.late) == (1, "waiting", False)
    assert entry.turn == day.slots[1].starts_at
    assert (await Appointment.get(id=row.id)).status == "checked_in"
    event = await AppointmentEvent.get(appointment_id=row.id)
    assert (event.action, event.from_status, event.to_status) == (
        "check_in", "booked", "checked_in",
    )  # fmt: skip
    assert (
        await AuditEvent.filter(action="line.check_in", patient_id=person.patient_id).count() == 1
    )


async def test_the_code_of_the_institution_or_the_department_will_do(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    for place in (day.clinic.organization.id, day.clinic.department.id):
        person, row = await day.booked()
        assert await scan(day, hub, person, row, codes.of_place(vault_of(settings), place))


async def test_codes_that_are_refused(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day, other = await a_day(settings), await a_day(settings)
    person, row = await day.booked()
    vault = vault_of(settings)
    good = codes.of_place(vault, day.schedule_id)
    head, about, made, signature = good.split(".")
    for bad in (
        "", "x", "a.b.c.d", good[:-1] + ("0" if good[-1] != "0" else "1"),
        f"{head}.{about}.{int(made) + 1}.{signature}",
        f"{head}.{other.schedule_id.hex}.{made}.{signature}",
        codes.of_place(vault, other.schedule_id), codes.of_place(vault, other.clinic.department.id),
        codes.of_appointment(vault, row.id), codes.of_appointment(vault, day.schedule_id),
        f"{head}.{about}.{'9' * 400}.{signature}", "码.码.1.码",
    ):  # fmt: skip
        with pytest.raises(CodeRefused):
            await scan(day, hub, person, row, bad)
    noon.move(timedelta(seconds=61))
    with pytest.raises(CodeRefused):  # a photograph of the screen, sent home
        await scan(day, hub, person, row, good)
    assert (await Appointment.get(id=row.id)).status == "booked"
    assert await QueueEntry.all().count() == 0


async def test_a_code_lives_for_a_minute_and_not_before_it_is_made(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day = await a_day(settings)
    person, row = await day.booked()
    good = codes.of_place(vault_of(settings), day.schedule_id)
    noon.move(timedelta(seconds=-6))
    with pytest.raises(CodeRefused):
        await scan(day, hub, person, row, good)
    noon.move(timedelta(seconds=66))
    assert await scan(day, hub, person, row, good)


async def test_a_repeated_scan_is_the_first_one(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings)
    person, row = await day.booked()
    await scan(day, hub, person, row, key="once-and-again")
    with pytest.raises(Replayed):
        await scan(day, hub, person, row, key="once-and-again")
    with pytest.raises(AlreadyCheckedIn) as refused:
        await scan(day, hub, person, row)
    assert refused.value.extra == {"number": 1}


async def test_the_window(db: None, settings: Settings, hub: Hub, noon: clock.Hands) -> None:
    day = await a_day(settings, slots=4)
    _, row = await day.booked(slot=3)  # 13:30
    noon.move(timedelta(minutes=29))
    with pytest.raises(CheckinNotOpen) as refused:
        await checkin.at_desk(day.desk, hub, row.id)
    assert refused.value.extra["opens_at"] == day.slots[3].starts_at - timedelta(hours=1)
    noon.move(timedelta(minutes=1))
    assert await checkin.at_desk(day.desk, hub, row.id)
    _, late = await day.booked()
    noon.set(day.slots[3].ends_at)
    with pytest.raises(CheckinClosed):
        await checkin.at_desk(day.desk, hub, late.id)


async def test_whoever_is_late_stands_behind_the_slot_in_progress(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day = await a_day(settings)
    rows = [(await day.booked(slot=slot))[1] for slot in (0, 1, 2)]
    noon.move(HALF + timedelta(minutes=5))
    first = await checkin.at_desk(day.desk, hub, rows[0].id)  # came at 12:35 for 12:00
    for row in rows[1:]:
        await checkin.at_desk(day.desk, hub, row.id)
    assert first.late
    line = await queue.of_schedule(day.desk, day.schedule_id)
    assert [one.appointment_id for one in line.waiting] == [rows[1].id, rows[0].id, rows[2].id]


async def test_the_desk_reads_the_residents_code_or_types_the_number(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day = await a_day(settings)
    vault = vault_of(settings)
    here = day.clinic.organization.id
    (_, one), (_, two), (_, three) = [await day.booked() for _ in range(3)]
    assert await checkin.by_code(day.desk, hub, vault, here, codes.of_appointment(vault, one.id))
    number = codes.number_of(vault, two.id)
    assert await checkin.by_code(day.desk, hub, vault, here, f"{number[:4]} {number[4:]}")
    old = codes.of_appointment(vault, three.id)
    noon.move(timedelta(seconds=301))
    for bad in (old, "00000000", "1234", codes.of_place(vault, day.schedule_id)):
        with pytest.raises(CodeRefused):
            await checkin.by_code(day.desk, hub, vault, here, bad)
    elsewhere = await a_day(settings)
    _, foreign = await elsewhere.booked()
    with pytest.raises(CodeRefused):
        await checkin.by_code(day.desk, hub, vault, here, codes.of_appointment(vault, foreign.id))


async def test_nobody_joins_a_stopped_schedule(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings)
    _, row = await day.booked()
    await suspended(day)
    with pytest.raises(CheckinClosed):
        await checkin.at_desk(day.desk, hub, row.id)


async def test_twenty_at_once_get_twenty_numbers(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings)
    rows = [(await day.booked())[1] for _ in range(RIVALS)]
    entries = await asyncio.gather(*(checkin.at_desk(day.desk, hub, row.id) for row in rows))
    assert sorted(entry.number for entry in entries) == list(range(1, RIVALS + 1))


async def test_one_who_is_checked_in_twenty_times_stands_there_once(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    _, row = await day.booked()
    results = await asyncio.gather(
        *(checkin.at_desk(day.desk, hub, row.id) for _ in range(RIVALS)), return_exceptions=True
    )
    assert sum(isinstance(result, AlreadyCheckedIn) for result in results) == RIVALS - 1
    assert await QueueEntry.all().count() == 1
    assert await AppointmentEvent.filter(action="check_in").count() == 1


async def test_outsiders_find_nothing(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings)
    person, row = await day.booked()
    stranger = await a_person(settings, "赵强")
    elsewhere = await a_clinic(settings)
    with pytest.raises(NotFound):
        await scan(day, hub, stranger, row)
    for who in (
        person.actor,
        day.doctor,  # calls, and has no desk
        a_staff(settings, "auditor"),
        a_staff(settings, "institution_admin", elsewhere.organization),
        as_doctor(settings, elsewhere.practitioner.id, elsewhere.organization),
    ):
        with pytest.raises(NotFound):
            await checkin.at_desk(who, hub, row.id)
        with pytest.raises(NotFound):
            await checkin.by_code(
                who, hub, vault_of(settings), day.clinic.organization.id, "12345678"
            )
