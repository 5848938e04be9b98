"""停诊 in one action: nobody is dropped, nothing counts against anybody, whatever comes between."""

import asyncio
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from uuid import uuid4

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.booking import appointments, schedules, standing
from backend.booking.errors import BookingClosed, NotPossibleNow
from backend.booking.models import Appointment, AppointmentEvent, Restriction, Schedule, Slot
from backend.booking.tickets import Ticket
from backend.errors import NotFound
from backend.settings import Settings
from backend.suspension import previews, suspensions
from backend.suspension.chosen import Chosen
from backend.suspension.errors import NothingToStop
from backend.suspension.models import SuspendedSchedule, Suspension, SuspensionCase
from tests.clinics import a_desk, a_schedule, booked_in
from tests.people import a_receipt, a_staff
from tests.suspension.clinics import REASON, Stop, a_stop

RIVALS = 24


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def no_visit_is_left(stop: Stop) -> None:
    """What must hold whenever a suspension is done."""
    slot_ids = [slot.id for slot in stop.slots]
    assert not await Appointment.filter(slot_id__in=slot_ids, status__in=("booked", "pending"))
    assert not await Slot.filter(id__in=slot_ids, open=True).exists()
    assert sum([await booked_in(id) for id in slot_ids]) == 0
    stopped = await Appointment.filter(slot_id__in=slot_ids, cancelled_by="provider")
    assert not any(row.late_cancel or row.counted_cancel for row in stopped)


async def test_everybody_is_told_of_another_place_that_is_held(
    db: None, settings: Settings
) -> None:
    stop = await a_stop(settings, capacity=2)
    first, second = await stop.book(stop.slots[0]), await stop.book(stop.slots[0])
    suspension_id = await stop.suspend()
    await no_visit_is_left(stop)
    assert (await Schedule.get(id=stop.schedule_id)).status == "stopped"
    for ticket in (first, second):
        row = await Appointment.get(id=ticket.id)
        assert (row.status, row.cancelled_by, row.reason) == ("cancelled", "provider", REASON)
        event = await AppointmentEvent.get(appointment_id=row.id, action="stop")
        assert (event.actor_kind, event.actor_id, event.reason) == ("staff", stop.admin.id, REASON)
        assert (await stop.case_of(ticket)).outcome == "offered"
        offer = await stop.offer_of(ticket)
        assert (offer.status, offer.origin) == ("pending", "suspension")
        assert offer.slot_id == stop.next_day[0].id
        assert offer.held_until == datetime(2026, 11, 24, 12, tzinfo=UTC)  # 20:00 in China
    assert await booked_in(stop.next_day[0].id) == 2
    assert await AuditEvent.filter(action="appointment.stopped").count() == 2
    assert await AuditEvent.filter(action="suspension.begun", entity_id=suspension_id).exists()


async def test_where_nothing_can_be_held_the_case_stands_all_the_same(
    db: None, settings: Settings
) -> None:
    stop = await a_stop(settings, beside=0)
    ticket = await stop.book(stop.slots[0])
    await stop.suspend()
    case = await stop.case_of(ticket)
    assert (case.outcome, case.offer_id, case.reached_at) == ("none", None, None)


async def test_an_offer_keeps_the_limits_of_its_patient(db: None, settings: Settings) -> None:
    """One a department and day: whoever has that day already is offered another."""
    stop = await a_stop(settings)
    person = await stop.person()
    ticket = await stop.book(stop.slots[0], person)
    on = clock.today() + timedelta(days=3)
    (afternoon,) = await a_schedule(settings, stop.clinic, on=on, starts=schedules.time(14))
    await stop.book(afternoon, person)
    (free,) = await a_schedule(settings, stop.clinic, on=on + timedelta(days=3))
    await stop.suspend()
    assert (await stop.offer_of(ticket)).slot_id == free.id


async def test_a_hold_of_some_minutes_ends_without_a_case(db: None, settings: Settings) -> None:
    stop = await a_stop(settings)
    ticket = await stop.book(stop.slots[0], confirm=False)
    await stop.suspend()
    await no_visit_is_left(stop)
    assert (await Appointment.get(id=ticket.id)).cancelled_by == "provider"
    assert not await SuspensionCase.all().exists()
    assert await booked_in(stop.next_day[0].id) == 0


async def test_an_offer_that_is_stopped_as_well_is_made_again(db: None, settings: Settings) -> None:
    stop = await a_stop(settings)
    ticket = await stop.book(stop.slots[0])
    await stop.suspend()
    offer = await stop.offer_of(ticket)
    (later,) = await a_schedule(settings, stop.clinic, on=clock.today() + timedelta(days=5))
    await stop.suspend(offer.schedule_id)
    case = await SuspensionCase.get(appointment_id=offer.id)
    assert (await Appointment.get(id=case.offer_id)).slot_id == later.id


