"""Places are conserved: seeded random lives of a small town, judged by a model and by the books.

After every step: 0 ≤ booked ≤ capacity, booked is the number of places that rows hold, one living
appointment per patient and schedule, the limits of a day, and events that tell each status.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from backend import clock
from backend.booking import appointments, holds
from backend.booking.desk import Desk
from backend.booking.errors import (
    AlreadyBooked,
    BookingClosed,
    HoldExpired,
    NotPossibleNow,
    SameSlot,
    SlotFull,
    TooLateToMove,
    TooManyInDepartment,
    TooManyMoves,
    TooManyThatDay,
)
from backend.booking.models import Appointment, AppointmentEvent, Schedule, Slot
from backend.booking.tickets import Ticket
from backend.errors import Problem
from backend.settings import Settings
from tests.clinics import a_clinic, a_desk, a_schedule
from tests.people import Person, a_person, a_receipt

SEED = 20261123
PATIENCE_S = 30.0  # a deed that is never answered is a failure, not a hang
TAKEN = ("pending", "booked")
ENDED = ("cancelled",)
PER_DAY, PER_DEPARTMENT, MOVES_MOST = 3, 1, 2
HOLD, CLOSES = timedelta(minutes=10), timedelta(minutes=30)


# --- the books ------------------------------------------------------------------------------------


async def check_books() -> int:
    """Every invariant, read from the tables. Returns how many places are taken."""
    slots = {slot.id: slot for slot in await Slot.all()}
    departments = {row.id: row.department_id for row in await Schedule.all()}
    rows = await Appointment.all()
    taken = Counter(row.slot_id for row in rows if row.status in TAKEN)
    for slot in slots.values():
        assert 0 <= slot.booked <= slot.capacity
        assert slot.booked == taken[slot.id], slot.starts_at
    living = [row for row in rows if row.status not in ENDED]
    for row in rows:
        slot = slots[row.slot_id]
        assert (row.schedule_id, row.starts_at) == (slot.schedule_id, slot.starts_at)
        assert row.department_id == departments[row.schedule_id]
        assert (row.held_until is not None) or row.status != "pending"
    for key, most in (
        (lambda row: (row.patient_id, row.schedule_id), 1),
        (lambda row: (row.patient_id, row.held_on), PER_DAY),
        (lambda row: (row.patient_id, row.department_id, row.held_on), PER_DEPARTMENT),
    ):
        counts = Counter(key(row) for row in living)
        assert not counts or max(counts.values()) <= most
    await _check_events({row.id: row for row in rows})
    return taken.total()


async def _check_events(rows: dict[UUID, Appointment]) -> None:
    """Each appointment's events are one chain from its booking to its present status and slot."""
    chains: dict[UUID, list[AppointmentEvent]] = defaultdict(list)
    for event in await AppointmentEvent.all().order_by("at"):
        chains[event.appointment_id].append(event)
    assert chains.keys() == rows.keys()
    for appointment_id, events in chains.items():
        left, status, slot = list(events), None, None
        while left:
            fitting = [
                event
                for event in left
                if event.from_status == status and (not slot or event.from_slot_id in (None, slot))
            ]
            assert fitting, (status, [(e.action, e.from_status, e.to_status) for e in left])
            event = fitting[0]
            left.remove(event)
            status, slot = event.to_status, event.to_slot_id or slot
        row = rows[appointment_id]
        assert (status, slot) == (row.status, row.slot_id)


# --- the model ------------------------------------------------------------------------------------


@dataclass
class Known:
    """What the model knows of one appointment."""

    id: UUID
    who: Person
    slot: Slot
    status: str
    held_until: datetime | None
    moves: int = 0

    @property
    def alive(self) -> bool:
        dead = self.status == "pending" and self.held_until and self.held_until <= clock.now()
        return self.status in TAKEN and not dead


