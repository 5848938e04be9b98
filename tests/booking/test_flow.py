"""Unused places flow back on time, each once, whatever others do at that moment."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from backend import clock
from backend import db as database
from backend.audit import AuditEvent
from backend.booking import appointments, flow, granting, kept, places, pool_rules
from backend.booking.desk import Desk
from backend.booking.errors import SlotFull
from backend.booking.models import Appointment, PoolReturn, PoolRule, Slot
from backend.booking.pools import FAMILY_DOCTOR, ONSITE, PUBLIC, REFERRAL
from backend.booking.schedules import a_slot as drafted
from backend.booking.tickets import Ticket
from backend.errors import Problem
from backend.identity.access import Actor
from backend.settings import Settings
from tests.clinics import Clinic, a_clinic, a_desk, a_schedule
from tests.people import Person, a_person, a_receipt
from tests.waits import join, offer_of

DAY = date(2026, 11, 25)  # two days after `noon`
EVENING = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # 18:00 the day before
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
async def hospital(db: None, settings: Settings, noon: clock.Hands) -> Clinic:
    pool_rules.forget()
    return await a_clinic(settings, tier="county", name="县人民医院")


async def a_split(
    settings: Settings, hospital: Clinic, places: dict[str, int], *, slots: int = 1
) -> dict[str, list[Slot]]:
    """An expert's schedule whose slots have these places each."""
    public = await a_schedule(
        settings, hospital, on=DAY, capacity=places[PUBLIC], slots=slots, kind="expert"
    )
    found = {PUBLIC: public}
    schedule: Any = await public[0].schedule
    for pool in places.keys() - {PUBLIC}:
        made = [drafted(schedule, pool, s.starts_at, HALF_HOUR, places[pool]) for s in public]
        await Slot.bulk_create(made)
        found[pool] = made
    return found


async def a_rule(settings: Settings, pool: str, **changes: Any) -> None:
    base = {"share": 10, "opens_days": 14, "effective_from": date(2026, 11, 1)}
    await PoolRule.create(
        id=uuid4(), consortium_id=settings.consortium_id, pool=pool, created_at=clock.now(),
        **(base | changes),
    )  # fmt: skip
    pool_rules.forget()


async def take(slot: Slot, who: Person) -> Ticket:
    """As a family doctor's booking does, without its rights."""
    staff = Actor(slot.consortium_id, "staff", uuid4())
    place = (await places.load([slot.id]))[slot.id]

    async def attempt() -> Ticket:
        async with database.transaction():
            return await kept.take(
                staff, place, patient_id=who.patient_id, patient_name="王*", origin="doctor"
            )

    return await database.retried(attempt)


