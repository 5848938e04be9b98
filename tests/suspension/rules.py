"""What suspensions add to the lives of the town in tests/booking/test_places_machine.py."""

from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from backend import clock
from backend.booking.models import Appointment, Schedule
from backend.consortium import directory
from backend.consortium.models import Department
from backend.identity.access import Actor
from backend.suspension import suspensions, undoing
from backend.suspension.chosen import Chosen
from backend.suspension.models import Suspension, SuspensionCase
from backend.suspension.policy import ACTIVE


class Suspensions:
    """A mixin: days are stopped and given back; both clinics answer for each other."""

    async def _settle(self: Any) -> None:
        await super()._settle()  # type: ignore[misc]
        county = self.settings.consortium_id
        await Department.filter(consortium_id=county).update(specialty_code="02")
        directory.forget()

    @rule(where=st.integers(0, 1))
    def stop(self: Any, where: int) -> None:
        slot = self.slots[where * len(self.slots) // 2]
        chosen = Chosen(schedule_ids=(UUID(str(slot.schedule_id)),))
        self.deed("stop", suspensions.suspend(self._boss(), uuid4(), chosen, reason="停电"))

    @rule(number=st.integers(0, 9))
    def undo(self: Any, number: int) -> None:
        rows = self.run(self._stops())
        if rows:
            self.deed("undo", undoing.undo(self._boss(), rows[number % len(rows)].id))

    @rule(where=st.integers(0, 1), number=st.integers(0, 9), firm=st.booleans())
    def think_again(self: Any, where: int, number: int, firm: bool) -> None:
        """Stopped, perhaps accepted by somebody meanwhile, and taken back."""
        self.stop(where)
        if firm:
            self.confirm(number)
        self.undo(len(self.run(self._stops())) - 1)

    def _boss(self: Any) -> Actor:
        return Actor.operator(self.settings.consortium_id)

    async def _stops(self: Any) -> list[Suspension]:
        mine = Suspension.filter(consortium_id=self.settings.consortium_id, state=ACTIVE)
        return await mine.order_by("created_at", "id")

    @invariant()
    def nobody_is_dropped(self: Any) -> None:
        if hasattr(self, "slots"):
            self.run(self._check_stops())

    async def _check_stops(self: Any) -> None:
        """Nobody has a visit in a stopped day; whoever lost one has a case, and is not blamed."""
        county = self.settings.consortium_id
        stopped = await Schedule.filter(consortium_id=county, status="stopped")
        rows = await Appointment.filter(schedule_id__in=[row.id for row in stopped])
        alive = [row for row in rows if row.held_until is None or row.held_until > clock.now()]
        assert not [row for row in alive if row.status in ("booked", "pending")]
        by_provider = await Appointment.filter(consortium_id=county, cancelled_by="provider")
        assert not [row for row in by_provider if row.late_cancel or row.counted_cancel]
        cases = await SuspensionCase.filter(consortium_id=county)
        known = {case.appointment_id for case in cases} | {case.offer_id for case in cases}
        assert not [row for row in by_provider if row.held_until is None and row.id not in known]