async def test_whoever_is_there_already_is_left_to_the_desk(db: None, settings: Settings) -> None:
    stop = await a_stop(settings)
    ticket = await stop.book(stop.slots[0])
    await Appointment.filter(id=ticket.id).update(status="checked_in")
    found = await previews.preview(stop.admin, Chosen(schedule_ids=(stop.schedule_id,)))
    assert [(half.booked, half.there) for half in found.schedules] == [(0, 1)]
    await stop.suspend()
    assert (await Appointment.get(id=ticket.id)).status == "checked_in"


async def test_a_preview_shows_it_and_changes_nothing(db: None, settings: Settings) -> None:
    stop = await a_stop(settings, capacity=3, beside=1)
    tickets = [await stop.book(stop.slots[0]) for _ in range(2)]
    found = await previews.preview(stop.admin, Chosen(schedule_ids=(stop.schedule_id,)))
    assert [half.booked for half in found.schedules] == [2]
    assert [one.appointment_id for one in found.touched] == [ticket.id for ticket in tickets]
    # One place is left, and it is shown to one only.
    assert [len(one.candidates) for one in found.touched] == [1, 0]
    assert found.touched[0].candidates[0].place.slot_id == stop.next_day[0].id
    assert (await Schedule.get(id=stop.schedule_id)).status == "open"
    assert await Appointment.filter(status="booked").count() == 2


async def test_a_doctors_days_are_stopped_where_one_has_the_right(
    db: None, settings: Settings
) -> None:
    stop, other = await a_stop(settings), await a_stop(settings)
    on = clock.today() + timedelta(days=2)
    await Schedule.filter(organization_id=other.clinic.organization.id).update(
        practitioner_id=stop.clinic.practitioner.id
    )
    days = Chosen(
        practitioner_id=stop.clinic.practitioner.id, from_on=on, to_on=on + timedelta(days=1)
    )
    (one,) = await suspensions.suspend(stop.admin, uuid4(), days, reason=REASON)
    assert await SuspendedSchedule.filter(suspension_id=one).count() == 2
    everywhere = a_staff(settings, "consortium_admin")
    both = await suspensions.suspend(everywhere, uuid4(), days, reason=REASON)
    assert len(both) == 2
    assert not await Schedule.exclude(status="stopped").exists()


async def test_outsiders_find_nothing(db: None, settings: Settings) -> None:
    stop = await a_stop(settings)
    other = await a_stop(settings)
    chosen = Chosen(schedule_ids=(stop.schedule_id,))
    for actor in (
        other.admin,
        a_staff(settings, "doctor", stop.clinic.organization),
        a_staff(settings, "auditor"),
        (await stop.person()).actor,
    ):
        with pytest.raises(NotFound):
            await previews.preview(actor, chosen)
        with pytest.raises(NotFound):
            await suspensions.suspend(actor, uuid4(), chosen, reason=REASON)
    both = Chosen(schedule_ids=(stop.schedule_id, other.schedule_id))
    with pytest.raises(NotFound):
        await suspensions.suspend(stop.admin, uuid4(), both, reason=REASON)
    assert not await Suspension.all().exists()


