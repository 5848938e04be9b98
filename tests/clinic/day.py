"""A clinic's day in the tables: schedules of this very noon, patients who booked, and its staff."""

from dataclasses import dataclass
from datetime import time, timedelta
from uuid import UUID, uuid4

import msgspec

from backend import clock
from backend.booking import granting, places
from backend.booking.models import Appointment, Schedule, Slot
from backend.booking.policy import BOOKED
from backend.clinic import calling, checkin
from backend.clinic.models import QueueEntry
from backend.consortium.models import Organization
from backend.hub import Hub
from backend.identity.access import Actor
from backend.ids import new_id
from backend.settings import Settings
from tests.clinics import Clinic, a_clinic, a_schedule
from tests.people import Person, a_person, a_staff

NOON = time(12)


@dataclass
class Day:
    """`slots` of half an hour from 12:00 on; `desk` and `doctor` belong to the clinic."""

    settings: Settings
    clinic: Clinic
    slots: list[Slot]
    desk: Actor
    doctor: Actor

    @property
    def schedule_id(self) -> UUID:
        return UUID(str(self.slots[0].schedule_id))

    async def booked(self, *, slot: int = 0, name: str = "王桂兰") -> tuple[Person, Appointment]:
        """Somebody with an appointment, straight into the tables: booking closed before noon."""
        person = await a_person(self.settings, name)
        return person, await appointment_of(person, self.slots[slot])

    async def waiting(self, hub: Hub, *, slot: int = 0, name: str = "王桂兰") -> QueueEntry:
        """Somebody who is in the line."""
        _, row = await self.booked(slot=slot, name=name)
        return await checkin.at_desk(self.desk, hub, row.id)

    async def called(self, hub: Hub) -> QueueEntry:
        await self.waiting(hub)
        return await calling.next(self.doctor, hub, self.schedule_id, room="3 诊室")


def as_doctor(settings: Settings, practitioner_id: UUID, *organizations: Organization) -> Actor:
    staff = a_staff(settings, "doctor", *organizations)
    return msgspec.structs.replace(staff, practitioner_id=practitioner_id)


async def a_day(settings: Settings, *, slots: int = 4, capacity: int = 30) -> Day:
    clinic = await a_clinic(settings)
    made = await a_schedule(
        settings, clinic, on=clock.today(), starts=NOON, slots=slots, capacity=capacity
    )
    return Day(
        settings,
        clinic,
        made,
        a_staff(settings, "institution_admin", clinic.organization),
        as_doctor(settings, clinic.practitioner.id, clinic.organization),
    )


async def appointment_of(person: Person, slot: Slot) -> Appointment:
    place = (await places.load([slot.id]))[slot.id]
    await granting.take(slot.id)
    return await Appointment.create(
        id=new_id(), account_id=person.actor.account_id, patient_id=person.patient_id,
        status=BOOKED, day_place=1, department_place=1, created_at=clock.now(),
        changed_at=clock.now(), **granting.facts(place),
    )  # fmt: skip


async def an_onsite_slot(day: Day, *, capacity: int = 1, after: int = 0) -> Slot:
    first = day.slots[after]
    slot = Slot(
        id=uuid4(), consortium_id=day.settings.consortium_id, pool="onsite", capacity=capacity,
        schedule_id=day.schedule_id, starts_at=first.starts_at, ends_at=first.ends_at,
    )  # fmt: skip
    await slot.save(force_create=True)
    return slot


async def suspended(day: Day) -> None:
    await Schedule.filter(id=day.schedule_id).update(status="suspended")


HALF = timedelta(minutes=30)
