"""Taking a suspension back: everybody is where they were, but for those who went on meanwhile."""

import asyncio
from datetime import timedelta
from unittest.mock import patch
from uuid import uuid4

import pytest

from backend import clock
from backend.booking import appointments
from backend.booking.errors import HoldExpired, NotPossibleNow
from backend.booking.models import Appointment, AppointmentEvent, Schedule, ScheduleException, Slot
from backend.booking.tickets import Ticket
from backend.errors import NotFound
from backend.settings import Settings
from backend.suspension import suspensions, undoing
from backend.suspension.chosen import Chosen
from backend.suspension.errors import TooLateToUndo
from backend.suspension.models import Suspension, SuspensionCase
from tests.clinics import a_desk, a_schedule, booked_in
from tests.people import Person, a_receipt, a_staff
from tests.suspension.clinics import Stop, a_stop
from tests.waits import join, offer_of, state_of

RIVALS = 20


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def accept(person: Person, offer: Appointment) -> Ticket:
    return await appointments.confirm(
        person.actor, a_desk(), offer.id, receipt=a_receipt(person.actor)
    )


async def everything_adds_up() -> None:
    """Each slot counts as many places as living appointments stand in it."""
    for slot in await Slot.all():
        living = Appointment.filter(slot_id=slot.id).exclude(status="cancelled")
        assert await living.count() == slot.booked


async def test_everybody_gets_their_place_back(db: None, settings: Settings) -> None:
    stop = await a_stop(settings, capacity=2)
    tickets = [await stop.book(stop.slots[0]) for _ in range(2)]
    suspension_id = await stop.suspend()
    assert await undoing.undo(stop.admin, suspension_id) == 2
    for ticket in tickets:
        row = await Appointment.get(id=ticket.id)
        assert (row.status, row.cancelled_by, row.reason) == ("booked", None, "")
        assert (await stop.case_of(ticket)).outcome == "undone"
        assert (await stop.offer_of(ticket)).status == "cancelled"
        event = await AppointmentEvent.get(appointment_id=row.id, action="restore")
        assert (event.actor_kind, event.to_status) == ("staff", "booked")
    assert await booked_in(stop.next_day[0].id) == 0
    assert (await Schedule.get(id=stop.schedule_id)).status == "open"
    assert (await Slot.get(id=stop.slots[0].id)).open
    assert (await Suspension.get(id=suspension_id)).state == "undone"
    await everything_adds_up()
    assert await undoing.undo(stop.admin, suspension_id) == 0


async def test_whoever_accepted_or_booked_again_stays_so(db: None, settings: Settings) -> None:
    stop = await a_stop(settings, capacity=3)
    on = clock.today() + timedelta(days=6)
    (later,) = await a_schedule(settings, stop.clinic, on=on)
    people = [await stop.person() for _ in range(3)]
    tickets = [await stop.book(stop.slots[0], person) for person in people]
    suspension_id = await stop.suspend()
    await accept(people[0], await stop.offer_of(tickets[0]))
    await stop.book(later, people[1])
    assert await undoing.undo(stop.admin, suspension_id) == 1
    states = [(await Appointment.get(id=ticket.id)).status for ticket in tickets]
    assert states == ["cancelled", "cancelled", "booked"]
    # What is offered to whoever stays is not taken from them.
    offers = [(await stop.offer_of(ticket)).status for ticket in tickets]
    assert offers == ["booked", "pending", "cancelled"]
    assert await SuspensionCase.exclude(outcome="undone").count() == 2
    await everything_adds_up()