async def test_what_is_over_can_not_be_stopped(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    stop = await a_stop(settings)
    noon.move(timedelta(days=4))
    with pytest.raises(NothingToStop):
        await stop.suspend()


# --- races ----------------------------------------------------------------------------------------


async def test_a_booking_is_found_and_ended_or_never_happens(db: None, settings: Settings) -> None:
    stop = await a_stop(settings, capacity=RIVALS)
    rivals = [await stop.person() for _ in range(RIVALS)]

    async def late(number: int) -> Ticket:
        await asyncio.sleep(number % 6 / 1000)
        return await stop.book(stop.slots[0], rivals[number])

    results, _ = await asyncio.gather(
        asyncio.gather(*(late(number) for number in range(RIVALS)), return_exceptions=True),
        stop.suspend(),
    )
    booked = [result for result in results if isinstance(result, Ticket)]
    assert all(isinstance(result, Ticket | BookingClosed) for result in results), results
    await no_visit_is_left(stop)
    assert await SuspensionCase.all().count() == len(booked)
    assert await booked_in(stop.next_day[0].id) == len(booked)


async def test_whoever_confirms_cancels_or_moves_wins_or_is_found(
    db: None, settings: Settings
) -> None:
    stop = await a_stop(settings, capacity=RIVALS, beside=2 * RIVALS)
    (elsewhere,) = await a_schedule(
        settings, stop.clinic, on=clock.today() + timedelta(days=6), capacity=RIVALS
    )
    people = [await stop.person() for _ in range(RIVALS)]
    tickets = [
        await stop.book(stop.slots[0], who, confirm=bool(n % 3)) for n, who in enumerate(people)
    ]

    async def act(number: int) -> object:
        who, ticket = people[number], tickets[number]
        deed = {"actor": who.actor, "desk": a_desk(), "appointment_id": ticket.id}
        receipt = a_receipt(who.actor)
        if number % 3 == 0:
            return await appointments.confirm(**deed, receipt=receipt)
        if number % 3 == 1:
            return await appointments.cancel(**deed, reason="", receipt=receipt)
        return await appointments.reschedule(**deed, slot_id=elsewhere.id, receipt=receipt)

    results, _ = await asyncio.gather(
        asyncio.gather(*(act(number) for number in range(RIVALS)), return_exceptions=True),
        stop.suspend(),
    )
    assert all(isinstance(result, Ticket | NotPossibleNow) for result in results), results
    await no_visit_is_left(stop)
    for number, ticket in enumerate(tickets):
        row = await Appointment.get(id=ticket.id)
        case = await SuspensionCase.get_or_none(appointment_id=ticket.id)
        if number % 3:  # every visit that the provider ended has a case
            assert (case is not None) == (row.cancelled_by == "provider")
    living = await Appointment.filter(status__in=("booked", "pending")).count()
    assert living == sum([await booked_in(slot.id) for slot in (elsewhere, *stop.next_day)])


async def test_suspensions_of_the_same_schedule_do_no_harm(db: None, settings: Settings) -> None:
    stop = await a_stop(settings, capacity=6)
    for _ in range(6):
        await stop.book(stop.slots[0])
    key = uuid4()
    await asyncio.gather(*(stop.suspend(key=key if n % 2 else None) for n in range(8)))
    await no_visit_is_left(stop)
    assert await Suspension.all().count() == 5
    assert await SuspensionCase.all().count() == 6
    assert await booked_in(stop.next_day[0].id) == 6


async def test_the_same_action_sent_again_is_one(db: None, settings: Settings) -> None:
    stop, key = await a_stop(settings, capacity=2), uuid4()
    await stop.book(stop.slots[0])
    assert await stop.suspend(key=key) == await stop.suspend(key=key)
    assert await SuspensionCase.all().count() == await Suspension.all().count() == 1


# --- what was cut short, and what stands afterwards -----------------------------------------------


async def test_what_was_cut_short_is_finished_by_the_job(db: None, settings: Settings) -> None:
    stop = await a_stop(settings, capacity=5)
    tickets = [await stop.book(stop.slots[0]) for _ in range(5)]
    done = 0
    real = suspensions._end

    async def falls_over(*given: object) -> int:
        nonlocal done
        if done == 2:
            raise ConnectionResetError
        done += 1
        return await real(*given)  # type: ignore[arg-type]

    with patch.object(suspensions, "_end", falls_over), pytest.raises(ConnectionResetError):
        await stop.suspend()
    assert await SuspensionCase.all().count() == 2
    assert await suspensions.resume(settings.consortium_id) == 3
    await no_visit_is_left(stop)
    assert {(await stop.case_of(ticket)).outcome for ticket in tickets} == {"offered"}
    assert await suspensions.resume(settings.consortium_id) == 0


async def test_doors_that_were_not_shut_yet_are_shut_by_the_job(
    db: None, settings: Settings
) -> None:
    stop = await a_stop(settings)
    with (
        patch.object(schedules, "stop", side_effect=ConnectionResetError),
        pytest.raises(ConnectionResetError),
    ):
        await stop.suspend()
    await stop.book(stop.slots[0])
    assert await suspensions.resume(settings.consortium_id) == 1
    await no_visit_is_left(stop)


async def test_publishing_leaves_a_stopped_schedule_shut(db: None, settings: Settings) -> None:
    stop = await a_stop(settings)
    await stop.suspend()
    await schedules.publish(settings.consortium_id)
    await no_visit_is_left(stop)
    assert (await Schedule.get(id=stop.schedule_id)).status == "stopped"


async def test_being_stopped_never_counts_against_anybody(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """Not even an hour before, ten times over, and reviewed afterwards."""
    person = None
    for _ in range(10):
        stop = await a_stop(settings)
        person = person or await stop.person()
        ticket = await stop.book(stop.slots[0], person)
        noon.set(ticket.place.starts_at - timedelta(hours=1))
        await stop.suspend()
    assert person is not None
    await standing.review(settings.consortium_id, person.patient_id, ticket.policy)
    assert await standing.deeds(settings.consortium_id, person.patient_id) == []
    assert not await Restriction.all().exists()
