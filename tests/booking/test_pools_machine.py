"""The same lives of a small town, in which doctors book from a pool and its places flow back."""

from collections import Counter
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis.stateful import rule

from backend import clock
from backend.booking import flow, kept, places
from backend.booking.models import PoolReturn, PoolRule, Slot
from backend.booking.pools import FAMILY_DOCTOR, PUBLIC
from backend.booking.schedules import a_slot as drafted
from backend.db import transaction
from backend.identity.access import Actor
from backend.settings import Settings
from tests.booking.test_places_machine import LONG, Places, live, some_slot, someone
from tests.clinics import SLOT

EXAMPLES, STEPS_EACH = 6, 20
KEPT = 2  # places of the pool at each time


class PooledPlaces(Places):
    """Beside each public slot stands one of family doctors, whose time to flow back has come."""

    async def _settle(self) -> None:
        await super()._settle()
        await PoolRule.create(
            id=uuid4(), consortium_id=self.settings.consortium_id, pool=FAMILY_DOCTOR, share=50,
            opens_days=30, returns_days=20, effective_from=date(2026, 1, 1), created_at=clock.now(),
        )  # fmt: skip
        for slot in self.slots:
            schedule: Any = await slot.schedule
            await drafted(schedule, FAMILY_DOCTOR, slot.starts_at, SLOT, KEPT).save(
                force_create=True
            )

    async def _free(self) -> Counter[UUID]:
        """Of the public: whoever waits, waits for those."""
        rows = await Slot.filter(consortium_id=self.settings.consortium_id, pool=PUBLIC)
        return Counter({row.id: row.capacity - row.booked for row in rows})

    @rule(who=someone, slot=some_slot)
    def give(self, who: int, slot: int) -> None:
        self.deed("give", self._give(self.people[who].patient_id, self.slots[slot]))

    async def _give(self, patient_id: UUID, slot: Slot) -> None:
        wanted = await Slot.get(
            schedule_id=slot.schedule_id, pool=FAMILY_DOCTOR, starts_at=slot.starts_at
        )
        place = (await places.load([wanted.id]))[wanted.id]
        staff = Actor(self.settings.consortium_id, "staff", uuid4())
        async with transaction():
            await kept.take(
                staff, place, patient_id=patient_id, patient_name="王*兰", origin="doctor"
            )

    @rule()
    def flow_back(self) -> None:
        before = self.run(self._capacities())
        self.deed("flow", flow.flow_back(self.settings.consortium_id))
        assert self.run(self._capacities()) == before
        self.done["moved"] = self.run(self._returned())

    async def _returned(self) -> int:
        return await PoolReturn.all().count()

    async def _capacities(self) -> Counter[Any]:
        """Places at each time, all pools together."""
        found: Counter[Any] = Counter()
        for row in await Slot.filter(consortium_id=self.settings.consortium_id):
            found[row.schedule_id, row.starts_at] += row.capacity
        return found


def test_no_life_of_the_town_loses_a_place_to_a_pool(settings: Settings) -> None:
    done = live(settings, EXAMPLES, STEPS_EACH, PooledPlaces)
    assert {"give", "cancel", "wait"} <= done.keys(), done
    assert done["moved"], done


@pytest.mark.soak
def test_many_long_lives_beside_a_pool(settings: Settings, engine: str) -> None:
    from benchmarks.soak import note

    examples, steps = LONG[engine]
    done = live(settings, examples, steps, PooledPlaces)
    note(engine, "lives-pools", {"lives": examples, "steps": steps, **done, "broken": 0})
