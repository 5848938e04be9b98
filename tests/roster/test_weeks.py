"""A week copied: what fits, once."""

from datetime import date
from uuid import uuid4

import pytest

from backend.booking.models import Schedule, ScheduleException, Slot
from backend.errors import Malformed, NotFound
from backend.roster import weeks
from tests.clinics import a_schedule
from tests.roster.conftest import MONDAY, Ward, after, audited

NEW_YEARS_WEEK = date(2026, 12, 28)


async def test_a_week_is_copied_once(ward: Ward) -> None:
    [slot] = await a_schedule(ward.settings, ward.clinic, on=after(2), capacity=3)
    await ward.book(slot)
    wanted = {"department_id": ward.clinic.department.id, "from_monday": MONDAY,
              "to_monday": after(7)}  # fmt: skip
    seen = await weeks.preview(ward.admin, **wanted)
    assert len(seen.made) == 1
    assert await Schedule.all().count() == 1
    first = await weeks.copy(ward.admin, **wanted, reason="沿用")
    assert len(first.made) == 1
    copied = await Slot.get(schedule__held_on=after(9))
    assert (copied.capacity, copied.booked) == (3, 0)
    again = await weeks.copy(ward.admin, **wanted, reason="沿用")
    assert not again.made
    assert [why for _, why in again.skipped] == ["已有同样的班次"]


async def test_what_does_not_fit_is_told(ward: Ward) -> None:
    for number in (2, 3, 4):
        await a_schedule(ward.settings, ward.clinic, on=after(number))
    await ScheduleException.create(
        id=uuid4(), consortium_id=ward.settings.consortium_id, code="x",
        held_on=date(2026, 12, 30), organization=ward.clinic.organization, action="closed",
    )  # fmt: skip
    await ward.template(weekday=4, starts="09:00", ends="09:30")
    told = await weeks.copy(
        ward.admin, department_id=ward.clinic.department.id, from_monday=MONDAY,
        to_monday=NEW_YEARS_WEEK, reason="沿用",
    )  # fmt: skip
    assert not told.made
    assert [why for _, why in told.skipped] == [
        "当天另有不出诊的例外", "到时会按模板放号", "法定节假日（元旦）",
    ]  # fmt: skip
    assert (await audited("week.copied"))["skipped"] == 3


async def test_what_can_not_be_copied(ward: Ward) -> None:
    dept = ward.clinic.department.id
    for to_monday in (MONDAY, after(8), after(-14)):
        with pytest.raises(Malformed):
            await weeks.copy(
                ward.admin, department_id=dept, from_monday=MONDAY, to_monday=to_monday, reason="试"
            )
    with pytest.raises(NotFound):
        await weeks.copy(
            ward.outsider, department_id=dept, from_monday=MONDAY, to_monday=after(7), reason="试"
        )
