"""Invariants 1, 2 and 4 and every refusal, on whichever database the suite runs on."""

import asyncio
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from asyncpg import DeadlockDetectedError
from tortoise.expressions import Q

from backend import clock
from backend.api.views.appointments import Status
from backend.audit import AuditEvent
from backend.booking import appointments, diary, holds
from backend.booking import policy as rules
from backend.booking.desk import Desk
from backend.booking.errors import (
    AlreadyBooked,
    BookingClosed,
    HoldExpired,
    NotPossibleNow,
    NotYetOpen,
    Restricted,
    SameSlot,
    SlotFull,
    TooLateToMove,
    TooManyInDepartment,
    TooManyMoves,
    TooManyThatDay,
)
from backend.booking.models import Appointment, AppointmentEvent, Slot
from backend.booking.taking import Outcome, Taking, Wish
from backend.booking.tickets import Ticket
from backend.errors import Busy, NotFound
from backend.receipts import KeyReused, Replayed
from backend.settings import Settings
from tests.clinics import a_clinic, a_desk, a_schedule, a_slot, booked_in
from tests.people import Person, a_person, a_receipt, an_account

RIVALS = 24


async def book(person: Person, slot: Slot, desk: Desk | None = None, **facts: Any) -> Ticket:
    result = await appointments.book(
        person.actor,
        desk or a_desk(),
        slot_id=slot.id,
        patient_id=facts.pop("patient_id", person.patient_id),
        confirm=facts.pop("confirm", True),
        receipt=facts.pop("receipt", None) or a_receipt(person.actor),
    )
    assert isinstance(result, Ticket)
    return result


async def cancel(person: Person, ticket: Ticket, desk: Desk | None = None) -> Ticket:
    result = await appointments.cancel(
        person.actor, desk or a_desk(), ticket.id, reason="有事", receipt=a_receipt(person.actor)
    )
    assert isinstance(result, Ticket)
    return result


async def move(person: Person, ticket: Ticket, slot: Slot) -> Ticket:
    result = await appointments.reschedule(
        person.actor, a_desk(), ticket.id, slot_id=slot.id, receipt=a_receipt(person.actor)
    )
    assert isinstance(result, Ticket)
    return result


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def test_a_booking_writes_all_its_rows(db: None, settings: Settings) -> None:
    person, slot = await a_person(settings), await a_slot(settings)
    ticket = await book(person, slot)
    row = await Appointment.get(id=ticket.id)
    assert (row.status, row.fee_fen, row.policy_version) == ("booked", 1200, "built-in-township@1")
    assert await booked_in(slot.id) == 1
    event = await AppointmentEvent.get(appointment_id=ticket.id)
    assert (event.action, event.actor_id, event.to_status) == ("book", person.actor.id, "booked")
    audit = await AuditEvent.get(entity_id=ticket.id)
    assert (audit.action, audit.patient_id) == ("appointment.booked", person.patient_id)


async def test_the_last_place_goes_to_one_of_many(db: None, settings: Settings) -> None:
    slot, desk = await a_slot(settings, capacity=1), a_desk()
    rivals = [await a_person(settings) for _ in range(RIVALS)]
    results = await asyncio.gather(
        *(book(who, slot, desk) for who in rivals), return_exceptions=True
    )
    assert sum(isinstance(result, SlotFull) for result in results) == RIVALS - 1
    assert await Appointment.filter(slot_id=slot.id).count() == await booked_in(slot.id) == 1


