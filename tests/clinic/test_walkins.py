"""现场号: from the places kept for it, by real name, never one too many."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.booking.errors import AlreadyBooked
from backend.booking.models import Appointment, AppointmentEvent, Restriction, Slot
from backend.clinic import walkins
from backend.clinic.errors import CheckinClosed, NoWalkInPlace
from backend.clinic.models import QueueEntry
from backend.errors import NotFound
from backend.hub import Hub
from backend.identity.access import Actor
from backend.identity.documents import IdentityNumberWrong
from backend.identity.errors import ConsentMissing, IdentityMismatch
from backend.identity.models import Carer, Consent, Patient
from backend.identity.patients import AtDesk
from backend.settings import Settings
from tests.clinic.day import HALF, Day, a_day, an_onsite_slot, suspended
from tests.clinics import a_clinic, a_desk, booked_in
from tests.people import a_person, a_staff, an_account, an_id_number, register, vault_of

RIVALS = 20


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon, when the schedule begins."""


async def walk_in(day: Day, hub: Hub, actor: Actor | None = None, **facts: Any) -> QueueEntry:
    told: dict[str, Any] = {
        "name": "孙大圣", "id_kind": "resident_id", "id_number": an_id_number(order=77),
        "agreed": True, "phone": "13800001111",
    } | facts  # fmt: skip
    return await walkins.register(
        actor or day.desk, a_desk(), hub, vault_of(day.settings), day.schedule_id, AtDesk(**told)
    )


async def test_somebody_new_is_registered_and_stands_in_the_line(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    slot = await an_onsite_slot(day)
    entry = await walk_in(day, hub)
    row = await Appointment.get(id=entry.appointment_id).select_related("patient")
    assert (row.origin, row.status, row.account_id) == ("desk", "checked_in", day.desk.id)
    assert (row.patient.name, row.slot_id) == ("孙大圣", slot.id)
    assert await booked_in(slot.id) == 1
    consent = await Consent.get(patient_id=row.patient_id)
    assert (consent.account_id, consent.purpose, consent.granted) == (
        day.desk.id, "identity", True,
    )  # fmt: skip
    assert not await Carer.all().exists()
    events = await AppointmentEvent.filter(appointment_id=row.id).order_by("id")
    assert [event.action for event in events] == ["walk_in", "check_in"]
    found = await AuditEvent.filter(patient_id=row.patient_id).values_list("action", flat=True)
    assert set(found) == {"patient.registered", "line.walk_in", "line.check_in"}


async def test_somebody_known_is_found_by_their_number_and_name(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    await an_onsite_slot(day, capacity=2)
    known = await register(await an_account(settings), settings, id_number=an_id_number(order=77))
    with pytest.raises(IdentityMismatch):
        await walk_in(day, hub, name="孙小圣")
    entry = await walk_in(day, hub, name="王桂兰")
    assert (await Appointment.get(id=entry.appointment_id)).patient_id == known.patient_id
    assert await Patient.all().count() == 1
    with pytest.raises(AlreadyBooked):
        await walk_in(day, hub, name="王桂兰")


async def test_only_kept_places_are_given_and_the_reason_is_said(
    db: None, settings: Settings, hub: Hub, noon: clock.Hands
) -> None:
    day = await a_day(settings)
    with pytest.raises(NoWalkInPlace) as none_kept:
        await walk_in(day, hub)
    assert none_kept.value.extra == {"reason": "none_kept"}
    first, second = await an_onsite_slot(day), await an_onsite_slot(day, after=1)
    await walk_in(day, hub)
    later = await walk_in(day, hub, id_number=an_id_number(order=79))
    assert later.turn == second.starts_at
    with pytest.raises(NoWalkInPlace) as all_taken:
        await walk_in(day, hub, id_number=an_id_number(order=81))
    assert all_taken.value.extra == {"reason": "all_taken"}
    assert [await booked_in(slot.id) for slot in (first, second)] == [1, 1]
    assert await Patient.all().count() == 2, "who got nothing is not kept either"
    assert await booked_in(day.slots[0].id) == 0
    await Slot.filter(id=first.id).update(capacity=9)
    noon.move(HALF)
    with pytest.raises(NoWalkInPlace):  # its time is over
        await walk_in(day, hub, id_number=an_id_number(order=83))


async def test_the_last_place_goes_to_one_of_twenty(db: None, settings: Settings, hub: Hub) -> None:
    day = await a_day(settings)
    slot = await an_onsite_slot(day)
    results = await asyncio.gather(
        *(walk_in(day, hub, id_number=an_id_number(order=101 + n)) for n in range(RIVALS)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, QueueEntry) for result in results) == 1
    assert sum(isinstance(result, NoWalkInPlace) for result in results) == RIVALS - 1
    assert await booked_in(slot.id) == await Appointment.all().count() == 1


async def test_a_restriction_bars_booking_and_not_walking_in(
    db: None, settings: Settings, hub: Hub
) -> None:
    day = await a_day(settings)
    await an_onsite_slot(day)
    known = await register(await an_account(settings), settings, id_number=an_id_number(order=77))
    now = clock.now()
    await Restriction.create(
        id=day.schedule_id, consortium_id=settings.consortium_id, patient_id=known.patient_id,
        kind="general", cause="no_shows", policy_version="x", from_at=now,
        until_at=now + timedelta(days=9),
    )  # fmt: skip
    assert await walk_in(day, hub, name="王桂兰")


async def test_what_is_refused(db: None, settings: Settings, hub: Hub, noon: clock.Hands) -> None:
    day = await a_day(settings)
    await an_onsite_slot(day)
    with pytest.raises(ConsentMissing):
        await walk_in(day, hub, agreed=False)
    with pytest.raises(IdentityNumberWrong):
        await walk_in(day, hub, id_number="330000195001010771")
    for who in (
        (await a_person(settings)).actor,
        day.doctor,
        a_staff(settings, "auditor"),
        a_staff(settings, "institution_admin", (await a_clinic(settings)).organization),
        Actor.operator(settings.consortium_id),  # nobody in person
    ):
        with pytest.raises(NotFound):
            await walk_in(day, hub, who)
    await suspended(day)
    with pytest.raises(CheckinClosed):
        await walk_in(day, hub)
    noon.move(timedelta(days=1))
    with pytest.raises(CheckinClosed):
        await walk_in(day, hub)
    assert await Patient.filter(name="孙大圣").count() == 0
