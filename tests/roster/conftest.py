"""A township clinic whose administrator plans its weeks, and one who may not."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.booking.models import Appointment, Schedule, ScheduleTemplate, Slot
from backend.consortium import directory
from backend.consortium.models import Practitioner
from backend.identity.access import Actor
from backend.roster.hours import Hours, Weekly
from backend.settings import Settings
from tests.clinics import Clinic, a_clinic
from tests.people import a_person, a_staff

MONDAY = date(2026, 11, 23)  # the day on which the clock stands, and no holiday near
PLAN: dict[str, Any] = {
    "period": "am", "kind": "general", "starts": "08:00", "ends": "09:30", "slot_minutes": 30,
    "capacity": 2,
}  # fmt: skip


def hours(**changes: Any) -> Hours:
    return Hours(**(PLAN | changes))


@dataclass
class Ward:
    settings: Settings
    clinic: Clinic
    admin: Actor
    outsider: Actor

    def weekly(self, weekday: int = 3, **changes: Any) -> Weekly:
        facts = {"practitioner_id": self.clinic.practitioner.id, "weekday": weekday}
        return Weekly(**(PLAN | facts | changes))

    async def template(self, weekday: int = 3, **changes: Any) -> ScheduleTemplate:
        """Straight into the table, as a workbook leaves it."""
        id = uuid4()
        return await ScheduleTemplate.create(
            id=id, consortium_id=self.settings.consortium_id, code=f"file:{id.hex}",
            organization=self.clinic.organization, department=self.clinic.department,
            **({"practitioner_id": self.clinic.practitioner.id, "weekday": weekday} | PLAN
               | changes),
        )  # fmt: skip

    async def book(self, slot: Slot, *, places: int = 1, status: str = "booked") -> None:
        """So many people hold a place, straight into the tables."""
        schedule = await Schedule.get(id=slot.schedule_id)
        for _ in range(places):
            person = await a_person(self.settings)
            await Appointment.create(
                id=uuid4(), consortium_id=self.settings.consortium_id,
                organization_id=schedule.organization_id, department_id=schedule.department_id,
                schedule_id=schedule.id, slot_id=slot.id, patient_id=person.patient_id,
                account_id=person.actor.account_id, held_on=schedule.held_on,
                starts_at=slot.starts_at, status=status, policy_version="x@1", fee_fen=0,
                day_place=1, department_place=1, created_at=clock.now(), changed_at=clock.now(),
            )  # fmt: skip
        if status == "booked":
            await Slot.filter(id=slot.id).update(booked=slot.booked + places)


@pytest.fixture
async def ward(db: None, noon: clock.Hands, settings: Settings) -> Ward:
    clinic = await a_clinic(settings)
    elsewhere = await a_clinic(settings, name="红岩镇卫生院")
    return Ward(
        settings,
        clinic,
        a_staff(settings, "institution_admin", clinic.organization),
        a_staff(settings, "institution_admin", elsewhere.organization),
    )


async def audited(action: str, entity_id: UUID | None = None) -> dict[str, Any]:
    """The detail of the only audit row about it."""
    wanted = {"action": action} | ({"entity_id": entity_id} if entity_id else {})
    row = await AuditEvent.get(**wanted)
    detail: dict[str, Any] = row.detail
    return detail


def after(days: int) -> date:
    return MONDAY + timedelta(days=days)


async def fill(ward: Ward, doctors: int) -> None:
    """Each doctor has a schedule with two slots on Wednesday."""
    county, clinic = ward.settings.consortium_id, ward.clinic
    people = [
        Practitioner(id=uuid4(), consortium_id=county, code=uuid4().hex, name=f"医生{n}")
        for n in range(doctors)
    ]
    await Practitioner.bulk_create(people)

    starts = clock.at(after(2), time(9))
    rows = [
        Schedule(
            id=uuid4(), consortium_id=county, organization_id=clinic.organization.id,
            department_id=clinic.department.id, practitioner_id=person.id, held_on=after(2),
            period="am", kind="general", starts_at=starts, ends_at=starts,
        )
        for person in people
    ]  # fmt: skip
    await Schedule.bulk_create(rows)
    await Slot.bulk_create(
        Slot(id=uuid4(), consortium_id=county, schedule_id=row.id, pool=pool, starts_at=starts,
             ends_at=starts, capacity=2)
        for row in rows for pool in ("public", "referral")
    )  # fmt: skip
    directory.forget()
    await directory.directory(county)
