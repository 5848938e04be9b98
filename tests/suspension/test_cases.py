"""Nobody is dropped: who has heard of it, who has not, and how staff reach them."""

from datetime import timedelta

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.booking import appointments, diary
from backend.errors import NotFound
from backend.identity import accounts
from backend.identity.phones import Number
from backend.inbox import messages, scanning
from backend.settings import Settings
from backend.suspension import cases, undoing
from backend.suspension import diary as records
from tests.clinics import a_desk
from tests.people import Person, a_receipt, a_staff, vault_of
from tests.suspension.clinics import REASON, Stop, a_stop

PHONE = "13912345678"


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def waiting(stop: Stop) -> list[cases.Case]:
    return await cases.worklist(stop.admin, vault_of(stop.settings))


async def told(person: Person, kind: str) -> messages.Message:
    await scanning.scan()
    found = await messages.list_of(person.actor, a_desk(), unread=True, after=None, most=20)
    return next(message for message in found if message.kind == kind)


async def test_the_next_visit_comes_first_until_it_is_reached(db: None, settings: Settings) -> None:
    stop = await a_stop(settings, slots=2)
    later = await stop.book(stop.slots[1])
    sooner = await stop.book(stop.slots[0])
    await stop.suspend()
    found = await waiting(stop)
    assert [case.visit.slot_id for case in found] == [slot.id for slot in stop.slots]
    assert (found[0].patient_name, found[0].outcome) == ("王*兰", "offered")
    case = await stop.case_of(sooner)
    await cases.reach(stop.admin, case.id, "phone", "女儿接的")
    await cases.reach(stop.admin, case.id, "other", "")
    row = await stop.case_of(sooner)
    assert (row.reached_at, row.reached_by, row.reached_note) == (clock.now(), "phone", "女儿接的")
    assert [case.id for case in await waiting(stop)] == [(await stop.case_of(later)).id]
    assert await AuditEvent.filter(action="suspension.reached").count() == 1


async def test_reading_a_message_is_being_reached(db: None, settings: Settings) -> None:
    stop = await a_stop(settings)
    person = await stop.person()
    ticket = await stop.book(stop.slots[0], person)
    await scanning.scan()
    await messages.mark_read(person.actor, None)  # of the booking, not of what follows
    suspension_id = await stop.suspend()
    offer, stopped = await told(person, "offered"), await told(person, "stopped")
    assert len(await waiting(stop)) == 1
    assert stopped.words.title == "医生停诊，原来的号取消了"
    assert REASON in stopped.words.text
    assert "停诊" in offer.words.text
    assert "请在11月24日周二 晚上20:00前" in offer.words.text
    await messages.mark_read(person.actor, stopped.id)
    assert await waiting(stop) == []
    assert (await stop.case_of(ticket)).reached_by == "inbox"
    entry = await records.show(stop.admin, suspension_id)
    assert (entry.touched, entry.reached, len(entry.schedules)) == (1, 1, 1)


async def test_opening_the_appointment_is_being_reached(db: None, settings: Settings) -> None:
    stop = await a_stop(settings, capacity=2)
    people = [await stop.person(), await stop.person()]
    tickets = [await stop.book(stop.slots[0], person) for person in people]
    assert await cases.opened(people[0].actor, tickets[0]) is None
    await stop.suspend()
    shown = await diary.show(people[0].actor, a_desk(), tickets[0].id)
    offer = await stop.offer_of(tickets[0])
    assert await cases.opened(people[0].actor, shown) == offer.id
    other = await stop.offer_of(tickets[1])
    shown = await diary.show(people[1].actor, a_desk(), other.id)
    assert await cases.opened(people[1].actor, shown) is None
    assert await waiting(stop) == []


async def test_what_became_of_an_offer_is_read_from_it(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    stop = await a_stop(settings, capacity=3)
    people = [await stop.person() for _ in range(3)]
    tickets = [await stop.book(stop.slots[0], person) for person in people]
    suspension_id = await stop.suspend()
    offers = [await stop.offer_of(ticket) for ticket in tickets]
    await appointments.confirm(
        people[0].actor, a_desk(), offers[0].id, receipt=a_receipt(people[0].actor)
    )
    await appointments.cancel(
        people[1].actor, a_desk(), offers[1].id, reason="", receipt=a_receipt(people[1].actor)
    )
    noon.move(timedelta(days=1, hours=9))
    found = await cases.list_of(stop.admin, vault_of(settings), suspension_id)
    outcomes = {case.id: case.outcome for case in found}
    expected = ["accepted", "declined", "lapsed"]
    assert [outcomes[(await stop.case_of(ticket)).id] for ticket in tickets] == expected
    # Whoever has answered has heard of it.
    assert [case.id for case in found if case.reached_at is None] == [
        (await stop.case_of(tickets[2])).id
    ]


async def test_whoever_had_heard_of_it_must_hear_that_it_was_undone(
    db: None, settings: Settings
) -> None:
    stop = await a_stop(settings, capacity=2)
    people = [await stop.person(), await stop.person()]
    tickets = [await stop.book(stop.slots[0], person) for person in people]
    suspension_id = await stop.suspend()
    await cases.reach(stop.admin, (await stop.case_of(tickets[0])).id, "phone", "")
    await undoing.undo(stop.admin, suspension_id)
    assert [case.id for case in await waiting(stop)] == [(await stop.case_of(tickets[0])).id]
    restored = await told(people[0], "restored")
    assert restored.words.title == "停诊取消了，原来的号恢复了"
    await messages.mark_read(people[0].actor, restored.id)
    assert await waiting(stop) == []


async def test_a_phone_is_shown_on_purpose_only(db: None, settings: Settings) -> None:
    stop, vault = await a_stop(settings), vault_of(settings)
    person = await stop.person()
    await accounts.set_phone(person.actor, vault, PHONE)
    ticket = await stop.book(stop.slots[0], person)
    await stop.suspend()
    (case,) = await waiting(stop)
    assert case.phone == "139****5678"
    assert await cases.reveal(stop.admin, vault, case.id) == [Number("self", PHONE)]
    audit = await AuditEvent.get(action="suspension.phone_shown")
    assert (audit.actor_id, audit.patient_id) == (stop.admin.id, ticket.patient_id)


async def test_outsiders_see_no_case(db: None, settings: Settings) -> None:
    stop, other, vault = await a_stop(settings), await a_stop(settings), vault_of(settings)
    ticket = await stop.book(stop.slots[0])
    suspension_id = await stop.suspend()
    case = await stop.case_of(ticket)
    assert await cases.worklist(other.admin, vault) == []
    assert await records.list_of(other.admin, after=None, most=20) == []
    for actor in (other.admin, a_staff(settings, "auditor"), (await stop.person()).actor):
        for attempt in (
            cases.reach(actor, case.id, "phone", ""),
            cases.reveal(actor, vault, case.id),
            cases.list_of(actor, vault, suspension_id),
            records.show(actor, suspension_id),
        ):
            with pytest.raises(NotFound):
                await attempt
