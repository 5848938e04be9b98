"""消息: an account's notices in words, by what the reader may know now."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from backend import clock, db
from backend.booking.desk import Desk
from backend.booking.models import AppointmentEvent
from backend.booking.policy import PENDING
from backend.booking.tickets import is_dead
from backend.errors import NotFound
from backend.identity.access import Actor, note_read, patients_of
from backend.identity.documents import mask_name
from backend.identity.models import Patient, Session
from backend.inbox import wording
from backend.inbox.wording import Words
from backend.notices import Notice

UNREAD_MOST = 99  # counted no further

Cursor = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Message:
    """`about` goes with the page in `words`."""

    id: UUID
    kind: str
    at: datetime
    read: bool
    about: UUID | None
    words: Words


def _visible(actor: Actor, patients: dict[UUID, Patient]) -> QuerySet[Notice]:
    """Appointments of people who are no longer in the account's care are no longer its to know."""
    return Notice.filter(
        Q(event_id=None) | Q(patient_id__in=list(patients)),
        account_id=actor.account_id,
        consortium_id=actor.consortium_id,
    )


async def list_of(
    actor: Actor, desk: Desk, *, unread: bool, after: Cursor | None, most: int
) -> list[Message]:
    """The latest first, from `after` on; with `unread`, only those."""
    patients = await patients_of(actor)
    wanted = _visible(actor, patients)
    if unread:
        wanted = wanted.filter(read_at=None)
    if after is not None:
        at, last = after
        wanted = wanted.filter(Q(at__lt=at) | Q(at=at, id__lt=last))
    return await _messages(actor, desk, patients, await wanted.order_by("-at", "-id").limit(most))


async def show(actor: Actor, desk: Desk, notice_id: UUID) -> Message:
    """Raises NotFound."""
    patients = await patients_of(actor)
    rows = await _visible(actor, patients).filter(id=notice_id)
    if not rows:
        raise NotFound
    return (await _messages(actor, desk, patients, rows))[0]


async def unread(actor: Actor) -> int:
    """How many are unread, as far as `UNREAD_MOST`."""
    patients = await patients_of(actor)
    rows = _visible(actor, patients).filter(read_at=None).limit(UNREAD_MOST)
    return len(await rows.values_list("id", flat=True))


async def mark_read(actor: Actor, notice_id: UUID | None) -> None:
    """One, or (None) all of the account's. Raises NotFound."""
    mine = Notice.filter(account_id=actor.account_id, consortium_id=actor.consortium_id)
    if notice_id is None:
        await mine.filter(read_at=None).update(read_at=clock.now())
        return
    one = mine.filter(id=notice_id)
    if not await one.filter(read_at=None).update(read_at=clock.now()) and not await one.exists():
        raise NotFound


async def _messages(
    actor: Actor, desk: Desk, patients: dict[UUID, Patient], rows: Sequence[Notice]
) -> list[Message]:
    events = await AppointmentEvent.filter(
        id__in=[row.event_id for row in rows if row.event_id]
    ).select_related("appointment")
    sessions = [row.subject_id for row in rows if row.kind == "device_added"]
    devices = await Session.filter(id__in=sessions).values_list("id", "device")
    told = _Told(desk, patients, {event.id: event for event in events}, dict(devices))
    messages = await asyncio.gather(*(told.message(row) for row in rows))  # one look-up of places
    named = {row.patient_id for row in rows if row.patient_id and row.patient_id in patients}
    async with db.transaction():
        await note_read(actor, "inbox.read", named)
    return messages


@dataclass(frozen=True, slots=True)
class _Told:
    """What the words of a page of notices are made of."""

    desk: Desk
    patients: dict[UUID, Patient]
    events: dict[UUID, AppointmentEvent]
    devices: dict[UUID, str]

    async def message(self, row: Notice) -> Message:
        words = await self._words(row)
        of_person = words.page in (wording.PATIENT, wording.STANDING, wording.MEDICINES)
        about = row.patient_id if of_person else row.subject_id
        return Message(row.id, row.kind, row.at, row.read_at is not None, about, words)

    async def _words(self, row: Notice) -> Words:
        if row.kind == "device_added":
            return wording.of_device(self.devices.get(row.subject_id or row.id, ""))
        patient = self.patients.get(row.patient_id) if row.patient_id else None
        name = mask_name(patient.name) if patient else None
        if row.kind.startswith("wait_"):
            return wording.of_wait(row.kind, name)
        if row.kind.startswith("appeal_"):
            return wording.of_appeal(row.kind, name)
        if row.kind.startswith("plan_"):
            return wording.of_plan(row.kind, name)
        if row.kind == "draw_lost":
            return wording.of_draw(name)
        if row.event_id is None:
            return wording.of_carer(row.kind, name)
        event = self.events[row.event_id]
        slot_id: Any = event.to_slot_id or event.from_slot_id  # one of them is always there
        place = await self.desk.places.get(slot_id)
        return wording.of_appointment(
            row.kind,
            name or wording.SOMEBODY,
            place,
            by_provider=event.actor_kind != "resident",
            reason=event.reason,
            until=_held(event),
        )


def _held(event: AppointmentEvent) -> datetime | None:
    """Until when the appointment of an event is still held for the reader."""
    row = event.appointment
    held = row.status == PENDING and not is_dead(row.status, row.held_until)
    return row.held_until if held else None
