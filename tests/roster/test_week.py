"""The week: lines, days, places; the same queries for ten rows and for two hundred."""

from uuid import uuid4

import pytest

from backend.booking.models import ScheduleException, Slot
from backend.errors import NotFound
from backend.roster import week
from tests.clinics import a_schedule
from tests.roster.conftest import MONDAY, Ward, after, fill
from tests.statements import statements


async def test_a_line_per_doctor_and_a_cell_per_day(ward: Ward) -> None:
    slot, _ = await a_schedule(ward.settings, ward.clinic, capacity=3, slots=2, on=after(2))
    await ward.book(slot, places=2)
    await Slot.create(
        id=uuid4(), consortium_id=ward.settings.consortium_id, schedule_id=slot.schedule_id,
        pool="referral", starts_at=slot.starts_at, ends_at=slot.ends_at, capacity=1,
    )  # fmt: skip
    await a_schedule(ward.settings, ward.clinic, on=after(7))  # next week
    seen = await week.of(ward.admin, ward.clinic.organization.id, monday=after(3))
    assert (seen.monday, seen.of_lines, seen.pages) == (MONDAY, 1, 1)
    [line] = seen.lines
    assert line.name == "李建国"
    [shift] = line.days[2]
    assert not any(line.days[n] for n in (0, 1, 3, 4, 5, 6))
    assert shift.one_off
    assert (shift.booked, shift.capacity) == (2, 7)
    assert {(one.pool, one.booked, one.capacity) for one in shift.places} == {
        ("public", 2, 6), ("referral", 0, 1),
    }  # fmt: skip


async def test_holidays_and_exceptions_are_named(ward: Ward) -> None:
    await ScheduleException.create(
        id=uuid4(), consortium_id=ward.settings.consortium_id, code="x", held_on=after(39),
        organization=ward.clinic.organization, action="closed", reason="元旦放假",
    )  # fmt: skip
    seen = await week.of(ward.admin, ward.clinic.organization.id, monday=after(35))
    friday = seen.days[4]  # 2027-01-01
    assert (friday.is_off, friday.holiday) == (True, "元旦")
    [told] = friday.exceptions
    assert (told.action, told.who, told.reason) == ("closed", "全院", "元旦放假")


async def test_departments_and_doctors_narrow_it(ward: Ward) -> None:
    await a_schedule(ward.settings, ward.clinic, on=after(2))
    here = ward.clinic.organization.id
    for wanted, lines in (
        ({"department_id": ward.clinic.department.id}, 1),
        ({"practitioner_id": ward.clinic.practitioner.id}, 1),
        ({"practitioner_id": uuid4()}, 0),
    ):
        assert len((await week.of(ward.admin, here, monday=MONDAY, **wanted)).lines) == lines  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await week.of(ward.admin, here, monday=MONDAY, department_id=uuid4())
    with pytest.raises(NotFound):
        await week.of(ward.admin, here, monday=MONDAY, page=2)


async def test_who_may_not_read_finds_nothing(ward: Ward) -> None:
    with pytest.raises(NotFound):
        await week.of(ward.outsider, ward.clinic.organization.id, monday=MONDAY)


async def test_as_many_queries_for_two_hundred_rows_as_for_ten(ward: Ward) -> None:
    here, counts = ward.clinic.organization.id, []
    for doctors in (10, 190):
        await fill(ward, doctors)
        with statements() as asked:
            seen = await week.of(ward.admin, here, monday=MONDAY)
        counts.append(len(asked))
    assert (seen.of_lines, seen.pages, len(seen.lines)) == (200, 17, 12)
    assert counts == [3, 3]
