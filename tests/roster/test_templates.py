"""Templates: a new version from a date on; what is booked stays."""

import asyncio
from uuid import uuid4

import pytest

from backend.booking import appointments
from backend.booking.errors import BookingClosed
from backend.booking.models import Appointment, Schedule, ScheduleTemplate, Slot
from backend.booking.schedules import publish
from backend.errors import Malformed, NotFound
from backend.roster import templates
from backend.roster.errors import NotOnDuty, ScheduleClash, TemplateChanged
from tests.clinics import a_desk
from tests.people import a_person, a_receipt
from tests.roster.conftest import Ward, after, audited


async def _wednesdays(template: ScheduleTemplate) -> list[Schedule]:
    return await Schedule.filter(template_id=template.id).order_by("held_on")


async def test_a_new_template_is_published_at_once(ward: Ward) -> None:
    row = await templates.add(
        ward.admin, department_id=ward.clinic.department.id, plan=ward.weekly(), reason="新增门诊"
    )
    assert [one.held_on for one in await _wednesdays(row)] == [after(2), after(9)]
    told = await audited("template.added", row.id)
    assert told["reason"] == "新增门诊"
    assert told["after"]["capacity"] == 2


async def test_a_change_replaces_what_nobody_booked(ward: Ward) -> None:
    old = await ward.template()
    await publish(ward.settings.consortium_id)
    booked, free = await _wednesdays(old)
    slot = await Slot.filter(schedule_id=booked.id).first()
    assert slot is not None
    await ward.book(slot)

    seen = await templates.preview(ward.admin, old.id, after(1))
    touched = await templates.change(
        ward.admin, old.id, effective_on=after(1), plan=ward.weekly(capacity=5), reason="加号"
    )
    for told in (seen, touched):
        assert [row.id for row in told.replaced] == [free.id]
        assert [(row.id, count) for row, count in told.kept] == [(booked.id, 1)]

    new = await ScheduleTemplate.get(code__startswith="staff:")
    assert (new.from_on, new.capacity) == (after(1), 5)
    assert (await ScheduleTemplate.get(id=old.id)).to_on == after(0)
    # The half-day with a booking is not published twice; the other one is the new version's.
    rows = await Schedule.all().order_by("held_on")
    assert [(row.held_on, row.template_id) for row in rows] == [
        (after(2), old.id), (after(9), new.id),
    ]  # fmt: skip
    entry = await audited("template.changed", old.id)
    assert (entry["before"]["capacity"], entry["after"]["capacity"]) == (2, 5)
    assert (entry["reason"], entry["kept"], entry["replaced"]) == ("加号", 1, 1)


async def test_history_of_what_was_left_stays(ward: Ward) -> None:
    """Whoever booked and cancelled still finds where that was."""
    old = await ward.template()
    await publish(ward.settings.consortium_id)
    first, _ = await _wednesdays(old)
    slot = await Slot.filter(schedule_id=first.id).first()
    assert slot is not None
    await ward.book(slot, status="cancelled")
    await templates.change(
        ward.admin, old.id, effective_on=after(1), plan=ward.weekly(capacity=5), reason="加号"
    )
    assert (await Schedule.get(id=first.id)).status == "replaced"
    assert not await Slot.filter(schedule_id=first.id, open=True).exists()
    assert await Schedule.filter(held_on=first.held_on, status="open").count() == 1


async def test_a_template_ends(ward: Ward) -> None:
    old = await ward.template()
    await publish(ward.settings.consortium_id)
    touched = await templates.end(ward.admin, old.id, last_on=after(5), reason="调离")
    assert len(touched.replaced) == 1
    assert [row.held_on for row in await _wednesdays(old)] == [after(2)]
    assert (await audited("template.ended", old.id))["after"] == {"to_on": str(after(5))}


async def test_what_cannot_be(ward: Ward) -> None:
    old = await ward.template()
    where = {"department_id": ward.clinic.department.id, "reason": "试"}
    for plan, field in (
        (ward.weekly(ends="07:00"), "ends"),
        (ward.weekly(slot_minutes=40), "slot_minutes"),
        (ward.weekly(capacity=0), "capacity"),
        (ward.weekly(kind="expert", practitioner_id=None), "practitioner_id"),
    ):
        with pytest.raises(Malformed) as wrong:
            await templates.add(ward.admin, plan=plan, **where)
        assert wrong.value.extra["field"] == field
    with pytest.raises(ScheduleClash):  # the same 号别 twice
        await templates.add(ward.admin, plan=ward.weekly(), **where)
    with pytest.raises(NotOnDuty):
        await templates.add(ward.admin, plan=ward.weekly(practitioner_id=uuid4()), **where)
    with pytest.raises(Malformed):  # not today
        await templates.end(ward.admin, old.id, last_on=after(-1), reason="试")
    with pytest.raises(NotFound):
        await templates.change(
            ward.outsider, old.id, effective_on=after(1), plan=ward.weekly(), reason="试"
        )
    with pytest.raises(NotFound):
        await templates.add(ward.outsider, plan=ward.weekly(5), **where)


async def test_of_many_who_change_it_one_does(ward: Ward) -> None:
    old = await ward.template()
    results = await asyncio.gather(
        *(
            templates.change(
                ward.admin, old.id, effective_on=after(1), plan=ward.weekly(capacity=n), reason="改"
            )
            for n in range(3, 23)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, templates.Touched) for one in results) == 1
    assert sum(isinstance(one, TemplateChanged | NotFound) for one in results) == 19
    assert await ScheduleTemplate.filter(code__startswith="staff:").count() == 1


async def test_a_change_against_twenty_bookings(ward: Ward) -> None:
    """Whoever got a place keeps it: their schedule stays. Nobody books into one that went."""
    old = await ward.template(capacity=20, ends="08:30")
    await publish(ward.settings.consortium_id)
    first, _ = await _wednesdays(old)
    slot = await Slot.get(schedule_id=first.id)
    desk, people = a_desk(), [await a_person(ward.settings) for _ in range(20)]

    async def book(number: int) -> None:
        await appointments.book(
            people[number].actor, desk, slot_id=slot.id, patient_id=people[number].patient_id,
            confirm=True, receipt=a_receipt(people[number].actor),
        )  # fmt: skip

    plan = ward.weekly(capacity=5, ends="08:30")
    changing = templates.change(ward.admin, old.id, effective_on=after(1), plan=plan, reason="改")
    results = await asyncio.gather(
        *map(book, range(10)), changing, *map(book, range(10, 20)), return_exceptions=True
    )
    touched = next(one for one in results if isinstance(one, templates.Touched))
    refused = [one for one in results if isinstance(one, BaseException)]
    # Shut, or gone with its schedule by the time it was looked for.
    assert {type(one) for one in refused} <= {BookingClosed, NotFound}, refused
    booked = await Appointment.filter(slot_id=slot.id, status="booked").count()
    assert booked == 20 - len(refused)
    if booked:
        assert [row.id for row, _ in touched.kept] == [first.id]
        assert (await Slot.get(id=slot.id)).booked == booked
