"""Places up and down: never under what is booked, whoever comes at the same time."""

import asyncio
import random

import pytest

from backend.booking import appointments
from backend.booking.errors import SlotFull
from backend.booking.models import Appointment, Slot
from backend.errors import Malformed, NotFound
from backend.roster import capacity
from backend.roster.errors import CapacityBelowBooked, ScheduleOver
from tests.clinics import a_desk, a_schedule
from tests.people import a_person, a_receipt
from tests.roster.conftest import Ward, after, audited


async def test_a_schedule_gets_more_places_in_every_slot(ward: Ward) -> None:
    slots = await a_schedule(ward.settings, ward.clinic, capacity=2, slots=3)
    changed = await capacity.change(
        ward.admin, a_desk(), schedule_id=slots[0].schedule_id, capacity=5, reason="流感高峰"
    )
    assert set(changed) == {slot.id for slot in slots}
    assert {slot.capacity for slot in await Slot.all()} == {5}
    told = await audited("capacity.changed", slots[0].schedule_id)
    assert told["reason"] == "流感高峰"
    assert told["before"] == {str(slot.id): 2 for slot in slots}
    assert told["after"] == {str(slot.id): 5 for slot in slots}


async def test_never_under_what_is_booked(ward: Ward) -> None:
    first, second = await a_schedule(ward.settings, ward.clinic, capacity=4, slots=2)
    await ward.book(second, places=3)
    with pytest.raises(CapacityBelowBooked) as refused:
        await capacity.change(
            ward.admin, a_desk(), schedule_id=first.schedule_id, capacity=2, reason="减号"
        )
    assert refused.value.extra["booked"] == 3
    assert "停诊" in refused.value.detail
    assert {slot.capacity for slot in await Slot.all()} == {4}  # all or nothing
    await capacity.change(ward.admin, a_desk(), slot_id=second.id, capacity=3, reason="减号")
    assert (await Slot.get(id=second.id)).capacity == 3


async def test_a_reason_and_a_right_are_needed(ward: Ward) -> None:
    [slot] = await a_schedule(ward.settings, ward.clinic)
    with pytest.raises(Malformed):
        await capacity.change(ward.admin, a_desk(), slot_id=slot.id, capacity=2, reason=" ")
    with pytest.raises(NotFound):
        await capacity.change(ward.outsider, a_desk(), slot_id=slot.id, capacity=2, reason="加号")


async def test_what_is_over_stays(ward: Ward) -> None:
    [slot] = await a_schedule(ward.settings, ward.clinic, on=after(0))  # 09:00, it is noon
    with pytest.raises(ScheduleOver):
        await capacity.change(ward.admin, a_desk(), slot_id=slot.id, capacity=2, reason="加号")


async def test_fewer_places_against_twenty_bookings(ward: Ward) -> None:
    """However the rivals come, nobody is booked beyond the places there are."""
    [slot] = await a_schedule(ward.settings, ward.clinic, capacity=20)
    desk = a_desk()
    people = [await a_person(ward.settings) for _ in range(20)]

    async def book(number: int) -> None:
        person = people[number]
        await appointments.book(
            person.actor, desk, slot_id=slot.id, patient_id=person.patient_id, confirm=True,
            receipt=a_receipt(person.actor),
        )  # fmt: skip

    async def lower(places: int) -> None:
        await capacity.change(ward.admin, desk, slot_id=slot.id, capacity=places, reason="减号")

    rivals = [*(book(number) for number in range(20)), *(lower(n) for n in (15, 10, 5, 2))]
    random.Random(4).shuffle(rivals)
    results = await asyncio.gather(*rivals, return_exceptions=True)
    odd = [r for r in results if r is not None and not isinstance(r, SlotFull | CapacityBelowBooked)
           and isinstance(r, BaseException)]  # fmt: skip
    assert not odd
    there = await Slot.get(id=slot.id)
    booked = await Appointment.filter(slot_id=slot.id, status="booked").count()
    assert there.booked == booked <= there.capacity
