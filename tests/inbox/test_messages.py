"""The inbox: everybody who cares is told once, in words, and only what they may know now."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from tortoise.exceptions import IntegrityError

from backend import clock, ids, notices
from backend import db as database
from backend.audit import AuditEvent
from backend.booking import appointments, holds, leaving, places
from backend.booking.models import Appointment, AppointmentEvent, Slot
from backend.booking.tickets import Ticket
from backend.errors import NotFound
from backend.identity import carers, invitations
from backend.identity.access import Actor
from backend.inbox import messages, scanning
from backend.inbox.messages import Message
from backend.inbox.scanning import CHUNK, scan
from backend.notices import KEPT, Notice
from backend.settings import Settings
from tests.clinics import a_clinic, a_desk, a_schedule
from tests.people import (
    Person,
    a_person,
    a_receipt,
    an_account,
    an_id_number,
    log_in,
    register,
)

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def inbox(actor: Actor, *, unread: bool = False) -> list[Message]:
    return await messages.list_of(actor, a_desk(), unread=unread, after=None, most=100)


async def kinds(actor: Actor) -> list[str]:
    return sorted(message.kind for message in await inbox(actor))


async def two_slots(settings: Settings) -> list[Slot]:
    return await a_schedule(settings, await a_clinic(settings), slots=2, capacity=9)


async def book(person: Person, slot: Slot, *, confirm: bool = True) -> Ticket:
    actor = person.actor
    return await appointments.book(
        actor, a_desk(), slot_id=slot.id, patient_id=person.patient_id, confirm=confirm,
        receipt=a_receipt(actor),
    )  # fmt: skip


async def test_a_page_looks_up_its_places_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[list[UUID]] = []

    async def load(slot_ids: list[UUID]) -> dict[UUID, places.Place]:
        trips.append(slot_ids)
        return await load_places(slot_ids)

    load_places = places.load
    person, slots = await a_person(settings), await two_slots(settings)
    first = await book(person, slots[0])
    await appointments.cancel(
        person.actor, a_desk(), first.id, reason="", receipt=a_receipt(person.actor)
    )
    await book(person, slots[1])
    await scan()
    monkeypatch.setattr(places, "load", load)
    assert len(await inbox(person.actor)) == 3
    assert [sorted(trip) for trip in trips] == [sorted(slot.id for slot in slots)]


async def invited(settings: Settings, person: Person, scope: str) -> Actor:
    actor = await an_account(settings)
    code, _ = await invitations.invite(
        person.actor, person.patient_id, scope=scope, expires_at=None,
        receipt=a_receipt(person.actor),
    )  # fmt: skip
    await invitations.accept(actor, code, relation="child", most=5, receipt=a_receipt(actor))
    return actor


async def test_whoever_cares_is_told_and_nobody_else(settings: Settings) -> None:
    person, stranger = await a_person(settings), await a_person(settings)
    viewer = await invited(settings, person, "view")
    ticket = await book(person, (await two_slots(settings))[0])
    assert await scan() == 2
    for actor in (person.actor, viewer):
        (message,) = [one for one in await inbox(actor) if one.kind == "booked"]
        assert (message.about, message.read) == (ticket.id, False)
        assert message.words.page == "pages/appointment/appointment"
        assert message.words.text.startswith(
            "王*兰，11月25日周三 上午9:00，青石镇卫生院全科医疗科（李建国医生）。"
        )
    assert await inbox(stranger.actor) == []


async def test_every_change_is_told_in_its_own_words(settings: Settings) -> None:
    person = await a_person(settings)
    first, second = await two_slots(settings)
    desk, actor = a_desk(), person.actor
    held = await book(person, first, confirm=False)
    await appointments.confirm(actor, desk, held.id, receipt=a_receipt(actor))
    await scan()
    await appointments.reschedule(actor, desk, held.id, slot_id=second.id, receipt=a_receipt(actor))
    await appointments.cancel(actor, desk, held.id, reason="旧病", receipt=a_receipt(actor))
    await scan()
    told = {message.kind: message.words for message in await inbox(actor)}
    assert set(told) == {"booked", "moved", "cancelled"}
    assert "上午9:00" in told["booked"].text  # where it was then, not where it was moved
    assert "上午9:30" in told["moved"].text
    assert told["cancelled"].title == "预约已取消"
    assert not any("旧病" in words.text for words in told.values())


async def test_the_hospital_says_why_and_that_it_does_not_count(settings: Settings) -> None:
    person = await a_person(settings)
    ticket = await book(person, (await two_slots(settings))[0])
    row = await Appointment.get(id=ticket.id)
    await AppointmentEvent.create(
        id=ids.new_id(), consortium_id=row.consortium_id, appointment_id=row.id, at=clock.now(),
        actor_kind="operator", action="cancel", from_status="booked", to_status="cancelled",
        from_slot_id=row.slot_id, reason="医生外出",
    )  # fmt: skip
    await scan()
    (message,) = [one for one in await inbox(person.actor) if one.kind == "cancelled"]
    assert message.words.title == "医院取消了预约"
    assert "医生外出" in message.words.text


async def test_a_hold_is_news_only_when_it_ends_by_itself(
    settings: Settings, noon: clock.Hands
) -> None:
    person = await a_person(settings)
    first, second = await two_slots(settings)
    given_up = await book(person, first, confirm=False)
    actor = person.actor
    await appointments.cancel(actor, a_desk(), given_up.id, reason="", receipt=a_receipt(actor))
    assert await scan() == 0
    await book(person, second, confirm=False)
    assert await scan() == 0
    noon.move(timedelta(minutes=11))
    await holds.expire(settings.consortium_id)
    assert await scan() == 1
    assert await kinds(actor) == ["hold_expired"]


async def test_scans_that_run_at_once_tell_once(settings: Settings) -> None:
    person = await a_person(settings)
    await invited(settings, person, "book")
    await book(person, (await two_slots(settings))[0])
    await asyncio.gather(*(scan() for _ in range(20)))
    assert await Notice.filter(kind="booked").count() == 2
    assert await scan() == 0
    row = await Notice.filter(kind="booked").first()
    with pytest.raises(IntegrityError):
        await Notice.create(
            id=uuid4(), consortium_id=row.consortium_id, account_id=row.account_id, kind="booked",
            event_id=row.event_id, at=row.at,
        )  # fmt: skip


async def test_an_event_that_commits_late_is_still_told(settings: Settings) -> None:
    """Its id is older than what was told last, as long as a transaction may take."""
    person = await a_person(settings)
    ticket = await book(person, (await two_slots(settings))[0])
    await scan()
    made = (await AppointmentEvent.get(appointment_id=ticket.id)).id

    async def appears(late: timedelta) -> None:
        await AppointmentEvent.create(
            id=ids.before(made, late), consortium_id=settings.consortium_id,
            appointment_id=ticket.id, at=clock.now(), actor_kind="resident", action="cancel",
            from_status="booked", to_status="cancelled", from_slot_id=ticket.place.slot_id,
        )  # fmt: skip

    await appears(timedelta(seconds=10))
    assert await scan() == 1
    await appears(timedelta(hours=1))
    assert await scan() == 0
    assert await scan(scanning.LATEST) == 1


async def test_more_than_a_portion_is_told_in_portions(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "CHUNK", 2)
    monkeypatch.setattr(scanning, "CHUNKS_MOST", 2)
    assert CHUNK > 2
    slot = (await two_slots(settings))[0]
    shared = await a_person(settings)
    for _ in range(2):
        await invited(settings, shared, "view")  # a portion ends within one event
    await book(shared, slot)
    for _ in range(4):
        await book(await a_person(settings), slot)
    assert [await scan() for _ in range(3)] == [4, 3, 0]
    assert await Notice.filter(kind="booked").count() == 7


async def test_who_no_longer_cares_no_longer_reads_it(settings: Settings) -> None:
    person = await a_person(settings)
    child = await invited(settings, person, "book")
    await book(person, (await two_slots(settings))[0])
    await scan()
    (message,) = await inbox(child)
    await leaving.leave(child, person.patient_id)
    assert await inbox(child) == []
    assert await messages.unread(child) == 0
    with pytest.raises(NotFound):
        await messages.show(child, a_desk(), message.id)


async def test_what_happens_among_family_is_told_to_the_other_side(settings: Settings) -> None:
    number = an_id_number()
    actors = [await an_account(settings) for _ in range(4)]
    owner, asking, refused, joining = actors
    row = await register(owner, settings, id_number=number)
    asked = await register(asking, settings, id_number=number, relation="child")
    again = await register(refused, settings, id_number=number, relation="child")
    assert await kinds(owner) == ["carer_asks", "carer_asks"]
    assert {message.about for message in await inbox(owner)} == {row.patient_id}
    await carers.decide(
        owner, row.patient_id, asked.id, scope="book", expires_at=None, receipt=a_receipt(owner)
    )
    await carers.decide(  # only a change of what is consented to already
        owner, row.patient_id, asked.id, scope="view", expires_at=None, receipt=a_receipt(owner)
    )
    await leaving.revoke(owner, row.patient_id, again.id)
    assert await kinds(asking) == ["carer_allowed"]
    assert await kinds(refused) == ["carer_refused"]
    code, _ = await invitations.invite(
        owner, row.patient_id, scope="book", expires_at=None, receipt=a_receipt(owner)
    )
    await invitations.accept(joining, code, relation="child", most=5, receipt=a_receipt(joining))
    await leaving.leave(joining, row.patient_id)
    await leaving.revoke(owner, row.patient_id, asked.id)
    assert await kinds(owner) == ["carer_asks", "carer_asks", "carer_joined", "carer_left"]
    (ended, _) = await inbox(asking)
    assert (ended.kind, ended.words.page) == ("carer_ended", None)
    assert "王" not in ended.words.text


async def test_a_log_in_elsewhere_is_told_but_the_same_phone_is_no_news(
    settings: Settings, noon: clock.Hands
) -> None:
    async def open_on(device: str) -> Actor:
        _, actor = await log_in(settings, "openid-a", device=device)
        return actor

    first = await open_on("HUAWEI A")
    await open_on("HUAWEI A")
    assert await inbox(first) == []
    other = await open_on("vivo B")
    (message,) = await inbox(first)
    assert (message.kind, message.about) == ("device_added", other.session_id)
    assert "vivo B" in message.words.text
    assert message.words.page == "pages/my-data/my-data"
    noon.move(timedelta(days=31))
    await open_on("OPPO C")  # nobody is logged in any more, so nobody to warn
    assert len(await inbox(first)) == 1


async def test_read_is_ones_own_and_stays(settings: Settings, noon: clock.Hands) -> None:
    person, stranger = await a_person(settings), await a_person(settings)
    first, _ = await two_slots(settings)
    await book(person, first)
    await scan()
    (message,) = await inbox(person.actor)
    with pytest.raises(NotFound):
        await messages.mark_read(stranger.actor, message.id)
    assert await messages.unread(person.actor) == 1
    await messages.mark_read(stranger.actor, None)
    assert await messages.unread(person.actor) == 1
    await messages.mark_read(person.actor, message.id)
    read_at = (await Notice.get(id=message.id)).read_at
    noon.move(timedelta(minutes=1))
    await messages.mark_read(person.actor, message.id)
    assert (await Notice.get(id=message.id)).read_at == read_at
    assert await inbox(person.actor, unread=True) == []
    assert [one.read for one in await inbox(person.actor)] == [True]


async def test_pages_hold_each_message_once(settings: Settings) -> None:
    _, actor = await log_in(settings)
    with pytest.raises(NotFound):
        await messages.show(actor, a_desk(), uuid4())
    for _ in range(7):  # at one instant: the id decides the order
        await notices.leave(settings.consortium_id, [actor.account_id], "carer_refused")
    seen = []
    after = None
    while page := await messages.list_of(actor, a_desk(), unread=False, after=after, most=3):
        seen += [message.id for message in page]
        after = (page[-1].at, page[-1].id)
    assert len(seen) == len(set(seen)) == 7


async def test_reading_leaves_a_trace_for_each_patient_named(settings: Settings) -> None:
    person = await a_person(settings)
    await book(person, (await two_slots(settings))[0])
    await scan()
    await inbox(person.actor)
    row = await AuditEvent.get(action="inbox.read")
    assert (row.patient_id, row.actor_id) == (person.patient_id, person.actor.account_id)


async def test_what_is_old_is_forgotten_and_does_not_come_back(
    settings: Settings, noon: clock.Hands
) -> None:
    person = await a_person(settings)
    await book(person, (await two_slots(settings))[0])
    await scan()
    noon.move(KEPT - timedelta(seconds=1))
    assert await notices.sweep() == 0
    noon.move(timedelta(seconds=2))
    assert await notices.sweep() == 1
    assert await scan(scanning.LATEST) == 0


async def test_the_scan_reads_events_by_their_key(settings: Settings) -> None:
    """It runs every few seconds beside bookings: it must not read the whole table."""
    now, since = clock.now(), uuid4()
    if not database.is_sqlite():
        pytest.skip("PostgreSQL plans by statistics that a test does not have")
    plan = await database.fetch("EXPLAIN QUERY PLAN " + scanning.FIND, now, since, now, 1)
    steps = [row["detail"] for row in plan]
    assert any("SEARCH e USING INDEX" in step for step in steps), steps
