"""Places are conserved and the line is kept, whatever happens in whatever order.

A state machine: hypothesis thinks of lives of a small town and, where one breaks a rule, of the
shortest that does. What frees or makes places elsewhere adds a rule here, by a mixin.
"""

import asyncio
import contextlib
import dataclasses
import itertools
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import hypothesis
import pytest
import uvloop
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backend import clock
from backend import db as database
from backend.booking import appointments, holds, places
from backend.booking.models import Appointment, Slot
from backend.booking.waitlist import expiring, leaving, line, proof
from backend.booking.waitlist.models import WaitlistEntry, WaitlistEvent
from backend.booking.waitlist.policy import LIVING, STEPS, WAITING
from backend.consortium.models import Consortium
from backend.errors import Conflict, NotAllowed
from backend.identity.access import Actor
from backend.ids import new_id
from backend.roster import capacity
from backend.settings import Settings
from tests.clinics import Clinic, a_clinic, a_desk, a_schedule
from tests.conftest import NOON
from tests.fixed_ids import fixed_ids
from tests.people import Person, a_person, a_receipt
from tests.suspension.rules import Suspensions
from tests.waits import join

T = TypeVar("T")

EXAMPLES, STEPS_EACH = {"sqlite": 10, "postgres": 5}, 25
LONG = {"sqlite": (100, 40), "postgres": (40, 30)}
PEOPLE, CLINICS, SLOTS = 6, 2, 2
ALIVE = ("pending", "booked")

someone = st.integers(0, PEOPLE - 1)
somewhere = st.integers(0, CLINICS - 1)
some_slot = st.integers(0, CLINICS * SLOTS - 1)
any_of = st.integers(0, 9)