@dataclass
class Town:
    settings: Settings
    dice: random.Random
    hands: clock.Hands
    desk: Desk = field(default_factory=a_desk)
    people: list[Person] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    facts: dict[UUID, tuple[date, UUID]] = field(default_factory=dict)  # day, department
    known: list[Known] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    async def settle(self, people: int, days: int, kinds: tuple[str, ...] = ("general",)) -> None:
        self.people = [await a_person(self.settings) for _ in range(people)]
        for number in range(5):
            clinic = await a_clinic(self.settings)
            for day in range(days):
                on = clock.today() + timedelta(days=day)
                for starts in (time(13), time(15)):
                    made = await a_schedule(
                        self.settings, clinic, on=on, starts=starts, slots=2,
                        capacity=1 + (number + day) % 3, kind=self.dice.choice(kinds),
                    )  # fmt: skip
                    self.slots += made
                    for slot in made:
                        self.facts[slot.id] = (on, clinic.department.id)

    def free(self, slot: Slot, but: Known | None = None) -> int:
        mine = [one for one in self.known if one.slot.id == slot.id and one.alive]
        return slot.capacity - len([one for one in mine if one is not but])

    def reasons(self, who: Person, slot: Slot, but: Known | None = None) -> set[type[Problem]]:
        """Why this place can't be had; empty: it can."""
        found: set[type[Problem]] = set()
        on, department = self.facts[slot.id]
        if clock.now() >= slot.starts_at - CLOSES:
            found.add(BookingClosed)
        mine = [one for one in self.known if one.who is who and one.alive and one is not but]
        same_day = [one for one in mine if self.facts[one.slot.id][0] == on]
        if any(one.slot.schedule_id == slot.schedule_id for one in mine):
            found.add(AlreadyBooked)
        if sum(self.facts[one.slot.id][1] == department for one in same_day) >= PER_DEPARTMENT:
            found.add(TooManyInDepartment)
        if len(same_day) >= PER_DAY:
            found.add(TooManyThatDay)
        if self.free(slot, but) <= 0:
            found.add(SlotFull)
        return found

    async def expect(self, reasons: set[type[Problem]], deed: Awaitable[Ticket]) -> Ticket | None:
        """It succeeds exactly when nothing speaks against it, else with one of the reasons."""
        try:
            ticket = await deed
        except tuple(reasons) as refused:
            self.outcomes[type(refused).__name__] += 1
            return None
        assert not reasons, reasons
        return ticket

    async def book(self) -> None:
        who, slot, firm = self._who(), self.dice.choice(self.slots), self.dice.random() < 0.6
        ticket = await self.expect(self.reasons(who, slot), booking(self, who, slot, firm))
        if ticket is not None:
            self.outcomes["booked" if firm else "held"] += 1
            until = None if firm else min(clock.now() + HOLD, slot.starts_at)
            assert (ticket.status, ticket.held_until) == ("booked" if firm else "pending", until)
            self.known.append(Known(ticket.id, who, slot, ticket.status, until))

    async def confirm(self) -> None:
        one = self._some("pending")
        if one is None:
            return
        reasons = set() if one.alive and one.status == "pending" else {HoldExpired, NotPossibleNow}
        if await self.expect(reasons, confirming(self, one.who, one.id)):
            self.outcomes["confirmed"] += 1
            one.status, one.held_until = "booked", None

    async def cancel(self) -> None:
        one = self._some(*TAKEN)
        if one is None:
            return
        possible = one.alive and clock.now() < one.slot.starts_at
        reasons = set() if possible else {NotPossibleNow, HoldExpired}
        if await self.expect(reasons, cancelling(self, one.who, one.id)):
            self.outcomes["cancelled"] += 1
            one.status = "cancelled"

    async def move(self) -> None:
        one, slot = self._some(*TAKEN), self.dice.choice(self.slots)
        if one is None:
            return
        reasons = self.reasons(one.who, slot, but=one)
        if one.status != "booked":
            reasons |= {NotPossibleNow, HoldExpired}
        if slot.id == one.slot.id:
            reasons.add(SameSlot)
        if clock.now() > one.slot.starts_at - CLOSES:
            reasons.add(TooLateToMove)
        if one.moves >= MOVES_MOST:
            reasons.add(TooManyMoves)
        if await self.expect(reasons, moving(self, one.who, one.id, slot)):
            self.outcomes["moved"] += 1
            one.slot, one.moves = slot, one.moves + 1

    async def pass_time(self) -> None:
        self.hands.move(timedelta(minutes=self.dice.choice((1, 1, 3, 6, 11))))

    async def expire(self) -> None:
        dead = [one for one in self.known if one.status == "pending" and not one.alive]
        freed = await holds.expire(self.settings.consortium_id)
        assert len(freed) <= len(dead)
        for one in dead:
            one.status = "cancelled"

    def _who(self) -> Person:
        return self.dice.choice(self.people)

    def _some(self, *status: str) -> Known | None:
        """One of the last in that state; now and then any, for what is over must stay over."""
        anyhow = self.dice.random() < 0.2
        fitting = [one for one in self.known if anyhow or one.status in status]
        return self.dice.choice(fitting[-12:]) if fitting else None

    async def step(self) -> None:
        deeds: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self.book, 10), (self.confirm, 3), (self.cancel, 4), (self.move, 4),
            (self.pass_time, 3), (self.expire, 1),
        ]  # fmt: skip
        (deed,) = self.dice.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])
        async with asyncio.timeout(PATIENCE_S):
            await deed()
        self.hands.move(timedelta(seconds=1))  # so that events have an order


