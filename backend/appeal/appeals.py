"""申诉: a resident asks that a no-show or a late cancellation be taken back; staff decide.

`open → granted | refused`. One for an appointment (a unique key), within 30 days; decided within
five working days, the overdue ones on top of the worklist.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from tortoise.exceptions import IntegrityError

from backend import audit, clock, db, notices
from backend.appeal.errors import AlreadyAppealed, AlreadyDecided, AppealTooLate, NothingToAppeal
from backend.appeal.models import Appeal
from backend.appeal.policy import GRANTED, OPEN, REFUSED, appeal_until, due_at
from backend.booking import excusing, standing
from backend.booking.desk import Desk
from backend.booking.models import Appointment
from backend.booking.places import Place
from backend.booking.policies import Policies, policies
from backend.booking.policy import NO_SHOW
from backend.errors import NotFound
from backend.identity.access import (
    Actor,
    at_least,
    care_of,
    in_force,
    lock_patients,
    note_read,
    patients_of,
)
from backend.identity.documents import mask_name
from backend.identity.models import Carer
from backend.ids import new_id
from backend.receipts import Receipt

log = structlog.get_logger()

MINE_MOST = 100
LISTED_MOST = 200
DECIDED = {GRANTED: "appeal.granted", REFUSED: "appeal.refused"}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal with what it is about. Instants in UTC; the name is masked.

    `charge`: no_show or late_cancel, as it was when read; None: it was taken back.
    """

    id: UUID
    appointment_id: UUID
    patient_id: UUID
    patient_name: str
    place: Place
    charge: str | None
    reason: str
    state: str
    created_at: datetime
    due_at: datetime
    decided_at: datetime | None
    decision: str

    @property
    def overdue(self) -> bool:
        return self.state == OPEN and self.due_at <= clock.now()


def charge_of(row: Appointment) -> str | None:
    """What can be appealed against in it."""
    if row.status == NO_SHOW:
        return "no_show"
    return "late_cancel" if row.late_cancel and row.cancelled_by == "patient" else None


