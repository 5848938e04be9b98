"""Waiting for the tests: who joins the line, and what an entry has come to."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from backend import clock
from backend.booking.models import Appointment, Slot
from backend.booking.waitlist import joining
from backend.booking.waitlist.entries import Wait
from backend.booking.waitlist.joining import Wish
from backend.booking.waitlist.models import WaitlistEntry, WaitlistEvent
from backend.booking.waitlist.policy import ACTIONS
from tests.clinics import Clinic
from tests.people import Person, a_receipt


def a_wish(clinic: Clinic, **facts: Any) -> Wish:
    """Anything of the clinic's department within a week."""
    told: dict[str, Any] = {
        "department_id": clinic.department.id,
        "from_on": clock.today(),
        "to_on": clock.today() + timedelta(days=7),
    }
    return Wish(**(told | facts))


async def join(person: Person, clinic: Clinic, *others: UUID, **facts: Any) -> Wait:
    """The person's own wait; `others` are patients of theirs who want to come along."""
    waits = await joining.join(
        person.actor,
        a_wish(clinic, **facts),
        [person.patient_id, *others],
        receipt=a_receipt(person.actor),
    )
    return waits[0]


async def state_of(wait: Wait) -> str:
    return (await WaitlistEntry.get(id=wait.id)).state


async def offer_of(person: Person, slot: Slot) -> Appointment:
    """What is offered to the person in that slot right now."""
    return await Appointment.get(
        patient_id=person.patient_id, slot_id=slot.id, status="pending", origin="waitlist"
    )


async def told(wait: Wait) -> list[str]:
    """What happened to an entry, in order: an action, and its reason where it has one."""
    rows = await WaitlistEvent.filter(entry_id=wait.id)
    rows.sort(key=lambda row: (row.at, ACTIONS.index(row.action)))
    return [f"{row.action} {row.reason}".strip() for row in rows]
