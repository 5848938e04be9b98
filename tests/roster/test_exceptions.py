"""One day that differs, and one day more."""

from typing import Any

import pytest

from backend.booking.models import Schedule, ScheduleException, Slot
from backend.booking.schedules import publish
from backend.errors import Malformed, NotFound
from backend.roster import exceptions, schedules
from backend.roster.errors import CapacityBelowBooked, NeedsSuspension, NotOnDuty, ScheduleClash
from tests.clinics import a_clinic, a_desk
from tests.roster.conftest import Ward, after, audited, hours


def _facts(ward: Ward, **changes: Any) -> dict[str, Any]:
    return {
        "department_id": ward.clinic.department.id, "practitioner_id": None, "held_on": after(2),
        "period": None, "action": "closed", "capacity": None, "reason": "外出学习",
    } | changes  # fmt: skip


async def _published(ward: Ward) -> Slot:
    await ward.template()
    await publish(ward.settings.consortium_id)
    slot = await Slot.filter(schedule__held_on=after(2)).first()
    assert slot is not None
    return slot


async def test_a_closed_day_is_shut_at_once_and_opens_again(ward: Ward) -> None:
    await _published(ward)
    row = await exceptions.add(ward.admin, a_desk(), **_facts(ward))
    day = Schedule.filter(held_on=after(2))
    assert [one.status for one in await day] == ["suspended"]
    assert not await Slot.filter(schedule__held_on=after(2), open=True).exists()
    assert (await audited("exception.added", row.id))["after"]["action"] == "closed"
    await exceptions.remove(ward.admin, row.id, reason="不去了")
    assert [one.status for one in await day] == ["open"]
    assert (await audited("exception.removed", row.id))["reason"] == "不去了"


async def test_who_has_booked_needs_a_suspension(ward: Ward) -> None:
    await ward.book(await _published(ward))
    with pytest.raises(NeedsSuspension) as refused:
        await exceptions.add(ward.admin, a_desk(), **_facts(ward))
    assert refused.value.extra["booked"] == 1
    assert not await ScheduleException.exists()
    assert not await Slot.filter(open=False).exists()


async def test_other_places_hold_for_what_is_published(ward: Ward) -> None:
    slot = await _published(ward)
    await exceptions.add(ward.admin, a_desk(), **_facts(ward, action="capacity", capacity=6))
    assert {s.capacity for s in await Slot.filter(schedule__held_on=after(2))} == {6}
    assert {s.capacity for s in await Slot.filter(schedule__held_on=after(9))} == {2}
    await ward.book(await Slot.get(id=slot.id), places=3)
    with pytest.raises(CapacityBelowBooked):
        await exceptions.add(ward.admin, a_desk(), **_facts(ward, action="capacity", capacity=1))


async def test_what_an_exception_may_not_be(ward: Ward) -> None:
    for changes in (
        {"action": "nap"}, {"action": "capacity"}, {"capacity": 3}, {"held_on": after(-1)},
        {"reason": ""}, {"period": "noon"},
    ):  # fmt: skip
        with pytest.raises(Malformed):
            await exceptions.add(ward.admin, a_desk(), **_facts(ward, **changes))
    row = await exceptions.add(ward.admin, a_desk(), **_facts(ward))
    with pytest.raises(NotFound):
        await exceptions.add(ward.outsider, a_desk(), **_facts(ward))
    with pytest.raises(NotFound):
        await exceptions.remove(ward.outsider, row.id, reason="不是我的")


def _one(ward: Ward, **changes: Any) -> dict[str, Any]:
    return {
        "department_id": ward.clinic.department.id,
        "practitioner_id": ward.clinic.practitioner.id,
        "held_on": after(4),
        "plan": hours(),
        "reason": "加班门诊",
    } | changes


async def test_a_schedule_on_one_day(ward: Ward) -> None:
    row = await schedules.add(ward.admin, **_one(ward))
    assert await Slot.filter(schedule_id=row.id).count() == 3
    assert (await audited("schedule.added", row.id))["reason"] == "加班门诊"
    with pytest.raises(ScheduleClash):  # the same once more
        await schedules.add(ward.admin, **_one(ward))
    await schedules.add(ward.admin, **_one(ward, practitioner_id=None))
    with pytest.raises(ScheduleClash):
        await schedules.add(ward.admin, **_one(ward, practitioner_id=None))


async def test_what_one_day_may_not_be(ward: Ward) -> None:
    elsewhere = await a_clinic(ward.settings, name="白水镇卫生院")
    with pytest.raises(NotOnDuty):
        await schedules.add(ward.admin, **_one(ward, practitioner_id=elsewhere.practitioner.id))
    with pytest.raises(Malformed):
        await schedules.add(ward.admin, **_one(ward, held_on=after(-1)))
    with pytest.raises(NotFound):
        await schedules.add(ward.outsider, **_one(ward))


async def test_a_template_of_later_weeks_clashes_too(ward: Ward) -> None:
    await ward.template()
    far = after(2 + 7 * 8)  # not published yet
    with pytest.raises(ScheduleClash):
        await schedules.add(ward.admin, **_one(ward, held_on=far))
