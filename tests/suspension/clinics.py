"""A stopped clinic and what stands beside it: one doctor, two days, people who have booked."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from backend import clock
from backend.booking import appointments
from backend.booking.models import Appointment, Slot
from backend.booking.tickets import Ticket
from backend.identity.access import Actor
from backend.settings import Settings
from backend.suspension import suspensions
from backend.suspension.chosen import Chosen
from backend.suspension.models import SuspensionCase
from tests.clinics import Clinic, a_clinic, a_desk, a_schedule
from tests.people import Person, a_person, a_receipt, a_staff

REASON = "医生外出开会"


@dataclass
class Stop:
    """`slots`: of the day that is stopped; `next_day`: of the same doctor, a day later."""

    settings: Settings
    clinic: Clinic
    admin: Actor
    slots: list[Slot]
    next_day: list[Slot]

    @property
    def schedule_id(self) -> UUID:
        return UUID(str(self.slots[0].schedule_id))

    async def person(self) -> Person:
        return await a_person(self.settings)

    async def book(self, slot: Slot, person: Person | None = None, **facts: Any) -> Ticket:
        who = person or await self.person()
        return await appointments.book(
            who.actor,
            a_desk(),
            slot_id=slot.id,
            patient_id=who.patient_id,
            confirm=facts.pop("confirm", True),
            receipt=a_receipt(who.actor),
        )

    async def suspend(self, *schedule_ids: UUID, key: UUID | None = None) -> UUID:
        chosen = Chosen(schedule_ids=schedule_ids or (self.schedule_id,))
        (found,) = await suspensions.suspend(self.admin, key or uuid4(), chosen, reason=REASON)
        return found

    async def case_of(self, ticket: Ticket) -> SuspensionCase:
        return await SuspensionCase.get(appointment_id=ticket.id)

    async def offer_of(self, ticket: Ticket) -> Appointment:
        return await Appointment.get(id=(await self.case_of(ticket)).offer_id)


async def a_stop(
    settings: Settings, *, capacity: int = 1, slots: int = 1, beside: int | None = None
) -> Stop:
    """`beside`: places of each slot on the next day; 0: there is nothing to offer."""
    clinic = await a_clinic(settings)
    day: date = clock.today() + timedelta(days=2)
    stopped = await a_schedule(settings, clinic, on=day, capacity=capacity, slots=slots)
    later: list[Slot] = []
    if beside != 0:
        later = await a_schedule(
            settings, clinic, on=day + timedelta(days=1), capacity=beside or capacity, slots=slots
        )
    admin = a_staff(settings, "institution_admin", clinic.organization)
    return Stop(settings, clinic, admin, stopped, later)