async def appeal(
    actor: Actor, desk: Desk, appointment_id: UUID, *, reason: str, receipt: Receipt
) -> Case:
    """Ask for a no-show or a late cancellation to be taken back. Once for an appointment.

    Raises:
        NotFound: not the actor's to act for.
        NothingToAppeal, AppealTooLate, AlreadyAppealed, KeyReused.
    """
    row = await Appointment.get_or_none(id=appointment_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    carer = await care_of(actor, row.patient_id, "book")
    place = await desk.places.get(row.slot_id)
    try:
        async with db.transaction():
            await receipt.check()
            made = await _file(actor, appointment_id, reason)
            case = _case(made, row, place, mask_name(carer.patient.name))
            await receipt.keep(201, case)
    except IntegrityError:
        raise await _already(appointment_id) from None
    log.info("appeal.made", appeal_id=str(made.id))
    return case


async def _file(actor: Actor, appointment_id: UUID, reason: str) -> Appeal:
    """Judged by the appointment as it is now."""
    row = await Appointment.get(id=appointment_id)
    if await Appeal.filter(appointment_id=appointment_id).exists():
        raise await _already(appointment_id)
    if charge_of(row) is None:
        raise NothingToAppeal
    now, until = clock.now(), appeal_until(row.changed_at)
    if now > until:
        raise AppealTooLate(until=until)
    made = await Appeal.create(
        id=new_id(),
        consortium_id=actor.consortium_id,
        appointment_id=appointment_id,
        patient_id=row.patient_id,
        account_id=actor.account_id,
        reason=reason,
        state=OPEN,
        created_at=now,
        due_at=due_at(now),
    )
    await audit.record(actor, "appeal.made", entity_id=made.id, patient_ids=[row.patient_id])
    return made


async def _already(appointment_id: UUID) -> AlreadyAppealed:
    earlier = await Appeal.get(appointment_id=appointment_id)
    return AlreadyAppealed(appeal_id=earlier.id, state=earlier.state)


async def mine(actor: Actor, desk: Desk) -> list[Case]:
    """The appeals of everyone in the account's care, the latest first."""
    people = await patients_of(actor)
    rows = (
        await Appeal.filter(consortium_id=actor.consortium_id, patient_id__in=list(people))
        .select_related("appointment")
        .order_by("-created_at", "-id")
        .limit(MINE_MOST)
    )
    async with db.transaction():
        await note_read(actor, "appeal.listed", {row.patient_id for row in rows})
    names = {patient.id: mask_name(patient.name) for patient in people.values()}
    return await _cases(desk, rows, names)


async def worklist(actor: Actor, desk: Desk, *, state: str = OPEN) -> list[Case]:
    """Of the institutions where the actor decides: open ones by deadline, else the latest first."""
    actor.must("appeal.decide")
    within = actor.where("appeal.decide")
    wanted = Appeal.filter(consortium_id=actor.consortium_id)
    wanted = wanted.filter(state=OPEN) if state == OPEN else wanted.exclude(state=OPEN)
    if within is not None:
        wanted = wanted.filter(appointment__organization_id__in=list(within))
    order = ("due_at", "id") if state == OPEN else ("-decided_at", "-id")
    rows = await wanted.select_related("appointment", "patient").order_by(*order).limit(LISTED_MOST)
    async with db.transaction():
        await note_read(actor, "appeal.listed", {row.patient_id for row in rows})
    return await _cases(desk, rows, {row.patient_id: mask_name(row.patient.name) for row in rows})


async def show(actor: Actor, desk: Desk, appeal_id: UUID) -> Case:
    """One appeal, for whoever decides it. Raises NotFound."""
    row = await _for_staff(actor, appeal_id)
    async with db.transaction():
        await note_read(actor, "appeal.shown", {row.patient_id})
    return (await _cases(desk, [row], {row.patient_id: mask_name(row.patient.name)}))[0]


async def _for_staff(actor: Actor, appeal_id: UUID) -> Appeal:
    row = await Appeal.get_or_none(id=appeal_id, consortium_id=actor.consortium_id).select_related(
        "appointment", "patient"
    )
    if row is None:
        raise NotFound
    actor.must("appeal.decide", row.appointment.organization_id)
    return row


async def decide(actor: Actor, appeal_id: UUID, *, granted: bool, decision: str) -> None:
    """Grant or refuse, with a reason that the resident reads. Granted, nothing of it counts.

    A restriction that no longer follows from what is left is lifted in the same transaction.

    Raises:
        NotFound: no such appeal, or not the actor's to decide.
        AlreadyDecided.
    """
    row = await _for_staff(actor, appeal_id)
    state, table = GRANTED if granted else REFUSED, await policies(actor.consortium_id)
    async with db.transaction():
        # Under the patient's lock: two decisions at once each see what the other has excused.
        await lock_patients([row.patient_id])
        decided = await Appeal.filter(id=appeal_id, state=OPEN).update(
            state=state, decision=decision, decided_by=actor.id, decided_at=clock.now()
        )
        if not decided:
            raise AlreadyDecided(state=(await Appeal.get(id=appeal_id)).state)
        if granted:
            await _take_back(actor, row, decision, table)
        await audit.record(actor, DECIDED[state], entity_id=appeal_id, patient_ids=[row.patient_id])
        await _tell(row, f"appeal_{state}")
    log.info("appeal.decided", appeal_id=str(appeal_id), state=state)


async def _take_back(actor: Actor, row: Appeal, decision: str, table: Policies) -> None:
    appointment = await Appointment.get(id=row.appointment_id)
    await excusing.excuse(actor, appointment, decision)
    await standing.reconsider(row.consortium_id, row.patient_id, table)


async def _tell(row: Appeal, kind: str) -> None:
    """Whoever may act for the patient."""
    carers = Carer.filter(in_force(), patient_id=row.patient_id, scope__in=at_least("book"))
    accounts = await carers.limit(notices.TOLD_MOST).values_list("account_id", flat=True)
    await notices.leave(
        row.consortium_id,
        list(accounts),  # type: ignore[arg-type]
        kind,
        patient_id=row.patient_id,
        subject_id=row.id,
    )


async def _cases(desk: Desk, rows: Sequence[Appeal], names: dict[UUID, str]) -> list[Case]:
    places = await desk.places.each(row.appointment.slot_id for row in rows)
    return [
        _case(row, row.appointment, place, names[row.patient_id])
        for row, place in zip(rows, places, strict=True)
    ]


def _case(row: Appeal, appointment: Appointment, place: Place, name: str) -> Case:
    return Case(
        id=row.id,
        appointment_id=row.appointment_id,
        patient_id=row.patient_id,
        patient_name=name,
        place=place,
        charge=charge_of(appointment),
        reason=row.reason,
        state=row.state,
        created_at=row.created_at,
        due_at=row.due_at,
        decided_at=row.decided_at,
        decision=row.decision,
    )