class Places(RuleBasedStateMachine):
    """Two clinics with two slots of one place each, six people, and a clock that moves."""

    loop: asyncio.AbstractEventLoop
    base: Settings
    done: Counter[str]  # how often each deed was really done, over all lives

    @initialize(seed=st.integers(0, 99))
    def settle(self, seed: int) -> None:
        self.stopped = contextlib.ExitStack()
        self.hands = self.stopped.enter_context(clock.stopped(NOON))
        self.stopped.enter_context(fixed_ids(seed))
        self.settings = dataclasses.replace(self.base, consortium=uuid4().hex)
        self.desk = a_desk()
        self.free: Counter[UUID] = Counter()
        self.now: Counter[str] = Counter()  # how many appointments and waits in each state
        self.run(self._settle())

    async def _settle(self) -> None:
        county = self.settings.consortium_id
        await Consortium.create(id=county, code=self.settings.consortium, name="测试医共体")
        self.people: list[Person] = [await a_person(self.settings) for _ in range(PEOPLE)]
        self.clinics: list[Clinic] = [await a_clinic(self.settings) for _ in range(CLINICS)]
        self.slots: list[Slot] = []
        for clinic in self.clinics:
            self.slots += await a_schedule(self.settings, clinic, slots=SLOTS)
        for who, slot in zip(self.people, self.slots, strict=False):  # nothing is free at first
            await appointments.book(
                who.actor, self.desk, slot_id=slot.id, patient_id=who.patient_id, confirm=True,
                receipt=a_receipt(who.actor),
            )  # fmt: skip
        self.free = await self._free()

    def teardown(self) -> None:
        try:
            if hasattr(self, "slots"):
                self.run(self._check_proofs())
        finally:
            self.stopped.close()

    def run(self, work: Awaitable[T]) -> T:
        async def patiently() -> T:
            async with asyncio.timeout(30):
                return await work

        return self.loop.run_until_complete(patiently())

    def deed(self, name: str, work: Awaitable[Any]) -> None:
        """Do it, or be refused in words; then a second passes, so that events have an order."""
        with contextlib.suppress(Conflict, NotAllowed):
            self.run(work)
            self.done[name] += 1
        self.hands.move(timedelta(seconds=3))

    # --- what happens -----------------------------------------------------------------------------

    @rule(who=someone, slot=some_slot, firm=st.booleans())
    def book(self, who: int, slot: int, firm: bool) -> None:
        one = self.people[who]
        self.deed("book", appointments.book(
            one.actor, self.desk, slot_id=self.slots[slot].id, patient_id=one.patient_id,
            confirm=firm, receipt=a_receipt(one.actor),
        ))  # fmt: skip

    @precondition(lambda self: self.now["pending"])
    @rule(number=any_of)
    def confirm(self, number: int) -> None:
        who, row = self._living(number, "pending")
        if row is not None:
            self.deed("confirm", appointments.confirm(
                who.actor, self.desk, row.id, receipt=a_receipt(who.actor)
            ))  # fmt: skip

    @rule(number=any_of)
    def cancel(self, number: int) -> None:
        who, row = self._living(number, *ALIVE)
        if row is not None:
            self.deed("cancel", appointments.cancel(
                who.actor, self.desk, row.id, reason="", receipt=a_receipt(who.actor)
            ))  # fmt: skip

    @precondition(lambda self: self.now["booked"])
    @rule(who=someone, number=any_of, firm=st.booleans())
    def hand_over(self, who: int, number: int, firm: bool) -> None:
        """Somebody waits, somebody else cancels, and what is offered is taken or not."""
        _, row = self._living(number, "booked")
        assert row is not None
        where = [one.department.id for one in self.clinics].index(row.department_id)
        self.wait(who, where, doctor=firm)
        self.cancel(number)
        if firm:
            self.confirm(number)

    @precondition(lambda self: self.now["booked"])
    @rule(number=any_of, slot=some_slot)
    def move(self, number: int, slot: int) -> None:
        who, row = self._living(number, "booked")
        if row is not None:
            self.deed("move", appointments.reschedule(
                who.actor, self.desk, row.id, slot_id=self.slots[slot].id,
                receipt=a_receipt(who.actor),
            ))  # fmt: skip

    @rule(who=someone, where=somewhere, doctor=st.booleans())
    def wait(self, who: int, where: int, doctor: bool) -> None:
        clinic = self.clinics[where]
        facts = {"practitioner_id": clinic.practitioner.id} if doctor else {}
        self.deed("wait", join(self.people[who], clinic, **facts))

    @rule(number=any_of, who=someone, where=somewhere)
    def leave(self, number: int, who: int, where: int) -> None:
        """Who waits; where nobody does, somebody joins first."""
        if not self.now["waiting"]:
            self.wait(who, where, doctor=False)
        rows = self.run(self._waits())
        if rows:
            row = rows[number % len(rows)]
            one = next(one for one in self.people if one.patient_id == row.patient_id)
            self.deed("leave", leaving.leave(one.actor, self.desk, row.id))

    @rule(minutes=st.sampled_from((1, 11, 31, 31)))
    def pass_time(self, minutes: int) -> None:
        self.hands.move(timedelta(minutes=minutes))

    @rule()
    def jobs(self) -> None:
        self.deed("holds", holds.expire(self.settings.consortium_id))
        self.deed("waits", expiring.expire(self.settings.consortium_id))

    @rule(slot=some_slot)
    def enlarge(self, slot: int) -> None:
        before = self.run(Slot.get(id=self.slots[slot].id))
        if before.capacity < 2:
            self.deed("enlarge", capacity.change(
                Actor.operator(self.settings.consortium_id), self.desk,
                capacity=before.capacity + 1, reason="加号", slot_id=before.id,
            ))  # fmt: skip

    def _living(self, number: int, *status: str) -> tuple[Person, Appointment | None]:
        rows = self.run(self._appointments(*status))
        if not rows:
            return self.people[0], None
        row = rows[number % len(rows)]
        return next(one for one in self.people if one.patient_id == row.patient_id), row

    async def _appointments(self, *status: str) -> list[Appointment]:
        mine = Appointment.filter(consortium_id=self.settings.consortium_id)
        return await mine.filter(status__in=status).order_by("created_at", "id")

    async def _waits(self) -> list[WaitlistEntry]:
        mine = WaitlistEntry.filter(consortium_id=self.settings.consortium_id)
        return await mine.filter(state__in=LIVING).order_by("joined_at", "id")

    async def _free(self) -> Counter[UUID]:
        rows = await Slot.filter(consortium_id=self.settings.consortium_id)
        return Counter({row.id: row.capacity - row.booked for row in rows})

    # --- what is always true ----------------------------------------------------------------------

    @invariant()
    def books_are_in_order(self) -> None:
        if hasattr(self, "slots"):
            self.run(self._check())

    async def _check(self) -> None:
        rows = await Appointment.filter(consortium_id=self.settings.consortium_id)
        taken = Counter(row.slot_id for row in rows if row.status in ALIVE)
        for slot in await Slot.filter(consortium_id=self.settings.consortium_id):
            assert 0 <= slot.booked <= slot.capacity
            assert slot.booked == taken[slot.id]
        self.now = Counter(row.status for row in rows)
        living = Counter((row.patient_id, row.schedule_id) for row in rows if row.status in ALIVE)
        assert not living or max(living.values()) == 1
        await self._check_entries({row.id: row.status for row in rows})
        await self._check_line()

    async def _check_entries(self, status: dict[UUID, str]) -> None:
        """An entry is what its events say, and holds a place exactly while it is offered."""
        for entry in await WaitlistEntry.filter(consortium_id=self.settings.consortium_id):
            self.now[entry.state] += 1
            told = await WaitlistEvent.filter(entry_id=entry.id)
            assert lived(told) == entry.state
            holding = status[entry.appointment_id] if entry.appointment_id else None
            assert (entry.state == "offered") == (holding == "pending")
            assert entry.state != "placed" or holding is not None

    async def _check_line(self) -> None:
        """Where a place became free and stayed free, it is for nobody in line."""
        free = await self._free()
        for slot_id in free:
            if free[slot_id] > self.free[slot_id]:
                place = await places.fresh(slot_id)
                for group in await line.of(place):
                    assert any(one.against(place.policy) for one in group)
        self.free = free

    async def _check_proofs(self) -> None:
        for slot in self.slots:
            for told in await proof.prove(Actor.system(self.settings.consortium_id), slot.id):
                assert told.fair, told