async def test_after_ten_minutes_it_is_too_late(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    stop = await a_stop(settings)
    suspension_id = await stop.suspend()
    noon.move(timedelta(minutes=10))
    with pytest.raises(TooLateToUndo):
        await undoing.undo(stop.admin, suspension_id)
    assert (await Suspension.get(id=suspension_id)).state == "active"


async def test_outsiders_find_nothing_to_undo(db: None, settings: Settings) -> None:
    stop, other = await a_stop(settings), await a_stop(settings)
    suspension_id = await stop.suspend()
    for actor in (other.admin, a_staff(settings, "auditor"), (await stop.person()).actor):
        with pytest.raises(NotFound):
            await undoing.undo(actor, suspension_id)
    with pytest.raises(NotFound):
        await undoing.undo(stop.admin, uuid4())


async def test_a_place_that_is_gone_is_not_given_back(db: None, settings: Settings) -> None:
    stop = await a_stop(settings, capacity=2)
    tickets = [await stop.book(stop.slots[0]) for _ in range(2)]
    suspension_id = await stop.suspend()
    await Slot.filter(id=stop.slots[0].id).update(capacity=1)
    assert await undoing.undo(stop.admin, suspension_id) == 1
    assert (await Appointment.get(id=tickets[1].id)).status == "cancelled"
    assert (await stop.offer_of(tickets[1])).status == "pending"
    await everything_adds_up()


async def test_what_somebody_else_stops_too_stays_shut(db: None, settings: Settings) -> None:
    stop = await a_stop(settings)
    ticket = await stop.book(stop.slots[0])
    first, second = await stop.suspend(), await stop.suspend()
    assert await undoing.undo(stop.admin, first) == 0
    assert (await Schedule.get(id=stop.schedule_id)).status == "stopped"
    assert (await stop.offer_of(ticket)).status == "pending"
    await undoing.undo(stop.admin, second)
    assert (await Schedule.get(id=stop.schedule_id)).status == "open"


async def test_what_an_exception_closes_by_now_stays_shut(db: None, settings: Settings) -> None:
    stop = await a_stop(settings)
    suspension_id = await stop.suspend()
    await ScheduleException.create(
        id=uuid4(), consortium_id=settings.consortium_id, code="shut",
        organization=stop.clinic.organization, held_on=clock.today() + timedelta(days=2),
        action="closed",
    )  # fmt: skip
    await undoing.undo(stop.admin, suspension_id)
    assert (await Schedule.get(id=stop.schedule_id)).status == "suspended"
    assert not (await Slot.get(id=stop.slots[0].id)).open


async def test_an_undoing_that_was_cut_short_is_finished(db: None, settings: Settings) -> None:
    stop = await a_stop(settings, capacity=3)
    tickets = [await stop.book(stop.slots[0]) for _ in range(3)]
    suspension_id = await stop.suspend()
    real, done = undoing._restore, 0

    async def falls_over(*given: object) -> int:
        nonlocal done
        if done == 1:
            raise ConnectionResetError
        done += 1
        return await real(*given)  # type: ignore[arg-type]

    with patch.object(undoing, "_restore", falls_over), pytest.raises(ConnectionResetError):
        await undoing.undo(stop.admin, suspension_id)
    assert not (await Slot.get(id=stop.slots[0].id)).open  # nobody else sits down meanwhile
    assert await undoing.resume(settings.consortium_id) == 2
    assert {(await Appointment.get(id=ticket.id)).status for ticket in tickets} == {"booked"}
    assert (await Schedule.get(id=stop.schedule_id)).status == "open"
    await everything_adds_up()


async def test_undoing_and_accepting_at_once(db: None, settings: Settings) -> None:
    """Each has one place afterwards: the old one, or the one that was accepted."""
    stop = await a_stop(settings, capacity=RIVALS)
    people = [await stop.person() for _ in range(RIVALS)]
    tickets = [await stop.book(stop.slots[0], person) for person in people]
    suspension_id = await stop.suspend()
    offers = [await stop.offer_of(ticket) for ticket in tickets]
    results = await asyncio.gather(
        *(accept(who, offer) for who, offer in zip(people, offers, strict=True)),
        undoing.undo(stop.admin, suspension_id),
        return_exceptions=True,
    )
    accepted = sum(isinstance(result, Ticket) for result in results)
    refused = sum(isinstance(result, NotPossibleNow | HoldExpired) for result in results)
    assert (accepted + refused, results[-1]) == (RIVALS, refused), results
    for person in people:
        assert await Appointment.filter(patient_id=person.patient_id, status="booked").count() == 1
    await everything_adds_up()


async def test_undoing_while_it_is_being_done(db: None, settings: Settings) -> None:
    """Whatever had ended by then is restored, and nothing ends afterwards."""
    stop: Stop = await a_stop(settings, capacity=RIVALS)
    for _ in range(RIVALS):
        await stop.book(stop.slots[0])
    key = uuid4()
    (suspension_id,) = await suspensions.begin(
        stop.admin, key, Chosen(schedule_ids=(stop.schedule_id,)), reason="x"
    )

    async def later() -> None:
        for _ in range(1000):
            if await SuspensionCase.all().exists():
                break
        await undoing.undo(stop.admin, suspension_id)

    await asyncio.gather(suspensions.carry_on(suspension_id), later())
    assert await Appointment.filter(slot_id=stop.slots[0].id, status="booked").count() == RIVALS
    assert (await Schedule.get(id=stop.schedule_id)).status == "open"
    await everything_adds_up()


async def test_free_places_of_a_reopened_day_go_to_the_line_first(
    db: None, settings: Settings
) -> None:
    stop = await a_stop(settings)
    holder, waiting = await stop.person(), await stop.person()
    ticket = await stop.book(stop.slots[0], holder)
    day = clock.today() + timedelta(days=2)
    wait = await join(waiting, stop.clinic, from_on=day, to_on=day)
    suspension_id = await stop.suspend()
    assert await state_of(wait) == "waiting"  # nothing is free in a day that is shut
    await accept(holder, await stop.offer_of(ticket))
    await undoing.undo(stop.admin, suspension_id)
    assert (await offer_of(waiting, stop.slots[0])).status == "pending"
    await everything_adds_up()


async def test_an_offer_from_the_line_goes_back_into_it(db: None, settings: Settings) -> None:
    stop = await a_stop(settings)
    holder, waiting = await stop.person(), await stop.person()
    ticket = await stop.book(stop.slots[0], holder)
    day = clock.today() + timedelta(days=2)
    wait = await join(waiting, stop.clinic, from_on=day, to_on=day)
    await appointments.cancel(
        holder.actor, a_desk(), ticket.id, reason="", receipt=a_receipt(holder.actor)
    )
    assert await state_of(wait) == "offered"
    await stop.suspend()
    assert await state_of(wait) == "waiting"
    assert not await SuspensionCase.all().exists()
    await everything_adds_up()