# The verbs, each with a receipt of its own.


async def booking(town: Town, who: Person, slot: Slot, firm: bool) -> Ticket:
    return await appointments.book(
        who.actor, town.desk, slot_id=slot.id, patient_id=who.patient_id, confirm=firm,
        receipt=a_receipt(who.actor),
    )  # fmt: skip


async def confirming(town: Town, who: Person, appointment_id: UUID) -> Ticket:
    return await appointments.confirm(
        who.actor, town.desk, appointment_id, receipt=a_receipt(who.actor)
    )


async def cancelling(town: Town, who: Person, appointment_id: UUID) -> Ticket:
    return await appointments.cancel(
        who.actor, town.desk, appointment_id, reason="", receipt=a_receipt(who.actor)
    )


async def moving(town: Town, who: Person, appointment_id: UUID, slot: Slot) -> Ticket:
    return await appointments.reschedule(
        who.actor, town.desk, appointment_id, slot_id=slot.id, receipt=a_receipt(who.actor)
    )


async def test_a_model_of_a_town_agrees_step_by_step(
    db: None, settings: Settings, noon: clock.Hands, engine: str
) -> None:
    """Another life on each engine."""
    town = Town(settings, random.Random(SEED + (engine == "postgres")), noon)
    await town.settle(people=8, days=2)
    for number in range(260):
        await town.step()
        if number % 4 == 0:
            await check_books()
    await check_books()
    assert {"booked", "held", "confirmed", "cancelled", "moved", "SlotFull"} <= town.outcomes.keys()


async def storm(town: Town, rounds: int, rivals: int) -> int:
    """Everybody at once, on several desks as several processes would have. How many deeds."""
    desks, done = [a_desk() for _ in range(3)], 0
    for number in range(rounds):
        by_patient = {who.patient_id: who for who in town.people}
        # Mostly living ones, and some that are over: those must stay over.
        of_town = Appointment.filter(patient_id__in=list(by_patient))
        living = await of_town.filter(status__in=TAKEN)
        living += await of_town.filter(status__in=ENDED).order_by("-changed_at").limit(8)
        deeds: list[Awaitable[Any]] = []
        for _ in range(rivals):
            town.desk = town.dice.choice(desks)
            slot, lot = town.dice.choice(town.slots), town.dice.random()
            if lot < 0.5 or not living:
                who = town.dice.choice(town.people)
                deeds.append(booking(town, who, slot, town.dice.random() < 0.7))
                continue
            row = town.dice.choice(living)
            who = by_patient[row.patient_id]
            if lot < 0.65:
                deeds.append(confirming(town, who, row.id))
            elif lot < 0.8:
                deeds.append(cancelling(town, who, row.id))
            else:
                deeds.append(moving(town, who, row.id, slot))
        deeds.append(holds.expire(town.settings.consortium_id))
        async with asyncio.timeout(PATIENCE_S):
            results = await asyncio.gather(*deeds, return_exceptions=True)
        unexpected = [
            result
            for result in results
            if isinstance(result, BaseException)
            and (not isinstance(result, Problem) or result.status >= 500)
        ]
        assert unexpected == []
        town.outcomes.update(type(result).__name__ for result in results)
        done += len(deeds)
        town.hands.move(timedelta(minutes=town.dice.choice((0, 1, 11))))
        if number % 100 == 0 or rounds < 100:
            await check_books()
    return done