def lived(told: list[WaitlistEvent]) -> str | None:
    """What an entry with these events is.

    Several places that come back at one instant may pass it by before or after one is offered: it
    waited at some moment of that instant.
    """
    state: str | None = None
    for _, at_once in itertools.groupby(proof.in_order(told), key=lambda event: event.at):
        actions = [event.action for event in at_once]
        states = [state]
        for action in actions:
            if action != "pass":
                state = STEPS[state, action]
                states.append(state)
        assert "pass" not in actions or WAITING in states
    return state


def live(settings: Settings, examples: int, steps: int, *towns: type) -> Counter[str]:
    """How often each deed was done in that many lives of such a town."""
    loop = uvloop.new_event_loop()
    done: Counter[str] = Counter()
    loop.run_until_complete(database.connect(settings))
    machine = type("Town", towns, {"loop": loop, "base": settings, "done": done})
    try:
        run_state_machine_as_test(
            machine,
            settings=hypothesis.settings(
                max_examples=examples, stateful_step_count=steps, deadline=None,
                derandomize=True, database=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            ),
        )  # fmt: skip
    finally:
        loop.run_until_complete(database.disconnect())
        loop.close()
    return done


def test_no_life_of_the_town_loses_a_place_or_the_order(settings: Settings, engine: str) -> None:
    done = live(settings, EXAMPLES[engine], STEPS_EACH, Suspensions, Places)
    assert {"book", "cancel", "confirm", "leave", "stop", "undo", "wait"} <= done.keys(), done


def test_ids_come_in_the_same_order_in_every_life() -> None:
    """Or hypothesis can't shorten one, and says `FlakyStrategyDefinition` instead of what broke."""

    def some(seed: int) -> list[UUID]:
        with clock.stopped(NOON), fixed_ids(seed):
            return [make() for _ in range(50) for make in (uuid4, new_id)]

    def order(made: list[UUID]) -> list[int]:
        return sorted(range(len(made)), key=made.__getitem__)

    one, again, other = some(1), some(1), some(2)
    assert order(one) == order(again) != order(other)
    assert len({*one, *again, *other}) == len(one) * 3


@pytest.mark.soak
def test_many_long_lives(settings: Settings, engine: str) -> None:
    from benchmarks.soak import note

    examples, steps = LONG[engine]
    done = live(settings, examples, steps, Suspensions, Places)
    note(engine, "lives", {"lives": examples, "steps": steps, **done, "broken": 0})
