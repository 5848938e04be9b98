"""A returned place goes to the line and never past it, and everybody passed finds out why."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from backend import clock
from backend.booking import appointments, holds
from backend.booking.desk import Desk
from backend.booking.errors import HoldExpired, NotPossibleNow, SlotFull
from backend.booking.models import Appointment, Restriction, Slot
from backend.booking.tickets import Ticket
from backend.booking.waitlist import expiring, leaving, offering, proof
from backend.booking.waitlist.errors import WaitOver
from backend.booking.waitlist.models import WaitlistEntry
from backend.db import transaction
from backend.errors import NotFound, Problem
from backend.identity.access import Actor
from backend.identity.models import Carer
from backend.ids import new_id
from backend.notices import Notice
from backend.roster import capacity
from backend.settings import Settings
from tests.booking.test_appointments import book, cancel, move
from tests.clinics import Clinic, a_clinic, a_desk, a_schedule, booked_in
from tests.people import Person, a_person, a_receipt, an_account
from tests.waits import join, offer_of, state_of, told

RIVALS = 24


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def a_full_clinic(
    settings: Settings, *, tier: str = "township", **facts: Any
) -> tuple[Clinic, Slot, Person, Ticket]:
    """A slot with one place, and who has booked it."""
    clinic = await a_clinic(settings, tier=tier)
    slot = (await a_schedule(settings, clinic, **facts))[0]
    person = await a_person(settings)
    return clinic, slot, person, await book(person, slot)


async def confirm(person: Person, appointment_id: UUID) -> Ticket:
    return await appointments.confirm(
        person.actor, a_desk(), appointment_id, receipt=a_receipt(person.actor)
    )


async def decline(person: Person, appointment_id: UUID) -> Ticket:
    return await appointments.cancel(
        person.actor, a_desk(), appointment_id, reason="", receipt=a_receipt(person.actor)
    )


async def test_a_cancelled_place_is_offered_to_the_first_in_line(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    first, second = await a_person(settings), await a_person(settings)
    wait = await join(first, clinic)
    noon.move(timedelta(minutes=1))
    later = await join(second, clinic)
    assert (wait.ahead, later.ahead) == (0, 1)
    await cancel(booked, ticket)
    offer = await offer_of(first, slot)
    assert offer.held_until == clock.now() + timedelta(minutes=30)
    assert (await state_of(wait), await state_of(later)) == ("offered", "waiting")
    assert await booked_in(slot.id) == 1
    with pytest.raises(SlotFull):
        await book(await a_person(settings), slot)
    await confirm(first, offer.id)
    assert await state_of(wait) == "placed"
    assert await told(wait) == ["join", "offer", "accept"]


async def test_where_nobody_waits_the_place_is_for_everybody(db: None, settings: Settings) -> None:
    _, slot, booked, ticket = await a_full_clinic(settings)
    elsewhere = await a_clinic(settings)
    await a_schedule(settings, elsewhere, capacity=0)
    await join(await a_person(settings), elsewhere)
    await cancel(booked, ticket)
    await book(await a_person(settings), slot)


async def test_a_place_left_by_moving_is_offered(db: None, settings: Settings) -> None:
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    other = (await a_schedule(settings, await a_clinic(settings)))[0]
    person = await a_person(settings)
    await join(person, clinic)
    await move(booked, ticket, other)
    assert (await offer_of(person, slot)).status == "pending"


async def test_a_hold_that_runs_out_is_offered_even_when_the_public_asks_first(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic = await a_clinic(settings)
    slot = (await a_schedule(settings, clinic))[0]
    await book(await a_person(settings), slot, confirm=False)
    person = await a_person(settings)
    await join(person, clinic)
    noon.move(timedelta(minutes=11))
    with pytest.raises(SlotFull):
        await book(await a_person(settings), slot)
    assert (await offer_of(person, slot)).status == "pending"
    assert await booked_in(slot.id) == 1


async def test_more_places_are_offered_before_the_public_sees_them(
    db: None, settings: Settings
) -> None:
    clinic, slot, _, _ = await a_full_clinic(settings)
    people = [await a_person(settings) for _ in range(2)]
    for person in people:
        await join(person, clinic)
    staff = Actor.operator(settings.consortium_id)
    await capacity.change(staff, a_desk(), capacity=4, reason="加号", slot_id=slot.id)
    for person in people:
        await offer_of(person, slot)
    assert await booked_in(slot.id) == 3  # the fourth is for everybody


async def test_declined_it_goes_to_the_next_and_costs_nothing(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    first, second = await a_person(settings), await a_person(settings)
    wait = await join(first, clinic)
    noon.move(timedelta(minutes=1))
    await join(second, clinic)
    await cancel(booked, ticket)
    noon.move(timedelta(minutes=1))
    offer = await offer_of(first, slot)
    declined = await decline(first, offer.id)
    assert not declined.late_cancel
    assert not (await Appointment.get(id=offer.id)).counted_cancel
    assert await told(wait) == ["join", "offer", "decline", "pass refused"]
    assert await state_of(wait) == "waiting"
    await offer_of(second, slot)


async def test_a_missed_offer_goes_on_and_three_end_the_wait(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic = await a_clinic(settings)
    slots = await a_schedule(settings, clinic, slots=4)
    booked = [await a_person(settings) for _ in slots]
    tickets = [await book(who, slot) for who, slot in zip(booked, slots, strict=True)]
    person = await a_person(settings)
    wait = await join(person, clinic)
    for number in range(3):
        await cancel(booked[number], tickets[number])
        assert await state_of(wait) == "offered"
        noon.move(timedelta(minutes=31))
        await holds.expire(settings.consortium_id)
        noon.move(timedelta(minutes=1))
    assert await state_of(wait) == "expired"
    assert await told(wait) == [
        "join", "offer", "lapse", "pass refused", "offer", "lapse", "pass refused", "offer",
        "lapse", "expire missed",
    ]  # fmt: skip
    await cancel(booked[3], tickets[3])
    assert await booked_in(slots[3].id) == 0
    assert await Notice.filter(account_id=person.actor.id, kind="wait_missed").count() == 1


async def test_whom_it_does_not_fit_is_passed_with_the_reason(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """Barred, booked that day in the department, three times that day, cared for by nobody."""
    clinic, slot, booked, ticket = await a_full_clinic(settings, tier="county", kind="expert")
    day = clock.today() + timedelta(days=2)
    people = [await a_person(settings) for _ in range(5)]
    waits = []
    for person in people:
        waits.append(await join(person, clinic))
        noon.move(timedelta(seconds=10))
    await Restriction.create(
        id=new_id(), consortium_id=settings.consortium_id, patient_id=people[0].patient_id,
        kind="expert", cause="no_shows", policy_version="built-in@1", from_at=clock.now(),
        until_at=clock.now() + timedelta(days=9),
    )  # fmt: skip
    same_department = (await a_schedule(settings, clinic, on=day))[0]
    await book(people[1], same_department)
    for _ in range(3):
        await book(people[2], (await a_schedule(settings, await a_clinic(settings), on=day))[0])
    await Carer.filter(patient_id=people[3].patient_id).update(state="revoked")
    noon.move(timedelta(minutes=1))
    await cancel(booked, ticket)
    assert [(await told(wait))[-1] for wait in waits] == [
        "pass expert-restricted", "pass department-limit", "pass day-limit", "pass nobody-acts",
        "offer",
    ]  # fmt: skip
    staff = Actor.system(settings.consortium_id)
    (found,) = await proof.prove(staff, slot.id)
    assert found.fair
    assert [one.entry_id for one in found.line] == [wait.id for wait in waits]
    assert [one.reason for one in found.line][-1] is None


async def test_the_proof_finds_somebody_who_was_overlooked(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    hidden = await join(await a_person(settings), clinic)
    noon.move(timedelta(minutes=1))
    await join(await a_person(settings), clinic)
    noon.move(timedelta(minutes=1))
    await WaitlistEntry.filter(id=hidden.id).update(state="left")  # and no event says so
    await cancel(booked, ticket)
    (found,) = await proof.prove(Actor.system(settings.consortium_id), slot.id)
    assert not found.fair
    assert found.overlooked == (hidden.id,)


async def test_the_proof_is_not_for_residents(db: None, settings: Settings) -> None:
    _, slot, booked, _ = await a_full_clinic(settings)
    with pytest.raises(NotFound):
        await proof.prove(booked.actor, slot.id)


async def test_doctors_days_periods_and_kinds_are_kept_apart(db: None, settings: Settings) -> None:
    clinic, _, booked, ticket = await a_full_clinic(settings, kind="expert")
    tomorrow = clock.today() + timedelta(days=1)
    others = [
        await join(await a_person(settings), clinic, to_on=tomorrow),
        await join(await a_person(settings), clinic, periods=("pm", "night")),
        await join(await a_person(settings), clinic, kind="general"),
    ]
    person = await a_person(settings)
    fits = await join(person, clinic, practitioner_id=clinic.practitioner.id)
    await cancel(booked, ticket)
    assert await state_of(fits) == "offered"
    assert [await told(wait) for wait in others] == [["join"]] * 3


async def test_a_place_of_a_day_not_yet_released_is_nobodys(db: None, settings: Settings) -> None:
    clinic = await a_clinic(settings)
    slot = (await a_schedule(settings, clinic, on=clock.today() + timedelta(days=20)))[0]
    wait = await join(await a_person(settings), clinic, to_on=clock.today() + timedelta(days=20))
    async with transaction():
        await Slot.filter(id=slot.id).update(capacity=2)
        await offering.offer([slot.id])
    assert await told(wait) == ["join"]


async def test_a_suspended_slot_offers_nothing(db: None, settings: Settings) -> None:
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    wait = await join(await a_person(settings), clinic)
    await Slot.filter(id=slot.id).update(open=False)
    await cancel(booked, ticket)
    assert await told(wait) == ["join"]


# --- families -------------------------------------------------------------------------------------


async def a_family(settings: Settings) -> tuple[Person, Person]:
    """Two patients of one account."""
    parent, child = await a_person(settings), await a_person(settings, name="王小宝")
    await Carer.create(
        id=new_id(), consortium_id=settings.consortium_id, patient_id=child.patient_id,
        account_id=parent.actor.account_id, relation="parent", scope="manage", state="active",
        created_at=clock.now(),
    )  # fmt: skip
    return parent, Person(parent.actor, child.patient_id)


async def test_a_family_is_offered_places_only_together(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic = await a_clinic(settings)
    slots = await a_schedule(settings, clinic, slots=2)
    booked = [await a_person(settings) for _ in slots]
    tickets = [await book(who, slot) for who, slot in zip(booked, slots, strict=True)]
    parent, child = await a_family(settings)
    wait = await join(parent, clinic, child.patient_id)
    noon.move(timedelta(minutes=1))
    single = await a_person(settings)
    await join(single, clinic)
    await cancel(booked[0], tickets[0])
    assert (await told(wait))[-1] == "pass too-few-places"
    offer = await offer_of(single, slots[0])
    noon.move(timedelta(minutes=1))
    # The single one does not want it: the place stays free for the public, then the other comes.
    await decline(single, offer.id)
    noon.move(timedelta(minutes=1))
    await cancel(booked[1], tickets[1])
    held = await Appointment.filter(status="pending", origin="waitlist").order_by("starts_at")
    assert {row.patient_id for row in held} == {parent.patient_id, child.patient_id}
    assert {row.slot_id for row in held} == {slot.id for slot in slots}
    for row in held:
        await confirm(parent, row.id)
    assert await WaitlistEntry.filter(group_id=wait.group_id, state="placed").count() == 2
    for found in await proof.prove(Actor.system(settings.consortium_id), slots[1].id):
        assert found.fair


# --- leaving and expiring -------------------------------------------------------------------------


async def test_leaving_passes_an_offer_on(db: None, settings: Settings, noon: clock.Hands) -> None:
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    first, second = await a_person(settings), await a_person(settings)
    wait = await join(first, clinic)
    noon.move(timedelta(minutes=1))
    await join(second, clinic)
    await cancel(booked, ticket)
    await leaving.leave(first.actor, a_desk(), wait.id)
    await leaving.leave(first.actor, a_desk(), wait.id)
    assert await told(wait) == ["join", "offer", "decline", "leave"]
    await offer_of(second, slot)


async def test_only_who_cares_for_the_patient_leaves(db: None, settings: Settings) -> None:
    clinic, _, _, _ = await a_full_clinic(settings)
    wait = await join(await a_person(settings), clinic)
    with pytest.raises(NotFound):
        await leaving.leave(await an_account(settings), a_desk(), wait.id)


async def test_what_led_to_a_booking_is_not_left(db: None, settings: Settings) -> None:
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    person = await a_person(settings)
    wait = await join(person, clinic)
    await cancel(booked, ticket)
    await confirm(person, (await offer_of(person, slot)).id)
    with pytest.raises(WaitOver):
        await leaving.leave(person.actor, a_desk(), wait.id)


async def test_a_wait_ends_with_its_last_day_and_is_told(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic, _, _, _ = await a_full_clinic(settings)
    person = await a_person(settings)
    wait = await join(person, clinic)
    assert await expiring.expire(settings.consortium_id) == 0
    noon.move(timedelta(days=8))
    rivals = await asyncio.gather(*(expiring.expire(settings.consortium_id) for _ in range(4)))
    assert sum(rivals) == 1
    assert await told(wait) == ["join", "expire over"]
    assert await Notice.filter(account_id=person.actor.id, kind="wait_over").count() == 1


async def test_an_offer_cancelled_by_another_room_leads_back_into_the_line(
    db: None, settings: Settings
) -> None:
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    person = await a_person(settings)
    wait = await join(person, clinic)
    await cancel(booked, ticket)
    offer = await offer_of(person, slot)
    await Appointment.filter(id=offer.id).update(status="cancelled", cancelled_by="provider")
    assert await expiring.expire(settings.consortium_id) == 1
    assert await told(wait) == ["join", "offer", "withdraw offer-cancelled"]


# --- races ----------------------------------------------------------------------------------------


def unexpected(results: list[Any], *known: type[Problem]) -> list[Any]:
    return [
        result
        for result in results
        if isinstance(result, BaseException) and not isinstance(result, known)
    ]


async def test_twenty_bookers_never_get_what_is_returned(db: None, settings: Settings) -> None:
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    person = await a_person(settings)
    await join(person, clinic)
    desks: list[Desk] = [a_desk() for _ in range(3)]
    rivals = [await a_person(settings) for _ in range(RIVALS)]
    results = await asyncio.gather(
        cancel(booked, ticket, desks[0]),
        *(book(who, slot, desks[n % 3]) for n, who in enumerate(rivals)),
        *(book(who, slot, desks[n % 3]) for n, who in enumerate(rivals)),
        return_exceptions=True,
    )
    assert unexpected(results, SlotFull) == []
    assert sum(isinstance(result, Ticket) for result in results) == 1  # the cancellation
    await offer_of(person, slot)
    assert await booked_in(slot.id) == 1


async def test_one_place_is_offered_to_one_of_many_who_wait(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """And several places returned at once go to as many different ones, in order."""
    clinic = await a_clinic(settings)
    slots = await a_schedule(settings, clinic, slots=4)
    booked = [await a_person(settings) for _ in slots]
    tickets = [await book(who, slot) for who, slot in zip(booked, slots, strict=True)]
    waits = []
    for _ in range(RIVALS):
        waits.append(await join(await a_person(settings), clinic))
        noon.move(timedelta(seconds=3))
    noon.move(timedelta(minutes=1))
    await asyncio.gather(
        *(cancel(who, ticket) for who, ticket in zip(booked, tickets, strict=True))
    )
    states = [await state_of(wait) for wait in waits]
    assert states == ["offered"] * 4 + ["waiting"] * (RIVALS - 4)
    assert sum([await booked_in(slot.id) for slot in slots]) == 4
    for slot in slots:
        assert all(
            found.fair for found in await proof.prove(Actor.system(settings.consortium_id), slot.id)
        )


async def test_confirming_and_running_out_have_one_end(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    person = await a_person(settings)
    wait = await join(person, clinic)
    await cancel(booked, ticket)
    offer = await offer_of(person, slot)
    noon.move(timedelta(minutes=30))
    results = await asyncio.gather(
        *(confirm(person, offer.id) for _ in range(RIVALS)),
        *(holds.expire(settings.consortium_id) for _ in range(4)),
        return_exceptions=True,
    )
    assert unexpected(results, HoldExpired, NotPossibleNow) == []
    assert not any(isinstance(result, Ticket) for result in results)
    assert await told(wait) == ["join", "offer", "lapse", "pass refused"]
    assert await booked_in(slot.id) == 0


async def test_leaving_while_places_come_back_loses_none(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    people = [await a_person(settings) for _ in range(RIVALS)]
    waits = []
    for person in people:
        waits.append(await join(person, clinic))
        noon.move(timedelta(seconds=3))
    leavers = list(zip(people, waits, strict=True))[: RIVALS - 1]
    results = await asyncio.gather(
        cancel(booked, ticket),
        *(leaving.leave(who.actor, a_desk(), wait.id) for who, wait in leavers),
        return_exceptions=True,
    )
    assert unexpected(results) == []
    states = [await state_of(wait) for wait in waits]
    assert states == ["left"] * (RIVALS - 1) + ["offered"]
    assert await booked_in(slot.id) == 1


def after_the_look(
    monkeypatch: pytest.MonkeyPatch, does: Callable[[], Coroutine[Any, Any, object]]
) -> None:
    """Between the next look at a row and what follows from it, somebody else does a thing."""
    get = WaitlistEntry.get

    async def get_and_then(**which: Any) -> WaitlistEntry:
        monkeypatch.undo()
        row = await get(**which)
        await asyncio.create_task(does(), context=contextvars.Context())
        return row

    monkeypatch.setattr(WaitlistEntry, "get", get_and_then)


async def test_an_offer_made_while_one_leaves_goes_on_to_the_next(
    postgres_only: None, db: None, settings: Settings, noon: clock.Hands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    clinic, slot, booked, ticket = await a_full_clinic(settings)
    people = [await a_person(settings) for _ in range(2)]
    waits = [await join(person, clinic) for person in people]
    after_the_look(monkeypatch, lambda: cancel(booked, ticket))
    await leaving.leave(people[0].actor, a_desk(), waits[0].id)
    assert [await state_of(wait) for wait in waits] == ["left", "offered"]
    assert await booked_in(slot.id) == 1


async def test_another_offer_made_while_one_leaves_is_left_too(
    postgres_only: None, db: None, settings: Settings, noon: clock.Hands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    clinic = await a_clinic(settings)
    slots = await a_schedule(settings, clinic, slots=2)
    booked = [await a_person(settings) for _ in slots]
    tickets = [await book(who, slot) for who, slot in zip(booked, slots, strict=True)]
    person = await a_person(settings)
    wait = await join(person, clinic)
    await cancel(booked[0], tickets[0])
    first = await offer_of(person, slots[0])

    async def another() -> None:
        await decline(person, first.id)
        await cancel(booked[1], tickets[1])

    after_the_look(monkeypatch, another)
    await leaving.leave(person.actor, a_desk(), wait.id)
    assert await state_of(wait) == "left"
    assert [await booked_in(slot.id) for slot in slots] == [0, 0]
