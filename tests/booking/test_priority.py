"""A family doctor books for their residents from the pool that is kept for it; nobody else can."""

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import uuid4

import msgspec
import pytest

from backend import clock
from backend.booking import appointments, pool_rules, priority
from backend.booking.errors import AlreadyBooked, BookingClosed, NotYetOpen, Restricted, SlotFull
from backend.booking.models import Appointment, AppointmentEvent, Restriction, Slot
from backend.booking.pools import FAMILY_DOCTOR, ONSITE, PUBLIC, REFERRAL
from backend.booking.tickets import Ticket
from backend.errors import NotFound
from backend.identity import contracts
from backend.identity.access import Actor
from backend.identity.models import FamilyDoctorContract
from backend.inbox import messages, scanning
from backend.settings import Settings
from tests.booking.test_flow import DAY, a_split, check_books
from tests.clinics import Clinic, a_clinic, a_desk
from tests.people import Person, a_person, a_receipt, a_staff


@dataclass
class Town:
    settings: Settings
    hospital: Clinic
    township: Clinic
    doctor: Actor
    wang: Person

    async def contract(self, who: Person) -> None:
        await FamilyDoctorContract.create(
            id=uuid4(), consortium_id=self.settings.consortium_id, patient_id=who.patient_id,
            practitioner=self.township.practitioner, organization=self.township.organization,
            from_on=date(2026, 1, 1), created_at=clock.now(),
        )  # fmt: skip

    async def book(self, slot: Slot, who: Person | None = None) -> Ticket:
        patient = (who or self.wang).patient_id
        return await priority.book(self.doctor, a_desk(), slot_id=slot.id, patient_id=patient)


def a_doctor(settings: Settings, clinic: Clinic) -> Actor:
    actor = a_staff(settings, "doctor", clinic.organization)
    return msgspec.structs.replace(actor, practitioner_id=clinic.practitioner.id)


@pytest.fixture
async def town(db: None, settings: Settings, noon: clock.Hands) -> Town:
    pool_rules.forget()
    hospital = await a_clinic(settings, tier="county", name="县人民医院")
    township = await a_clinic(settings)
    wang = await a_person(settings)
    made = Town(settings, hospital, township, a_doctor(settings, township), wang)
    await made.contract(wang)
    return made


async def test_the_doctor_finds_a_place_and_the_resident_is_told(town: Town) -> None:
    slots = await a_split(town.settings, town.hospital, {PUBLIC: 1, FAMILY_DOCTOR: 2, REFERRAL: 3})
    (choice,) = await priority.departments(town.doctor)
    assert (choice.organization.name, choice.free) == ("县人民医院", 2)
    (free,) = await priority.free_places(town.doctor, choice.department.id)
    assert (free.slot_id, free.free) == (slots[FAMILY_DOCTOR][0].id, 2)
    ticket = await town.book(slots[FAMILY_DOCTOR][0])
    assert (ticket.status, ticket.origin) == ("booked", "doctor")
    row = await Appointment.get(id=ticket.id)
    assert (row.origin, row.account_id) == ("doctor", town.doctor.id)
    event = await AppointmentEvent.get(appointment_id=ticket.id)
    assert (event.actor_kind, event.actor_id) == ("staff", town.doctor.id)
    await scanning.scan()
    (told,) = await messages.list_of(town.wang.actor, a_desk(), unread=False, after=None, most=9)
    assert told.words.title == "预约成功"
    assert told.words.text.startswith("家庭医生帮您约的号：")
    assert (await priority.departments(town.doctor))[0].free == 1


async def test_it_opens_a_week_before_the_public(town: Town, noon: clock.Hands) -> None:
    slots = await a_split(town.settings, town.hospital, {PUBLIC: 1, FAMILY_DOCTOR: 1})
    opens_at = clock.at(DAY - timedelta(days=14), clock.now().time().replace(hour=7))
    noon.set(opens_at - timedelta(seconds=1))
    assert await priority.departments(town.doctor) == []
    with pytest.raises(NotYetOpen) as refused:
        await town.book(slots[FAMILY_DOCTOR][0])
    assert refused.value.extra == {"opens_at": opens_at}
    noon.set(opens_at)
    with pytest.raises(NotYetOpen):
        await appointments.book(
            town.wang.actor, a_desk(), slot_id=slots[PUBLIC][0].id,
            patient_id=town.wang.patient_id, confirm=True, receipt=a_receipt(town.wang.actor),
        )  # fmt: skip
    await town.book(slots[FAMILY_DOCTOR][0])