async def capacities(slots: dict[str, list[Slot]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for slot in await Slot.filter(schedule_id=slots[PUBLIC][0].schedule_id).order_by("starts_at"):
        found.setdefault(slot.pool, []).append(slot.capacity)
    return found


async def test_unused_places_flow_to_the_public_the_evening_before(
    hospital: Clinic, settings: Settings, noon: clock.Hands
) -> None:
    slots = await a_split(settings, hospital, {PUBLIC: 3, REFERRAL: 2, FAMILY_DOCTOR: 1}, slots=2)
    await take(slots[REFERRAL][0], await a_person(settings))
    noon.set(EVENING - timedelta(seconds=1))
    assert await flow.flow_back(settings.consortium_id) == 0
    noon.set(EVENING)
    assert await flow.flow_back(settings.consortium_id) == 5
    assert await capacities(slots) == {PUBLIC: [5, 6], REFERRAL: [1, 0], FAMILY_DOCTOR: [0, 0]}
    rows = await PoolReturn.all()
    assert sum(row.places for row in rows) == 5
    assert {row.in_time for row in rows} == {True}
    told = await AuditEvent.get(action="pool.returned")
    assert (told.entity_id, told.actor_kind) == (slots[PUBLIC][0].schedule_id, "system")
    assert told.detail == {"places": {"referral public": 3, "family_doctor public": 2}}


async def test_what_has_moved_is_not_moved_again(
    hospital: Clinic, settings: Settings, noon: clock.Hands
) -> None:
    slots = await a_split(settings, hospital, {PUBLIC: 1, REFERRAL: 4})
    noon.set(EVENING)
    counts = await asyncio.gather(*(flow.flow_back(settings.consortium_id) for _ in range(5)))
    assert sum(counts) == 4
    assert await capacities(slots) == {PUBLIC: [5], REFERRAL: [0]}
    assert await AuditEvent.filter(action="pool.returned").count() == 1


async def test_a_place_given_back_later_follows(
    hospital: Clinic, settings: Settings, noon: clock.Hands
) -> None:
    slots = await a_split(settings, hospital, {PUBLIC: 1, FAMILY_DOCTOR: 1})
    who = await a_person(settings)
    ticket = await take(slots[FAMILY_DOCTOR][0], who)
    noon.set(EVENING)
    assert await flow.flow_back(settings.consortium_id) == 0
    await appointments.cancel(
        who.actor, a_desk(), ticket.id, reason="", receipt=a_receipt(who.actor)
    )
    assert await flow.flow_back(settings.consortium_id) == 1
    assert await capacities(slots) == {PUBLIC: [2], FAMILY_DOCTOR: [0]}


async def test_a_rule_says_when_and_where_to_and_the_slot_there_is_made(
    hospital: Clinic, settings: Settings, noon: clock.Hands
) -> None:
    await a_rule(settings, REFERRAL, returns_days=2, returns_time="12:00", returns_to=FAMILY_DOCTOR)
    slots = await a_split(settings, hospital, {PUBLIC: 1, REFERRAL: 2})
    assert await flow.flow_back(settings.consortium_id) == 2
    assert await capacities(slots) == {PUBLIC: [1], REFERRAL: [0], FAMILY_DOCTOR: [2]}
    noon.set(EVENING)
    assert await flow.flow_back(settings.consortium_id) == 2
    assert (await capacities(slots))[PUBLIC] == [3]


async def test_places_for_the_desk_wait_for_the_day_and_then_for_the_rules_hour(
    hospital: Clinic, settings: Settings, noon: clock.Hands
) -> None:
    await a_rule(settings, ONSITE, opens_days=0, returns_days=5, returns_time="08:40")
    slots = await a_split(settings, hospital, {PUBLIC: 1, ONSITE: 1}, slots=2)
    first = slots[ONSITE][0].starts_at  # 09:00 in China
    noon.set(first - timedelta(minutes=21))
    assert await flow.flow_back(settings.consortium_id) == 0
    noon.set(first - timedelta(minutes=20))
    assert await flow.flow_back(settings.consortium_id) == 2
    rows = {row.from_slot_id: row.in_time for row in await PoolReturn.all()}
    # Booking closes half an hour before a slot: the first one came too late for anybody.
    assert [rows[slot.id] for slot in slots[ONSITE]] == [False, True]
    assert await capacities(slots) == {PUBLIC: [2, 2], ONSITE: [0, 0]}


async def test_what_is_over_or_shut_stays_where_it_is(
    hospital: Clinic, settings: Settings, noon: clock.Hands
) -> None:
    slots = await a_split(settings, hospital, {PUBLIC: 1, REFERRAL: 1}, slots=2)
    await Slot.filter(id=slots[REFERRAL][1].id).update(open=False)
    noon.set(slots[PUBLIC][0].starts_at)
    assert await flow.flow_back(settings.consortium_id) == 0
    assert await capacities(slots) == {PUBLIC: [1, 1], REFERRAL: [1, 1]}


async def test_whoever_waits_gets_the_places_before_the_public(
    hospital: Clinic, settings: Settings, noon: clock.Hands
) -> None:
    slots = await a_split(settings, hospital, {PUBLIC: 0, REFERRAL: 2})
    waiting = [await a_person(settings) for _ in range(3)]
    for who in waiting:
        await join(who, hospital)
        noon.move(timedelta(minutes=1))
    noon.set(EVENING)
    assert await flow.flow_back(settings.consortium_id) == 2
    public = slots[PUBLIC][0]
    for who in waiting[:2]:
        await offer_of(who, public)
    with pytest.raises(SlotFull):
        await public_book(a_desk(), public, await a_person(settings))
    await check_books(slots, 2)


async def public_book(desk: Desk, slot: Slot, who: Person) -> Ticket:
    return await appointments.book(
        who.actor, desk, slot_id=slot.id, patient_id=who.patient_id, confirm=True,
        receipt=a_receipt(who.actor),
    )  # fmt: skip


async def check_books(slots: dict[str, list[Slot]], total: int) -> None:
    rows = await Slot.filter(schedule_id=slots[PUBLIC][0].schedule_id)
    assert sum(row.capacity for row in rows) == total
    taken = Counter(
        [row.slot_id for row in await Appointment.filter(status__in=("booked", "pending"))]
    )
    for row in rows:
        assert 0 <= row.booked == taken[row.id] <= row.capacity


async def shut(slots: Sequence[Slot]) -> None:
    """As whoever suspends a schedule does."""
    ids = [slot.id for slot in slots]
    async with database.transaction():
        await granting.freeze(ids)
        await Slot.filter(id__in=ids).update(open=False)


async def test_nothing_is_lost_or_sold_twice_while_everybody_comes_at_once(
    hospital: Clinic, settings: Settings, noon: clock.Hands
) -> None:
    """Ten book from the pool and ten from the public, four cancel, three flow back."""
    slots = await a_split(settings, hospital, {PUBLIC: 2, FAMILY_DOCTOR: 8})
    public, pool = slots[PUBLIC][0], slots[FAMILY_DOCTOR][0]
    desk = a_desk()
    early = [await a_person(settings) for _ in range(4)]
    tickets = [await take(pool, who) for who in early]
    people = [await a_person(settings) for _ in range(20)]
    noon.set(EVENING)

    deeds: list[Any] = [flow.flow_back(settings.consortium_id) for _ in range(3)]
    for number, who in enumerate(people):
        deeds.append(take(pool, who) if number % 2 else public_book(desk, public, who))
    for who, ticket in zip(early, tickets, strict=True):
        deeds.append(
            appointments.cancel(who.actor, desk, ticket.id, reason="", receipt=a_receipt(who.actor))
        )
    results = await asyncio.gather(*deeds, return_exceptions=True)
    wrong = [
        one for one in results if isinstance(one, BaseException) and not isinstance(one, Problem)
    ]
    assert wrong == []
    await check_books(slots, 10)
    await flow.flow_back(settings.consortium_id)
    await check_books(slots, 10)
    refused = [one for one in results if isinstance(one, SlotFull)]
    living = await Appointment.filter(status="booked").count()
    assert living == len(people) - len(refused)
    assert (await Slot.get(id=pool.id)).capacity == (await Slot.get(id=pool.id)).booked


async def test_a_schedule_that_is_shut_meanwhile_keeps_all_its_places(
    hospital: Clinic, settings: Settings, noon: clock.Hands
) -> None:
    slots = await a_split(settings, hospital, {PUBLIC: 1, REFERRAL: 2}, slots=4)
    noon.set(EVENING)
    every = [*slots[PUBLIC], *slots[REFERRAL]]
    await asyncio.gather(
        *(flow.flow_back(settings.consortium_id) for _ in range(10)),
        *(shut(every) for _ in range(10)),
    )
    await check_books(slots, 12)
    found = await capacities(slots)
    assert found in (
        {PUBLIC: [1] * 4, REFERRAL: [2] * 4},
        {PUBLIC: [3] * 4, REFERRAL: [0] * 4},
    )  # fmt: skip
