"""What can be booked: free places that are true, states, filters, and pages that are whole."""

import dataclasses
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend import clock
from backend.booking import availability, policies
from backend.booking.availability import Offer
from backend.booking.errors import BookingClosed, NotYetOpen
from backend.booking.models import BookingPolicy, Schedule, Slot
from backend.booking.wanted import Search
from backend.consortium import directory
from backend.consortium.models import Consortium, Organization
from backend.errors import NotFound
from backend.settings import Settings
from tests.booking.test_appointments import book, cancel
from tests.clinics import Clinic, a_clinic, a_desk, a_schedule
from tests.people import a_person

PAGE = 100


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def found(settings: Settings, **wanted: Any) -> list[Offer]:
    offers, _ = await availability.search(
        settings.consortium_id, Search(**wanted), after=None, most=PAGE
    )
    return offers


async def only(settings: Settings, **wanted: Any) -> Offer:
    (offer,) = await found(settings, **wanted)
    return offer


async def slots_of(settings: Settings, slot: Slot) -> list[Any]:
    return await availability.slots_of(settings.consortium_id, slot.schedule_id)


# --- free places ----------------------------------------------------------------------------------


async def test_free_places_follow_every_deed(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic = await a_clinic(settings)
    first, second = await a_schedule(settings, clinic, capacity=2, slots=2)

    async def free() -> tuple[int, list[int]]:
        offer = await only(settings)
        assert offer.capacity == 4
        return offer.free, [slot.free for slot in await slots_of(settings, first)]

    assert await free() == (4, [2, 2])
    one, two = await a_person(settings), await a_person(settings)
    ticket = await book(one, first)
    assert await free() == (3, [1, 2])
    await book(two, second, confirm=False)
    assert await free() == (2, [1, 1])
    await cancel(one, ticket)
    assert await free() == (3, [2, 1])
    noon.move(timedelta(minutes=10))
    assert await free() == (4, [2, 2]), "a dead hold is free before any job comes by"


async def test_a_slot_that_is_shut_or_for_others_is_not_counted(
    db: None, settings: Settings
) -> None:
    clinic = await a_clinic(settings)
    slots = await a_schedule(settings, clinic, capacity=2, slots=3)
    await Slot.filter(id=slots[0].id).update(open=False)
    await Slot.filter(id=slots[1].id).update(pool="referral")
    offer = await only(settings)
    assert offer.free == 2
    shown = await slots_of(settings, slots[0])
    assert [(slot.id, slot.free, slot.state) for slot in shown] == [
        (slots[0].id, 0, "suspended"), (slots[2].id, 2, "open"),
    ]  # fmt: skip


async def test_only_what_is_free_when_only_that_is_wanted(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """Also a place that a dead hold still counts; not one that nobody can book any more."""
    clinic = await a_clinic(settings)
    full = (await a_schedule(settings, clinic, capacity=1))[0]
    dead = (await a_schedule(settings, await a_clinic(settings), capacity=1))[0]
    shut = (await a_schedule(settings, await a_clinic(settings), capacity=1))[0]
    gone = (await a_schedule(settings, await a_clinic(settings), capacity=1))[0]
    open_ = (await a_schedule(settings, await a_clinic(settings), capacity=1))[0]
    await book(await a_person(settings), full)
    await book(await a_person(settings), dead, confirm=False)
    await Slot.filter(id=shut.id).update(open=False)
    await Schedule.filter(id=gone.schedule_id).update(status="suspended")
    noon.move(timedelta(minutes=11))
    offers = await found(settings, free_only=True)
    assert {offer.id for offer in offers} == {dead.schedule_id, open_.schedule_id}
    assert all(offer.free for offer in offers)
    assert len(await found(settings)) == 5


async def test_todays_places_close_slot_by_slot(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """Thirty minutes before each slot: of 12:20, 12:50 and 13:20, at noon the first is over."""
    clinic = await a_clinic(settings)
    slots = await a_schedule(
        settings, clinic, on=clock.today(), starts=time(12, 20), slots=3, capacity=2
    )

    async def now() -> tuple[int, str, list[str]]:
        offers = await found(settings)
        offer = offers[0]
        return offer.free, offer.state, [slot.state for slot in await slots_of(settings, slots[0])]

    assert await now() == (4, "open", ["closed", "open", "open"])
    noon.move(timedelta(minutes=20))
    assert await now() == (2, "open", ["closed", "closed", "open"])
    noon.move(timedelta(minutes=30))
    assert await now() == (0, "closed", ["closed", "closed", "closed"])
    noon.move(timedelta(hours=1))
    assert await found(settings) == []


async def test_places_can_close_a_day_before(db: None, settings: Settings) -> None:
    """A county may close its booking up to a day ahead: tomorrow's places are then closed today."""
    clinic = await a_clinic(settings)
    await BookingPolicy.create(
        id=uuid4(), consortium_id=settings.consortium_id, code="early", version=1,
        effective_from=date(2026, 1, 1), numbers={"closes_min": 1440}, created_at=clock.now(),
    )  # fmt: skip
    policies.forget()
    tomorrow = clock.today() + timedelta(days=1)
    slots = await a_schedule(settings, clinic, on=tomorrow, starts=time(11), slots=4, capacity=1)
    assert [slot.state for slot in await slots_of(settings, slots[0])] == [
        "closed", "closed", "closed", "open",
    ]  # fmt: skip
    assert (await only(settings)).free == 1


@pytest.mark.parametrize(
    ("days", "at", "state"),
    [(14, time(12), "open"), (15, time(12), "not_open"), (15, time(6, 59), "not_open")],
)
async def test_places_open_at_their_hour(
    db: None, settings: Settings, noon: clock.Hands, days: int, at: time, state: str
) -> None:
    noon.set(clock.at(clock.today(), at))
    clinic = await a_clinic(settings)
    on = clock.today() + timedelta(days=days)
    slot = (await a_schedule(settings, clinic, on=on))[0]
    assert (await only(settings)).state == state
    assert (await slots_of(settings, slot))[0].state == state
    if state == "not_open":
        noon.set((await only(settings)).opens_at)
        assert (await only(settings)).state == "open"


async def test_full_and_suspended_are_said(db: None, settings: Settings) -> None:
    clinic = await a_clinic(settings)
    slot = (await a_schedule(settings, clinic, capacity=1))[0]
    await book(await a_person(settings), slot)
    assert ((await only(settings)).state, (await slots_of(settings, slot))[0].state) == (
        "full", "full",
    )  # fmt: skip
    await Schedule.filter(id=slot.schedule_id).update(status="suspended")
    offer = await only(settings)
    assert (offer.state, offer.free) == ("suspended", 0)


async def test_what_is_offered_can_be_booked(db: None, settings: Settings) -> None:
    """Whatever says `open` with free places takes a booking, and what does not, does not."""
    clinic = await a_clinic(settings)
    today = clock.today()
    for days, starts in ((0, time(12, 15)), (0, time(14)), (1, time(9)), (14, time(9)),
                         (15, time(9))):  # fmt: skip
        await a_schedule(settings, clinic, on=today + timedelta(days=days), starts=starts)
    person, desk = await a_person(settings), a_desk()
    for offer in await found(settings):
        slot = await Slot.get(schedule_id=offer.id)
        if offer.state == "open" and offer.free:
            assert (await book(person, slot, desk)).status == "booked"
        else:
            with pytest.raises((BookingClosed, NotYetOpen)):
                await book(person, slot, desk)


# --- filters --------------------------------------------------------------------------------------


async def placed(settings: Settings, latitude: float | None, **facts: Any) -> Clinic:
    clinic = await a_clinic(settings, **facts)
    await Organization.filter(id=clinic.organization.id).update(
        latitude=latitude, longitude=latitude and 120.0
    )
    directory.forget()
    return clinic


async def test_each_filter_narrows_to_its_own(db: None, settings: Settings) -> None:
    near, far = await placed(settings, 30.01), await placed(settings, 31.0, tier="county")
    nowhere = await placed(settings, None, tier="village")
    one = (await a_schedule(settings, near))[0].schedule_id
    two = (await a_schedule(settings, far, kind="expert"))[0].schedule_id
    three = (await a_schedule(settings, nowhere, on=clock.today() + timedelta(days=4)))[0]
    here = (30.0, 120.0)
    cases: list[tuple[dict[str, Any], set[UUID]]] = [
        ({}, {one, two, three.schedule_id}),
        ({"organization_id": near.organization.id}, {one}),
        ({"department_id": far.department.id}, {two}),
        ({"practitioner_id": far.practitioner.id}, {two}),
        ({"kind": "expert"}, {two}),
        ({"tier": "township"}, {one}),
        ({"tier": "village"}, {three.schedule_id}),
        ({"near": here, "within_km": 2.0}, {one}),
        ({"near": here, "within_km": 200.0}, {one, two}),
        ({"near": here}, {one, two, three.schedule_id}),
        ({"from_on": clock.today() + timedelta(days=3)}, {three.schedule_id}),
        ({"to_on": clock.today() + timedelta(days=3)}, {one, two}),
        ({"q": "头晕"}, {one, two, three.schedule_id}),
        ({"q": "李建国"}, {one, two, three.schedule_id}),
        ({"q": "牙痛"}, set()),
        ({"q": "头晕", "tier": "county"}, {two}),
        ({"department_id": far.department.id, "tier": "township"}, set()),
        ({"department_id": far.department.id, "q": "牙痛"}, set()),
        ({"department_id": far.department.id, "near": here, "within_km": 2.0}, set()),
        ({"organization_id": near.organization.id, "tier": "county"}, set()),
        ({"organization_id": near.organization.id, "q": "头晕"}, {one}),
        ({"organization_id": uuid4()}, set()),
        ({"department_id": uuid4()}, set()),
        ({"practitioner_id": uuid4()}, set()),
    ]
    for wanted, ids in cases:
        assert {offer.id for offer in await found(settings, **wanted)} == ids, wanted


async def test_an_offer_says_how_far(db: None, settings: Settings) -> None:
    await a_schedule(settings, await placed(settings, 30.01))
    assert (await only(settings)).distance_km is None
    assert (await only(settings, near=(30.0, 120.0))).distance_km == pytest.approx(1.11, abs=0.01)


async def test_yesterday_is_never_offered(db: None, settings: Settings, noon: clock.Hands) -> None:
    slot = (await a_schedule(settings, await a_clinic(settings)))[0]
    noon.set(slot.starts_at + timedelta(days=1))
    for wanted in ({}, {"from_on": date(2026, 1, 1)}, {"from_on": date.min}):
        assert await found(settings, **wanted) == []


async def test_another_county_offers_nothing_here(db: None, settings: Settings) -> None:
    elsewhere = dataclasses.replace(settings, consortium="elsewhere")
    await Consortium.create(id=elsewhere.consortium_id, code="elsewhere", name="外县")
    far = await a_clinic(elsewhere)
    slot = (await a_schedule(elsewhere, far))[0]
    await a_schedule(settings, await a_clinic(settings))
    assert slot.schedule_id not in {offer.id for offer in await found(settings)}
    assert len(await found(settings, q="头晕")) == 1
    for wanted in (
        {"organization_id": far.organization.id},
        {"department_id": far.department.id},
        {"practitioner_id": far.practitioner.id},
    ):
        assert await found(settings, **wanted) == []
    with pytest.raises(NotFound):
        await slots_of(settings, slot)


async def test_who_has_left_the_directory_offers_nothing(db: None, settings: Settings) -> None:
    clinic = await a_clinic(settings)
    await a_schedule(settings, clinic)
    await Organization.filter(id=clinic.organization.id).update(active=False)
    directory.forget()
    assert await found(settings) == []


# --- pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 4, 7, 100])
@pytest.mark.parametrize("free_only", [False, True])
async def test_pages_are_whole_and_in_order(
    db: None, settings: Settings, most: int, free_only: bool
) -> None:
    """With schedules at the same time, some full, some of an institution that left."""
    clinics = [await a_clinic(settings) for _ in range(4)]
    wanted: set[UUID] = set()
    for number in range(20):
        on = clock.today() + timedelta(days=2 + number % 3)
        slot = (await a_schedule(settings, clinics[number % 4], on=on))[0]
        full = number % 5 == 0
        if full:
            await Slot.filter(id=slot.id).update(booked=1)
        if number % 4 and not (full and free_only):
            wanted.add(slot.schedule_id)
    await Organization.filter(id=clinics[0].organization.id).update(active=False)
    directory.forget()
    seen: list[Offer] = []
    after = None
    for _ in range(30):
        offers, after = await availability.search(
            settings.consortium_id, Search(free_only=free_only), after=after, most=most
        )
        seen += offers
        if after is None:
            break
    assert after is None
    assert [offer.id for offer in seen] == [
        offer.id
        for offer in sorted(seen, key=lambda one: (one.held_on, one.starts_at, str(one.id)))
    ]
    assert len(seen) == len(wanted)
    assert {offer.id for offer in seen} == wanted


async def _with_closed_ones_before(settings: Settings) -> Slot:
    """Tomorrow's expert places close a day before; today's at 12:20 are over. Then one is free."""
    clinic = await a_clinic(settings)
    await BookingPolicy.create(
        id=uuid4(), consortium_id=settings.consortium_id, code="early", version=1, kind="expert",
        effective_from=date(2026, 1, 1), numbers={"closes_min": 1440}, created_at=clock.now(),
    )  # fmt: skip
    policies.forget()
    tomorrow = clock.today() + timedelta(days=1)
    for _ in range(3):
        other = await a_clinic(settings)
        await a_schedule(settings, other, on=clock.today(), starts=time(12, 20))
        await a_schedule(settings, other, on=tomorrow, starts=time(9), kind="expert")
    return (await a_schedule(settings, clinic))[0]


@pytest.mark.parametrize("most", [1, 2, 7])
async def test_a_page_of_free_places_goes_past_what_is_closed(
    db: None, settings: Settings, most: int
) -> None:
    free = await _with_closed_ones_before(settings)
    offers, _ = await availability.search(
        settings.consortium_id, Search(free_only=True), after=None, most=most
    )
    assert [offer.id for offer in offers] == [free.schedule_id]


async def test_only_so_many_looks_for_one_page(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = await _with_closed_ones_before(settings)
    monkeypatch.setattr(availability, "LOOK_AGAIN_AT", 1)
    monkeypatch.setattr(availability, "LOOKS_MOST", 2)
    offers, after = await availability.search(
        settings.consortium_id, Search(free_only=True), after=None, most=1
    )
    assert (offers, after is None) == ([], False)
    offers, after = await availability.search(
        settings.consortium_id, Search(free_only=True), after=after, most=1
    )
    assert [offer.id for offer in offers] == [free.schedule_id]


async def test_places_that_close_alike_need_one_look(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all policies close alike, the query itself leaves out what is closed."""
    for _ in range(3):
        clinic = await a_clinic(settings)
        await a_schedule(settings, clinic, on=clock.today(), starts=time(12, 20))
    free = (await a_schedule(settings, await a_clinic(settings)))[0]
    monkeypatch.setattr(availability, "LOOKS_MOST", 1)
    offers, _ = await availability.search(
        settings.consortium_id, Search(free_only=True), after=None, most=1
    )
    assert [offer.id for offer in offers] == [free.schedule_id]
