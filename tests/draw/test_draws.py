"""Draws from announcement to result, on either database."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.booking import appointments, availability
from backend.booking.errors import ByDraw, Restricted, SlotFull
from backend.booking.models import Appointment, Restriction, Schedule, Slot
from backend.draw import drawing, draws, entering
from backend.draw.errors import (
    DrawClosed,
    DrawOver,
    DrawTimes,
    EnteredAlready,
    NotDrawable,
    NotEntered,
)
from backend.draw.lottery import Published, Result, faults
from backend.draw.models import Draw, DrawEntry
from backend.errors import NotFound
from backend.identity.access import Actor
from backend.identity.models import Carer, Patient
from backend.notices import Notice
from backend.settings import Settings
from tests.clinics import Clinic, a_clinic, a_desk, a_schedule
from tests.people import Person, a_person, a_receipt, a_staff, an_account, vault_of

RIVALS = 20
DAYS_AHEAD = 10  # a county hospital releases seven days before


class Fair:
    """A county hospital with a draw announced for one of its schedules."""

    def __init__(self, settings: Settings, clinic: Clinic, slots: list[Slot], draw: Draw) -> None:
        self.settings, self.clinic, self.slots, self.draw = settings, clinic, slots, draw
        self.vault = vault_of(settings)

    async def enter(self, who: Person, patient_id: UUID | None = None) -> entering.Ballot:
        return await entering.enter(
            who.actor, self.vault, self.draw.id, patient_id or who.patient_id,
            receipt=a_receipt(who.actor),
        )  # fmt: skip

    async def draw_now(self, hands: clock.Hands) -> None:
        hands.set(self.draw.closes_at + timedelta(seconds=1))
        await drawing.draw_due(self.settings.consortium_id, self.vault)

    async def outcomes(self) -> list[str]:
        rows = await DrawEntry.filter(draw_id=self.draw.id).order_by("rank")
        return [row.outcome for row in rows]


async def announced(
    settings: Settings, *, capacity: int = 1, slots: int = 2, kind: str = "expert"
) -> Fair:
    clinic = await a_clinic(settings, tier="county")
    on = clock.today() + timedelta(days=DAYS_AHEAD)
    made = await a_schedule(settings, clinic, on=on, capacity=capacity, slots=slots, kind=kind)
    draw = await announce(settings, clinic, made[0].schedule_id)
    return Fair(settings, clinic, made, draw)


async def announce(settings: Settings, clinic: Clinic, schedule_id: UUID, **times: Any) -> Draw:
    now = clock.now()
    told = {"opens_at": now, "closes_at": now + timedelta(days=1)} | times
    return await draws.announce(
        a_staff(settings, "institution_admin", clinic.organization), vault_of(settings),
        schedule_id, **told,
    )  # fmt: skip


@pytest.fixture
async def fair(db: None, settings: Settings, noon: clock.Hands) -> Fair:
    return await announced(settings)


async def test_places_go_down_the_list_and_anybody_can_check_it(
    fair: Fair, noon: clock.Hands
) -> None:
    people = [await a_person(fair.settings) for _ in range(5)]
    for who in people:
        await fair.enter(who)
    sealed = await Draw.get(id=fair.draw.id)
    assert sealed.seed is None
    await fair.draw_now(noon)
    draw = await Draw.get(id=fair.draw.id)
    rows = await draws.results(draw.id)
    assert [row.outcome for row in rows] == ["won", "won", "lost", "lost", "lost"]
    results = [Result(row.rank or 0, row.code, row.outcome, row.reason) for row in rows]
    assert draw.seed_hash == sealed.seed_hash
    assert faults(Published(draw.seed_hash, draw.seed, draw.places, results)) == []
    won = await Appointment.filter(origin="draw").order_by("starts_at")
    assert [row.slot_id for row in won] == [slot.id for slot in fair.slots]
    assert {row.status for row in won} == {"booked"}
    assert [row.appointment_id for row in rows[:2]] == [row.id for row in won]
    assert await Notice.filter(kind="draw_lost").count() == 3
    assert [await Slot.get(id=slot.id).values_list("booked", flat=True) for slot in fair.slots] == [
        1,
        1,
    ]


async def test_who_has_nobody_who_could_come_is_passed(fair: Fair, noon: clock.Hands) -> None:
    """Whoever entered them has left meanwhile, or may only look."""
    people = [await a_person(fair.settings) for _ in range(3)]
    for who in people:
        await fair.enter(who)
    left, looks, comes = people
    await Carer.filter(patient_id=left.patient_id).update(state="revoked")
    await Carer.filter(patient_id=looks.patient_id).update(scope="view")
    await fair.draw_now(noon)
    rows = {row.patient_id: row for row in await draws.results(fair.draw.id)}
    assert rows[comes.patient_id].outcome == "won"
    for who in (left, looks):
        assert (rows[who.patient_id].outcome, rows[who.patient_id].reason) == ("lost", "not-found")
    draw = await Draw.get(id=fair.draw.id)
    results = [Result(row.rank or 0, row.code, row.outcome, row.reason) for row in rows.values()]
    assert faults(Published(draw.seed_hash, draw.seed, draw.places, results)) == []


async def test_drawn_again_nothing_changes(fair: Fair, noon: clock.Hands) -> None:
    for _ in range(4):
        await fair.enter(await a_person(fair.settings))
    await fair.draw_now(noon)
    before = await fair.outcomes()
    await asyncio.gather(
        *(drawing.draw_due(fair.settings.consortium_id, fair.vault) for _ in range(4))
    )
    assert await fair.outcomes() == before
    assert await Appointment.all().count() == 2


async def test_a_run_that_broke_off_is_finished_by_the_next(
    fair: Fair, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        await fair.enter(await a_person(fair.settings))
    real, calls = drawing._try, 0

    async def breaks(*told: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionError
        await real(*told)

    monkeypatch.setattr(drawing, "_try", breaks)
    with pytest.raises(ConnectionError):
        await fair.draw_now(noon)
    ranked = await draws.results(fair.draw.id)
    await drawing.draw_due(fair.settings.consortium_id, fair.vault)
    assert [row.code for row in await draws.results(fair.draw.id)] == [row.code for row in ranked]
    assert await fair.outcomes() == ["won", "won", "lost", "lost"]


async def test_many_who_draw_at_once_give_each_place_once(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    fair = await announced(settings, capacity=4, slots=3)
    for _ in range(RIVALS):
        await fair.enter(await a_person(settings))
    noon.set(fair.draw.closes_at)
    await asyncio.gather(*(drawing.draw_due(settings.consortium_id, fair.vault) for _ in range(4)))
    assert await fair.outcomes() == ["won"] * 12 + ["lost"] * 8
    assert await Appointment.all().count() == 12
    assert {slot.booked for slot in await Slot.all()} == {4}


async def test_one_identity_has_one_entry_however_many_ask(fair: Fair) -> None:
    """Twenty accounts that all care for the same person."""
    who = await a_person(fair.settings)
    rivals = [who.actor]
    for _ in range(RIVALS - 1):
        actor = await an_account(fair.settings)
        await Carer.create(
            id=uuid4(), consortium_id=actor.consortium_id, patient_id=who.patient_id,
            account_id=actor.account_id, relation="child", scope="book", state="active",
            created_at=clock.now(),
        )  # fmt: skip
        rivals.append(actor)
    results = await asyncio.gather(
        *(fair.enter(Person(actor, who.patient_id)) for actor in rivals), return_exceptions=True
    )
    assert sum(isinstance(one, EnteredAlready) for one in results) == RIVALS - 1
    assert await DrawEntry.filter(draw_id=fair.draw.id).count() == 1


async def test_nobody_books_around_the_draw(fair: Fair, noon: clock.Hands) -> None:
    """Not before it either, however long the places have been released."""
    who = await a_person(fair.settings)
    released_at = await draws.release_of(await Schedule.get(id=fair.slots[0].schedule_id))
    noon.set(released_at)
    with pytest.raises(ByDraw):
        await appointments.book(
            who.actor, a_desk(), slot_id=fair.slots[0].id, patient_id=who.patient_id,
            confirm=True, receipt=a_receipt(who.actor),
        )  # fmt: skip
    county, schedule_id = fair.settings.consortium_id, fair.slots[0].schedule_id
    shown = await availability.slots_of(county, schedule_id)
    assert {slot.state for slot in shown} == {"not_open"}
    await fair.draw_now(noon)
    noon.set(released_at)
    shown = await availability.slots_of(county, schedule_id)
    assert {slot.state for slot in shown} == {"open"}


async def test_whoever_may_not_book_is_passed_with_the_reason(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    fair = await announced(settings, slots=3)
    people = [await a_person(settings) for _ in range(3)]
    for who in people:
        await fair.enter(who)
    barred = people[0]
    await Restriction.create(
        id=uuid4(), consortium_id=settings.consortium_id, patient_id=barred.patient_id,
        kind="expert", cause="no_shows", policy_version="x", from_at=clock.now(),
        until_at=clock.now() + timedelta(days=30),
    )  # fmt: skip
    await fair.draw_now(noon)
    row = await DrawEntry.get(draw_id=fair.draw.id, patient_id=barred.patient_id)
    assert (row.outcome, row.reason) == ("lost", Restricted.code)
    assert sorted(await fair.outcomes()) == ["lost", "won", "won"]
    with pytest.raises(Restricted):
        await (await announced(settings)).enter(barred)


async def test_a_stopped_schedule_gives_nothing(fair: Fair, noon: clock.Hands) -> None:
    await fair.enter(await a_person(fair.settings))
    await Slot.filter(schedule_id=fair.slots[0].schedule_id).update(open=False)
    await fair.draw_now(noon)
    draw = await Draw.get(id=fair.draw.id)
    assert (draw.state, draw.places, await fair.outcomes()) == ("drawn", 0, ["lost"])


async def test_an_entry_can_be_taken_back_and_made_again(fair: Fair, noon: clock.Hands) -> None:
    who = await a_person(fair.settings)
    first = await fair.enter(who)
    with pytest.raises(EnteredAlready):
        await fair.enter(who)
    await entering.withdraw(who.actor, fair.draw.id, who.patient_id)
    with pytest.raises(NotEntered):
        await entering.withdraw(who.actor, fair.draw.id, who.patient_id)
    again = await fair.enter(who)
    assert again.entry.code == first.entry.code  # nobody fishes for a better one
    assert [one.entry.outcome for one in await entering.mine(who.actor)] == ["waiting"]
    noon.set(fair.draw.closes_at)
    for late in (fair.enter(who), entering.withdraw(who.actor, fair.draw.id, who.patient_id)):
        with pytest.raises(DrawClosed):
            await late
    assert await AuditEvent.filter(action="draw.entered").count() == 2


async def test_only_what_nobody_could_book_yet_is_drawn(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    clinic = await a_clinic(settings, tier="county")
    soon = clock.today() + timedelta(days=3)
    released = await a_schedule(settings, clinic, on=soon)
    with pytest.raises(NotDrawable):
        await announce(settings, clinic, released[0].schedule_id)
    later = await a_schedule(settings, clinic, on=clock.today() + timedelta(days=DAYS_AHEAD))
    schedule_id = later[0].schedule_id
    release = await draws.release_of(await Schedule.get(id=schedule_id))
    wrong: list[dict[str, datetime]] = [
        {"closes_at": release + timedelta(seconds=1)},
        {"closes_at": clock.now() + timedelta(minutes=59)},
        {"opens_at": release - timedelta(minutes=30), "closes_at": release},
    ]
    for times in wrong:
        with pytest.raises(DrawTimes):
            await announce(settings, clinic, schedule_id, **times)
    results = await asyncio.gather(
        *(announce(settings, clinic, schedule_id) for _ in range(RIVALS)), return_exceptions=True
    )
    assert sum(isinstance(one, NotDrawable) for one in results) == RIVALS - 1


async def test_a_draw_that_ends_early_is_released_as_usual(fair: Fair, noon: clock.Hands) -> None:
    staff = a_staff(fair.settings, "institution_admin", fair.clinic.organization)
    await draws.void(staff, fair.draw.id, reason="设错了")
    assert (await Schedule.get(id=fair.slots[0].schedule_id)).release == "first"
    await fair.draw_now(noon)
    assert (await Draw.get(id=fair.draw.id)).state == "void"
    with pytest.raises(DrawOver):
        await draws.void(staff, fair.draw.id, reason="再来")
    assert await draws.list_of(staff) == []


async def test_outsiders_decide_nothing(fair: Fair) -> None:
    settings = fair.settings
    other = await a_clinic(settings, tier="county", name="别的医院")
    outsiders = [
        a_staff(settings, "institution_admin", other.organization),
        a_staff(settings, "doctor", fair.clinic.organization),
        await an_account(settings),
        Actor(uuid4(), "staff", uuid4(), grants=a_staff(settings, "consortium_admin").grants),
    ]
    for actor in outsiders:
        with pytest.raises(NotFound):
            await draws.void(actor, fair.draw.id, reason="x")
        with pytest.raises(NotFound):
            await draws.announce(
                actor, fair.vault, fair.slots[0].schedule_id,
                opens_at=clock.now(), closes_at=clock.now() + timedelta(hours=2),
            )  # fmt: skip
    zhao, wang = await a_person(settings, "赵强"), await a_person(settings)
    with pytest.raises(NotFound):
        await fair.enter(zhao, wang.patient_id)
    await fair.enter(wang)
    with pytest.raises(NotFound):
        await entering.withdraw(zhao.actor, fair.draw.id, wang.patient_id)
    assert await entering.mine(zhao.actor) == []


async def test_two_hundred_bots_with_fifty_identities(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """Four bots fight for each of fifty identities; 2,000 residents take part too; 100 places.

    What bots win is by lot (see `test_lottery`); here: no identity is counted twice, no place is
    given twice, and nobody holds more than one.
    """
    fair = await announced(settings, capacity=20, slots=5)
    identities = [await a_person(settings) for _ in range(50)]
    bots = [who for who in identities for _ in range(4)]
    results = await asyncio.gather(*map(fair.enter, bots), return_exceptions=True)
    assert sum(isinstance(one, EnteredAlready) for one in results) == 150
    await _residents(fair, 2000)
    await fair.draw_now(noon)
    outcomes = await fair.outcomes()
    assert outcomes == ["won"] * 100 + ["lost"] * 1950
    won = await Appointment.all().values_list("patient_id", flat=True)
    assert len(won) == len(set(won)) == 100


async def test_a_drawn_place_can_not_be_handed_on(fair: Fair, noon: clock.Hands) -> None:
    """Whoever gives it back gives it to the first who lost, however quick an accomplice is."""
    people = {who.patient_id: who for who in [await a_person(fair.settings) for _ in range(6)]}
    for who in people.values():
        await fair.enter(who)
    await fair.draw_now(noon)
    noon.set(await draws.release_of(await Schedule.get(id=fair.slots[0].schedule_id)))
    desk, ranked = a_desk(), await draws.results(fair.draw.id)
    for turn, slot in enumerate(fair.slots):
        seller = people[ranked[turn].patient_id]
        (row,) = await Appointment.filter(slot_id=slot.id)
        rivals = [await a_person(fair.settings) for _ in range(RIVALS)]
        await appointments.cancel(
            seller.actor, desk, row.id, reason="", receipt=a_receipt(seller.actor)
        )
        results = await asyncio.gather(
            *(
                appointments.book(
                    one.actor, desk, slot_id=slot.id, patient_id=one.patient_id, confirm=True,
                    receipt=a_receipt(one.actor),
                )
                for one in rivals
            ),
            return_exceptions=True,
        )  # fmt: skip
        assert {type(one) for one in results} == {SlotFull}
        offered = await Appointment.get(slot_id=slot.id, status="pending")
        assert offered.patient_id == ranked[len(fair.slots) + turn].patient_id


async def _residents(fair: Fair, number: int) -> None:
    """People with an entry, straight into the tables; one account cares for them all."""
    county, now = fair.settings.consortium_id, clock.now()
    account_id = (await an_account(fair.settings)).account_id
    patients = [
        Patient(
            id=uuid4(), consortium_id=county, name="居民", id_kind="resident_id", id_sealed="t1:x",
            id_index=uuid4().hex, birth_on=clock.today(), sex="unknown", created_at=now,
        )
        for _ in range(number)
    ]  # fmt: skip
    await Patient.bulk_create(patients, batch_size=500)
    await Carer.bulk_create(
        (
            Carer(
                id=uuid4(), consortium_id=county, patient_id=patient.id, account_id=account_id,
                relation="child", scope="book", state="active", created_at=now,
            )
            for patient in patients
        ),
        batch_size=500,
    )  # fmt: skip
    await DrawEntry.bulk_create(
        (
            DrawEntry(
                id=uuid4(), draw_id=fair.draw.id, patient_id=patient.id, account_id=account_id,
                code=uuid4().hex[:12], registered_at=now,
            )
            for patient in patients
        ),
        batch_size=500,
    )  # fmt: skip
