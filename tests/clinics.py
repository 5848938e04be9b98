"""A small county to book in: one county hospital, one township centre, schedules as a test asks."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from uuid import UUID, uuid4

from backend import clock
from backend.booking import policies
from backend.booking.desk import Desk
from backend.booking.models import Schedule, Slot
from backend.consortium import directory
from backend.consortium.models import (
    Consortium,
    Department,
    Organization,
    Practitioner,
    PractitionerRole,
)
from backend.settings import Settings

SLOT = timedelta(minutes=30)


@dataclass
class Clinic:
    organization: Organization
    department: Department
    practitioner: Practitioner


async def a_clinic(
    settings: Settings, *, tier: str = "township", name: str = "青石镇卫生院"
) -> Clinic:
    """An institution with one department and one doctor."""
    county = settings.consortium_id
    await Consortium.get_or_create(id=county, defaults={"code": "county", "name": "测试医共体"})
    organization = await Organization.create(
        id=uuid4(), consortium_id=county, code=uuid4().hex, name=name, tier=tier,
        latitude=30.1, longitude=120.1, address="测试路 1 号",
    )  # fmt: skip
    department = await Department.create(
        id=uuid4(), consortium_id=county, organization=organization, code=uuid4().hex,
        name="全科医疗科", keywords="头晕 咳嗽",
    )  # fmt: skip
    practitioner = await Practitioner.create(
        id=uuid4(), consortium_id=county, code=uuid4().hex, name="李建国", title="主治医师"
    )
    await PractitionerRole.create(
        id=uuid4(), consortium_id=county, practitioner=practitioner, department=department
    )
    directory.forget()
    policies.forget()
    return Clinic(organization, department, practitioner)


async def a_schedule(
    settings: Settings,
    clinic: Clinic,
    *,
    on: date | None = None,
    capacity: int = 1,
    slots: int = 1,
    kind: str = "general",
    starts: time = time(9),
) -> list[Slot]:
    """A schedule (the day after tomorrow, at nine) and its public slots."""
    held_on = on or clock.today() + timedelta(days=2)
    first = clock.at(held_on, starts)
    schedule = await Schedule.create(
        id=uuid4(),
        consortium_id=settings.consortium_id,
        organization_id=clinic.organization.id,
        department_id=clinic.department.id,
        practitioner_id=clinic.practitioner.id,
        held_on=held_on,
        period="am",
        kind=kind,
        starts_at=first,
        ends_at=first + SLOT * slots,
        fee_fen=1200,
    )
    made = []
    for number in range(slots):
        slot = Slot(
            id=uuid4(),
            consortium_id=settings.consortium_id,
            schedule=schedule,
            starts_at=first + SLOT * number,
            ends_at=first + SLOT * (number + 1),
            capacity=capacity,
        )
        await slot.save(force_create=True)
        made.append(slot)
    return made


async def a_slot(settings: Settings, *, capacity: int = 1, **facts: object) -> Slot:
    """One slot in a clinic of its own."""
    clinic = await a_clinic(settings)
    return (await a_schedule(settings, clinic, capacity=capacity, **facts))[0]  # type: ignore[arg-type]


def a_desk() -> Desk:
    return Desk(queue_most=5000)


async def booked_in(slot_id: UUID) -> int:
    return (await Slot.get(id=slot_id)).booked