async def test_it_closes_as_the_policy_says(town: Town, noon: clock.Hands) -> None:
    slots = await a_split(town.settings, town.hospital, {PUBLIC: 1, FAMILY_DOCTOR: 1})
    noon.set(slots[PUBLIC][0].starts_at - timedelta(minutes=30))
    assert await priority.departments(town.doctor) == []
    with pytest.raises(BookingClosed):
        await town.book(slots[FAMILY_DOCTOR][0])


async def test_the_limits_of_the_resident_hold(town: Town) -> None:
    slots = await a_split(town.settings, town.hospital, {PUBLIC: 1, FAMILY_DOCTOR: 2})
    await town.book(slots[FAMILY_DOCTOR][0])
    with pytest.raises(AlreadyBooked):
        await town.book(slots[FAMILY_DOCTOR][0])
    barred = await a_person(town.settings)
    await town.contract(barred)
    await Restriction.create(
        id=uuid4(), consortium_id=town.settings.consortium_id, patient_id=barred.patient_id,
        kind="expert", cause="no_shows", policy_version="x", from_at=clock.now(),
        until_at=clock.now() + timedelta(days=9),
    )  # fmt: skip
    with pytest.raises(Restricted):
        await town.book(slots[FAMILY_DOCTOR][0], barred)


async def test_the_last_place_goes_to_one_of_twenty(town: Town) -> None:
    slots = await a_split(town.settings, town.hospital, {PUBLIC: 5, FAMILY_DOCTOR: 1})
    people = [await a_person(town.settings) for _ in range(20)]
    for one in people:
        await town.contract(one)
    results = await asyncio.gather(
        *(town.book(slots[FAMILY_DOCTOR][0], one) for one in people), return_exceptions=True
    )
    assert sum(isinstance(one, SlotFull) for one in results) == 19
    await check_books(slots, 6)


async def test_nobody_else_can_book_there(town: Town) -> None:
    slots = await a_split(
        town.settings, town.hospital, {PUBLIC: 2, FAMILY_DOCTOR: 2, REFERRAL: 2, ONSITE: 2}
    )
    stranger = await a_person(town.settings)
    for slot in (slots[pool][0] for pool in (FAMILY_DOCTOR, REFERRAL, ONSITE)):
        with pytest.raises(NotFound):  # a resident
            await appointments.book(
                town.wang.actor, a_desk(), slot_id=slot.id, patient_id=town.wang.patient_id,
                confirm=True, receipt=a_receipt(town.wang.actor),
            )  # fmt: skip
    for pool in (PUBLIC, REFERRAL, ONSITE):
        with pytest.raises(NotFound):  # the doctor, from other pools
            await town.book(slots[pool][0])
    with pytest.raises(NotFound):  # somebody else's resident
        await town.book(slots[FAMILY_DOCTOR][0], stranger)
    others = (
        a_doctor(town.settings, await a_clinic(town.settings, name="外乡卫生院")),
        a_doctor(town.settings, town.hospital),
        a_staff(town.settings, "institution_admin", town.township.organization),
        a_staff(town.settings, "consortium_admin"),
    )
    for outsider in others:
        with pytest.raises(NotFound):
            await priority.book(
                outsider, a_desk(), slot_id=slots[FAMILY_DOCTOR][0].id,
                patient_id=town.wang.patient_id,
            )  # fmt: skip
    for outsider in others[2:]:
        with pytest.raises(NotFound):
            await priority.departments(outsider)
        with pytest.raises(NotFound):
            await priority.free_places(outsider, town.hospital.department.id)
    assert await Appointment.all().count() == 0


async def test_an_ended_contract_ends_it(town: Town) -> None:
    slots = await a_split(town.settings, town.hospital, {PUBLIC: 1, FAMILY_DOCTOR: 1})
    contract = await FamilyDoctorContract.get(patient_id=town.wang.patient_id)
    await contracts.end(town.doctor, contract.id)
    with pytest.raises(NotFound):
        await town.book(slots[FAMILY_DOCTOR][0])
