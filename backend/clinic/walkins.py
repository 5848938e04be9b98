"""现场号: somebody comes without an appointment and gets a place that was kept for that."""

from uuid import UUID

import structlog
from tortoise.expressions import Q

from backend import clock, db
from backend.booking import granting, holds
from backend.booking.desk import Desk
from backend.booking.models import Appointment, Schedule, Slot
from backend.booking.places import Place
from backend.booking.policy import BOOKED
from backend.clinic import line, live, reach
from backend.clinic.errors import CheckinClosed, NoWalkInPlace
from backend.clinic.models import QueueEntry
from backend.clinic.policy import Turn, turn_without_slot
from backend.crypto import Vault
from backend.errors import NotFound
from backend.hub import Hub
from backend.identity import patients
from backend.identity.access import Actor
from backend.identity.patients import AtDesk
from backend.ids import new_id

log = structlog.get_logger()

POOL, ORIGIN = "onsite", "desk"


async def register(
    actor: Actor, desk: Desk, hub: Hub, vault: Vault, schedule_id: UUID, person: AtDesk
) -> QueueEntry:
    """Find or register the patient, take an `onsite` place, put them into the line.

    Never bars anybody for no-shows: restrictions concern booking only.

    Raises:
        NotFound: the actor has no desk there.
        CheckinClosed: not today, over, or stopped.
        NoWalkInPlace, AlreadyBooked, TooManyThatDay, TooManyInDepartment, ConsentMissing,
        IdentityNumberWrong, IdentityMismatch, Busy.
    """
    schedule = await reach.schedule(actor, "clinic.desk", schedule_id)
    if actor.id is None:
        raise NotFound
    now = clock.now()
    if schedule.held_on != clock.today() or schedule.ends_at <= now or schedule.status != "open":
        raise CheckinClosed
    places = await _places(desk, schedule)

    async def attempt() -> QueueEntry:
        async with db.transaction():
            patient = await patients.at_desk(actor, vault, person)
            appointment = await _take(actor, places, patient.id)
            at = turn_without_slot(starts_at=appointment.starts_at, now=clock.now())
            return await line.join(actor, appointment, Turn(at, False), reason="现场挂号")

    entry = await db.retried(attempt)
    await live.moved(hub, schedule_id)
    log.info("line.walked_in", appointment_id=str(entry.appointment_id))
    return entry


async def _places(desk: Desk, schedule: Schedule) -> list[Place]:
    """The schedule's own places for walk-ins that are not over, the earliest first."""
    slots = await Slot.filter(
        schedule_id=schedule.id, pool=POOL, open=True, ends_at__gt=clock.now()
    ).order_by("starts_at", "id")
    if not slots:
        raise NoWalkInPlace(
            "这个班次没有留现场号，请看别的班次，或帮患者预约。", reason="none_kept"
        )
    return await desk.places.each(slot.id for slot in slots)


async def _take(actor: Actor, places: list[Place], patient_id: UUID) -> Appointment:
    ids = [place.slot_id for place in places]
    await holds.end_dead(Q(slot_id__in=ids) | Q(patient_id=patient_id))
    await granting.check_earlier(patient_id, places[0], but=None)
    day_place, department_place = await granting.numbers(patient_id, places[0], but=None)
    for place in places:
        if await granting.take(place.slot_id):
            break
    else:
        raise NoWalkInPlace(reason="all_taken")
    now = clock.now()
    appointment = await Appointment.create(
        id=new_id(),
        account_id=actor.id,
        patient_id=patient_id,
        origin=ORIGIN,
        status=BOOKED,
        day_place=day_place,
        department_place=department_place,
        created_at=now,
        changed_at=now,
        **granting.facts(place),
    )
    await line.write_down(
        actor, appointment, "walk_in", None, BOOKED, reason="现场挂号", slot_id=place.slot_id
    )
    return appointment