async def test_everybody_at_once_conserves_every_place(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    town = Town(settings, random.Random(SEED), noon)
    await town.settle(people=30, days=3, kinds=("general", "expert"))
    await storm(town, rounds=12, rivals=30)
    assert await check_books() > 0
    assert town.outcomes["Ticket"] > 60


async def test_a_place_goes_round_and_comes_back(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """One place, held, dropped, booked and cancelled two hundred times: never two, never lost."""
    clinic = await a_clinic(settings)
    slots = await a_schedule(settings, clinic, capacity=1)
    town = Town(settings, random.Random(SEED), noon, slots=slots)
    people = [await a_person(settings) for _ in range(4)]
    for number in range(60):
        who, firm = people[number % 4], number % 2 == 0
        ticket = await booking(town, who, slots[0], firm)
        with pytest.raises((SlotFull, AlreadyBooked)):
            await booking(town, people[(number + 1) % 4], slots[0], True)
        if firm:
            await cancelling(town, who, ticket.id)
        else:
            noon.move(HOLD)
        noon.move(timedelta(seconds=1))
    await holds.expire(settings.consortium_id)
    assert await check_books() == 0
    assert (await Slot.get(id=slots[0].id)).booked == 0


@pytest.mark.parametrize("firm", [True, False], ids=["booked", "held"])
async def test_what_is_over_gives_its_place_back_only_once(
    db: None, settings: Settings, noon: clock.Hands, firm: bool
) -> None:
    """However often it is cancelled, confirmed or moved afterwards, under new keys."""
    clinic = await a_clinic(settings)
    first, second = await a_schedule(settings, clinic, capacity=5, slots=2)
    town = Town(settings, random.Random(SEED), noon)
    others = [await a_person(settings) for _ in range(2)]
    for other in others:
        await booking(town, other, first, True)
    who = await a_person(settings)
    ticket = await booking(town, who, first, firm)
    await cancelling(town, who, ticket.id)
    for _ in range(3):
        with pytest.raises((NotPossibleNow, HoldExpired)):
            await cancelling(town, who, ticket.id)
        with pytest.raises((NotPossibleNow, HoldExpired)):
            await confirming(town, who, ticket.id)
        with pytest.raises((NotPossibleNow, HoldExpired)):
            await moving(town, who, ticket.id, second)
        noon.move(timedelta(minutes=4))
    assert await check_books() == len(others)


@pytest.mark.soak
async def test_a_hundred_thousand_deeds_conserve_every_place(
    db: None, settings: Settings, noon: clock.Hands, engine: str
) -> None:
    from benchmarks.soak import note

    outcomes: Counter[str] = Counter()
    done = 0
    for life in range(20):
        noon.set(clock.at(date(2026, 11, 23) + timedelta(days=20 * life), time(0, 30)))
        town = Town(settings, random.Random(SEED + life), noon)
        await town.settle(people=60, days=6, kinds=("general", "expert"))
        done += await storm(town, rounds=125, rivals=40)
        outcomes += town.outcomes
    taken = await check_books()
    note(engine, "conservation", {
        "deeds": done, "done": outcomes["Ticket"], "refused full": outcomes["SlotFull"],
        "taken at the end": taken, "oversold": 0, "miscounted": 0,
    })  # fmt: skip