async def test_who_waits_is_written_together_and_who_is_alone_at_once(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot, desk = await a_slot(settings, capacity=50), a_desk()
    lone, *others = [await a_person(settings) for _ in range(RIVALS + 1)]
    batches: list[int] = []
    write = Taking._write

    async def counted(taking: Taking, wishes: list[Wish]) -> dict[Wish, Outcome]:
        batches.append(len(wishes))
        return await write(taking, wishes)

    monkeypatch.setattr(Taking, "_write", counted)
    await book(lone, slot, desk)
    assert batches == [1]
    await asyncio.gather(*(book(who, slot, desk) for who in others))
    assert sum(batches) == RIVALS + 1  # each wish once: none was unclear, none tried again
    assert len(batches) < RIVALS / 2
    assert await booked_in(slot.id) == RIVALS + 1


async def test_many_desks_never_oversell(db: None, settings: Settings) -> None:
    """As many processes would: each desk has its own queue and its own memory."""
    slot = await a_slot(settings, capacity=7)
    rivals = [await a_person(settings) for _ in range(RIVALS)]
    results = await asyncio.gather(
        *(book(who, slot, a_desk()) for who in rivals), return_exceptions=True
    )
    assert sum(isinstance(result, Ticket) for result in results) == 7
    assert await Appointment.filter(slot_id=slot.id).count() == await booked_in(slot.id) == 7


async def test_one_patient_books_a_schedule_once_however_often_they_tap(
    db: None, settings: Settings
) -> None:
    clinic = await a_clinic(settings)
    slots = await a_schedule(settings, clinic, capacity=RIVALS, slots=4)
    person, desk = await a_person(settings), a_desk()
    results = await asyncio.gather(
        *(book(person, slots[n % 4], desk) for n in range(RIVALS)), return_exceptions=True
    )
    assert sum(isinstance(result, Ticket) for result in results) == 1
    assert sum(isinstance(result, AlreadyBooked) for result in results) == RIVALS - 1
    assert sum([await booked_in(slot.id) for slot in slots]) == 1


async def test_limits_of_a_day_hold_under_a_race(db: None, settings: Settings) -> None:
    """Three a day: six clinics, four taps each, many desks."""
    person = await a_person(settings)
    slots = [await a_slot(settings, capacity=5) for _ in range(6)]
    results = await asyncio.gather(
        *(book(person, slots[n % 6], a_desk()) for n in range(RIVALS)), return_exceptions=True
    )
    assert sum(isinstance(result, Ticket) for result in results) == 3
    living = await Appointment.filter(patient_id=person.patient_id, status="booked")
    assert sorted(row.day_place for row in living) == [1, 2, 3]
    unexpected = [
        result
        for result in results
        if not isinstance(result, Ticket | AlreadyBooked | TooManyThatDay | Busy)
    ]
    assert unexpected == []


async def test_one_department_a_day(db: None, settings: Settings) -> None:
    clinic, person = await a_clinic(settings), await a_person(settings)
    first = (await a_schedule(settings, clinic))[0]
    second = (await a_schedule(settings, clinic))[0]
    await book(person, first)
    with pytest.raises(TooManyInDepartment):
        await book(person, second)
    assert await booked_in(second.id) == 0


async def test_the_fourth_booking_of_a_day_is_refused(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    for _ in range(3):
        await book(person, await a_slot(settings))
    with pytest.raises(TooManyThatDay):
        await book(person, await a_slot(settings))


async def test_the_same_key_gets_the_first_answer(db: None, settings: Settings) -> None:
    person, slot = await a_person(settings), await a_slot(settings, capacity=3)
    results = await asyncio.gather(
        *(
            appointments.book(
                person.actor,
                desk,
                slot_id=slot.id,
                patient_id=person.patient_id,
                confirm=True,
                receipt=a_receipt(person.actor, key="the-same-key"),
            )
            for desk in [a_desk() for _ in range(4)]
            for _ in range(6)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Ticket) for result in results) == 1
    assert sum(isinstance(result, Replayed) for result in results) == RIVALS - 1
    assert await booked_in(slot.id) == 1


async def test_the_same_key_for_another_body_is_refused(db: None, settings: Settings) -> None:
    person, slot, other = (
        await a_person(settings), await a_slot(settings), await a_slot(settings)
    )  # fmt: skip
    await book(person, slot, receipt=a_receipt(person.actor, key="one-key-x", body=b"a"))
    with pytest.raises(KeyReused):
        await book(person, other, receipt=a_receipt(person.actor, key="one-key-x", body=b"b"))
    assert await booked_in(other.id) == 0


async def test_a_retry_after_a_lost_answer_is_answered_though_all_is_sold(
    db: None, settings: Settings
) -> None:
    person, other = await a_person(settings), await a_person(settings)
    slot, desk = await a_slot(settings, capacity=1), a_desk()
    await book(person, slot, desk, receipt=a_receipt(person.actor, key="lost-answer"))
    with pytest.raises(SlotFull):
        await book(other, slot, desk)
    with pytest.raises(Replayed):
        await book(person, slot, desk, receipt=a_receipt(person.actor, key="lost-answer"))


async def test_an_outsider_books_for_nobody(db: None, settings: Settings) -> None:
    person, slot = await a_person(settings), await a_slot(settings)
    outsider = Person(await an_account(settings), person.patient_id)
    with pytest.raises(NotFound):
        await book(outsider, slot)
    ticket = await book(person, slot)
    for deed in (
        diary.show(outsider.actor, a_desk(), ticket.id),
        cancel(outsider, ticket),
        move(outsider, ticket, slot),
    ):
        with pytest.raises(NotFound):
            await deed


async def test_too_late_too_early_unknown(db: None, settings: Settings, noon: clock.Hands) -> None:
    person, clinic = await a_person(settings), await a_clinic(settings)
    today = clock.today()
    soon = (
        await a_schedule(
            settings,
            clinic,
            on=today,
            starts=(noon.instant.astimezone(clock.SHANGHAI) + timedelta(minutes=29)).time(),
        )
    )[0]
    far = (await a_schedule(settings, clinic, on=today + timedelta(days=15)))[0]
    with pytest.raises(BookingClosed):
        await book(person, soon)
    with pytest.raises(NotYetOpen):
        await book(person, far)
    with pytest.raises(NotFound):
        await appointments.book(
            person.actor, a_desk(), slot_id=uuid4(), patient_id=person.patient_id,
            confirm=True, receipt=a_receipt(person.actor),
        )  # fmt: skip
    noon.set(
        clock.at(
            today + timedelta(days=1),
            (noon.instant + timedelta(hours=0)).time().replace(hour=7, minute=0),
        )
    )
    assert (await book(person, far)).status == "booked"


async def test_a_shut_slot_takes_nobody(db: None, settings: Settings) -> None:
    person, slot = await a_person(settings), await a_slot(settings)
    await Slot.filter(id=slot.id).update(open=False)
    with pytest.raises(BookingClosed):
        await book(person, slot)


async def test_hold_then_confirm(db: None, settings: Settings, noon: clock.Hands) -> None:
    person, slot = await a_person(settings), await a_slot(settings)
    ticket = await book(person, slot, confirm=False)
    assert ticket.status == "pending"
    assert ticket.held_until == clock.now() + timedelta(minutes=10)
    noon.move(timedelta(minutes=9))
    done = await appointments.confirm(
        person.actor, a_desk(), ticket.id, receipt=a_receipt(person.actor)
    )
    assert isinstance(done, Ticket)
    assert done.status == "booked"
    with pytest.raises(NotPossibleNow):
        await appointments.confirm(
            person.actor, a_desk(), ticket.id, receipt=a_receipt(person.actor)
        )


async def test_an_expired_hold_frees_its_place_without_any_job(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    slow, quick = await a_person(settings), await a_person(settings)
    slot = await a_slot(settings, capacity=1)
    held = await book(slow, slot, confirm=False)
    noon.move(timedelta(minutes=10))
    assert (await diary.show(slow.actor, a_desk(), held.id)).status == "cancelled"
    assert (await book(quick, slot)).status == "booked"
    with pytest.raises((HoldExpired, NotPossibleNow)):
        await appointments.confirm(slow.actor, a_desk(), held.id, receipt=a_receipt(slow.actor))
    assert await booked_in(slot.id) == 1


async def test_the_job_ends_dead_holds_once(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    slot = await a_slot(settings, capacity=5)
    for _ in range(3):
        await book(await a_person(settings), slot, confirm=False)
    assert await holds.expire(settings.consortium_id) == []
    noon.move(timedelta(minutes=11))
    rivals = await asyncio.gather(*(holds.expire(settings.consortium_id) for _ in range(RIVALS)))
    assert sum(len(freed) for freed in rivals) == 3
    assert await booked_in(slot.id) == 0


async def test_the_job_tries_again_after_a_deadlock(
    db: None, settings: Settings, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot, end_dead, tries = await a_slot(settings), holds.end_dead, []
    await book(await a_person(settings), slot, confirm=False)
    noon.move(timedelta(minutes=11))

    async def loses_the_first_time(where: Q) -> list[UUID]:
        ended = await end_dead(where)
        tries.append(len(ended))
        if len(tries) == 1:
            raise DeadlockDetectedError("deadlock detected")
        return ended

    monkeypatch.setattr(holds, "end_dead", loses_the_first_time)
    assert await holds.expire(settings.consortium_id) == [slot.id]
    assert tries == [1, 1]
    assert await booked_in(slot.id) == 0


async def test_confirm_and_expiry_race_to_one_end(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    person, slot = await a_person(settings), await a_slot(settings)
    ticket = await book(person, slot, confirm=False)
    noon.move(timedelta(minutes=10))
    results = await asyncio.gather(
        *(
            appointments.confirm(person.actor, a_desk(), ticket.id, receipt=a_receipt(person.actor))
            for _ in range(RIVALS)
        ),
        *(holds.expire(settings.consortium_id) for _ in range(4)),
        return_exceptions=True,
    )
    assert not any(isinstance(result, Ticket) for result in results)
    assert await booked_in(slot.id) == 0


async def test_cancelling_gives_the_place_back_once(db: None, settings: Settings) -> None:
    person, slot = await a_person(settings), await a_slot(settings)
    ticket = await book(person, slot)
    results = await asyncio.gather(
        *(cancel(person, ticket) for _ in range(RIVALS)), return_exceptions=True
    )
    assert sum(isinstance(result, Ticket) for result in results) == 1
    assert sum(isinstance(result, NotPossibleNow) for result in results) == RIVALS - 1
    assert await booked_in(slot.id) == 0
    assert (await book(await a_person(settings), slot)).status == "booked"


async def test_a_late_cancellation_is_said_beforehand_and_counts_as_a_no_show(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    person, clinic = await a_person(settings), await a_clinic(settings, tier="county")
    ticket = await book(person, (await a_schedule(settings, clinic))[0])
    noon.set(ticket.free_until + timedelta(seconds=1))
    seen = await diary.show(person.actor, a_desk(), ticket.id)
    assert seen.late_now
    assert (await cancel(person, ticket)).late_cancel
    row = await Appointment.get(id=ticket.id)
    assert (row.late_cancel, row.counted_cancel) == (True, False)


async def test_a_slip_of_the_finger_counts_for_nothing(db: None, settings: Settings) -> None:
    person, slot = await a_person(settings), await a_slot(settings)
    await cancel(person, await book(person, slot))
    row = await Appointment.get(patient_id=person.patient_id)
    assert (row.late_cancel, row.counted_cancel) == (False, False)


async def test_the_fourth_cancellation_bars_experts_and_nothing_else(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    person, county = await a_person(settings), await a_clinic(settings, tier="county")
    for _ in range(4):
        ticket = await book(person, (await a_schedule(settings, county))[0])
        noon.move(timedelta(minutes=11))
        await cancel(person, ticket)
    expert = (await a_schedule(settings, county, kind="expert"))[0]
    with pytest.raises(Restricted):
        await book(person, expert)
    assert await booked_in(expert.id) == 0
    general = (await a_schedule(settings, county))[0]
    assert (await book(person, general)).status == "booked"
    noon.move(timedelta(days=31))
    later = (await a_schedule(settings, county, kind="expert"))[0]
    assert (await book(person, later)).status == "booked"


async def test_moving_takes_the_new_place_before_freeing_the_old(
    db: None, settings: Settings
) -> None:
    person = await a_person(settings)
    old, new = await a_slot(settings), await a_slot(settings)
    moved = await move(person, await book(person, old), new)
    assert moved.place.slot_id == new.id
    assert (await booked_in(old.id), await booked_in(new.id)) == (0, 1)
    row = await Appointment.get(id=moved.id)
    assert row.schedule_id == new.schedule_id
    actions = await AppointmentEvent.filter(appointment_id=moved.id).order_by("at", "action")
    assert sorted(event.action for event in actions) == ["book", "move"]


async def test_a_move_that_fails_changes_nothing(db: None, settings: Settings) -> None:
    person, other = await a_person(settings), await a_person(settings)
    old, full = await a_slot(settings), await a_slot(settings)
    await book(other, full)
    ticket = await book(person, old)
    with pytest.raises(SlotFull):
        await move(person, ticket, full)
    with pytest.raises(SameSlot):
        await move(person, ticket, old)
    assert (await booked_in(old.id), await booked_in(full.id)) == (1, 1)


async def test_moves_are_limited_and_end_with_the_free_time(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    person, clinic = await a_person(settings), await a_clinic(settings)
    slots = await a_schedule(settings, clinic, slots=4)
    ticket = await book(person, slots[0])
    ticket = await move(person, ticket, slots[1])
    ticket = await move(person, ticket, slots[2])
    with pytest.raises(TooManyMoves):
        await move(person, ticket, slots[3])
    other = await a_person(settings)
    last = await book(other, slots[3])
    noon.set(last.free_until + timedelta(seconds=1))
    with pytest.raises((TooLateToMove, BookingClosed)):
        await move(other, last, slots[0])


async def test_two_who_swap_and_many_who_push_do_not_deadlock_or_lose_places(
    db: None, settings: Settings
) -> None:
    first, second = await a_slot(settings, capacity=12), await a_slot(settings, capacity=12)
    people = [await a_person(settings) for _ in range(RIVALS)]
    held = [await book(who, (first, second)[n % 2]) for n, who in enumerate(people)]
    await asyncio.gather(
        *(
            move(who, ticket, (second, first)[n % 2])
            for n, (who, ticket) in enumerate(zip(people, held, strict=True))
        ),
        return_exceptions=True,
    )
    for slot in (first, second):
        rows = await Appointment.filter(slot_id=slot.id, status="booked").count()
        assert rows == await booked_in(slot.id) <= 12
    assert await Appointment.filter(status="booked").count() == RIVALS


async def test_a_family_gets_all_places_or_none(db: None, settings: Settings) -> None:
    from backend.identity.models import Carer

    mother, child = await a_person(settings), await a_person(settings)
    await Carer.create(
        id=uuid4(), consortium_id=settings.consortium_id, patient_id=child.patient_id,
        account_id=mother.actor.account_id, relation="parent", scope="book", state="active",
        created_at=clock.now(),
    )  # fmt: skip
    slot = await a_slot(settings, capacity=1)
    both = [(slot.id, mother.patient_id), (slot.id, child.patient_id)]

    async def book_both() -> Any:
        return await appointments.book_family(
            mother.actor, a_desk(), both, confirm=True, receipt=a_receipt(mother.actor)
        )

    with pytest.raises(SlotFull) as refused:
        await book_both()
    assert refused.value.extra["index"] == 1
    assert await booked_in(slot.id) == 0
    await Slot.filter(id=slot.id).update(capacity=2)
    assert len(await book_both()) == 2
    assert await booked_in(slot.id) == 2


def test_every_state_has_an_owner_and_an_exit_or_is_an_end() -> None:
    states = set(get_args(Status))
    assert set(rules.TRANSITIONS) == states
    for state, (owner, exits) in rules.TRANSITIONS.items():
        assert bool(owner) == bool(exits), state
        assert set(exits) <= states - {state}
    reached = {to for _, exits in rules.TRANSITIONS.values() for to in exits}
    assert reached | {rules.PENDING} == states


async def test_families_and_moves_stand_in_line_too(db: None, settings: Settings) -> None:
    slot, desk = await a_slot(settings, capacity=50), Desk(queue_most=2)
    people = [await a_person(settings) for _ in range(RIVALS)]
    results = await asyncio.gather(
        *(
            appointments.book_family(
                who.actor, desk, [(slot.id, who.patient_id)], confirm=True,
                receipt=a_receipt(who.actor),
            )
            for who in people
        ),
        return_exceptions=True,
    )  # fmt: skip
    busy = sum(isinstance(result, Busy) for result in results)
    assert busy > 0
    assert await booked_in(slot.id) == RIVALS - busy


async def test_a_full_queue_answers_busy_and_changes_nothing(db: None, settings: Settings) -> None:
    slot, desk = await a_slot(settings, capacity=50), Desk(queue_most=1)
    people = [await a_person(settings) for _ in range(RIVALS)]
    results = await asyncio.gather(
        *(book(who, slot, desk) for who in people), return_exceptions=True
    )
    busy = sum(isinstance(result, Busy) for result in results)
    assert busy > 0
    assert await booked_in(slot.id) == RIVALS - busy
