"""注销账号: what follows is said first; then everything goes that no law keeps, at once.

There is no way back: whoever comes again is a new account. Appointments that nobody else could look
after must be cancelled first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID, uuid4

import structlog
from tortoise.expressions import Subquery
from tortoise.queryset import QuerySet

from backend import audit, clock, db
from backend.appeal.models import Appeal
from backend.booking import leaving
from backend.booking.models import Appointment, Restriction
from backend.booking.waitlist import leaving as waits
from backend.chat import leaving as chats
from backend.chat.models import Conversation
from backend.draw.lottery import WAITING, WITHDRAWN
from backend.draw.models import DrawEntry
from backend.identity import carers
from backend.identity.access import (
    Actor,
    in_force,
    is_in_force,
    living,
    lock,
    lock_patients,
    note_read,
)
from backend.identity.documents import mask_name
from backend.identity.errors import HasAppointments
from backend.identity.models import (
    Account,
    Carer,
    CarerInvitation,
    FamilyDoctorContract,
    Patient,
    Session,
)
from backend.notices import Notice
from backend.receipts import IdempotencyKey
from backend.reminders import follow_ups, medication_records
from backend.reminders.models import FollowUp, MedicationPlan, Subscription
from backend.satisfaction.models import SurveyResponse
from backend.suspension.models import SuspensionCase
from backend.wechat.events import WechatEvent

log = structlog.get_logger()

SEEN = ("checked_in", "called", "fulfilled")  # then there is a medical record, which the law keeps
NOBODY = "已注销"
NO_DAY = date(1900, 1, 1)
SWEEP_MOST = 500

Fate = Literal["shared", "kept", "erased"]


@dataclass(frozen=True, slots=True)
class Person:
    """`fate`: others still care for them; kept by law or rule; or erased. `appointments` block."""

    patient_id: UUID
    name: str
    fate: Fate
    appointments: Sequence[UUID]


async def consequences(actor: Actor) -> list[Person]:
    """What would become of everyone in the account's care."""
    rows = (
        await Carer.filter(living(), account_id=actor.account_id, state="active")
        .select_related("patient")
        .order_by("created_at", "id")
        .limit(100)
    )
    async with db.transaction():
        await note_read(actor, "patient.listed", {row.patient_id for row in rows})
    others: dict[UUID, list[Carer]] = {row.patient_id: [] for row in rows}
    beside = Carer.filter(living(), patient_id__in=list(others))
    for row in await beside.exclude(account_id=actor.account_id):
        others[row.patient_id].append(row)
    fates = await _fates(others)
    stranded = await leaving.stranded_each(others)
    return [
        Person(
            row.patient_id,
            mask_name(row.patient.name),
            fates[row.patient_id],
            stranded.get(row.patient_id, []),
        )
        for row in rows
    ]


async def _fates(others: Mapping[UUID, Sequence[Carer]]) -> dict[UUID, Fate]:
    """By patient, with the others who care for them."""
    alone = [one for one, rows in others.items() if not any(is_in_force(row) for row in rows)]
    kept = set()
    for why in (_seen(), _barred(), _answered(), _prescribed(), _followed_up()):
        bound = why.filter(patient_id__in=alone).distinct()
        kept |= set(await bound.values_list("patient_id", flat=True))
    left: dict[UUID, Fate] = {one: "kept" if one in kept else "erased" for one in alone}
    return {one: left.get(one, "shared") for one in others}


def _seen() -> QuerySet[Appointment]:
    return Appointment.filter(status__in=SEEN)


def _answered() -> QuerySet[Conversation]:
    """A doctor has answered: a record of care as well, for as long as the rules keep it."""
    stretches = chats.answered().values("conversation_id")
    return Conversation.filter(id__in=Subquery(stretches), patient_id__not_isnull=True)


def _prescribed() -> QuerySet[MedicationPlan]:
    """A doctor has written what they take: the same."""
    return medication_records.of_doctors(clock.now() - chats.ANSWERED_KEPT)


def _followed_up() -> QuerySet[FollowUp]:
    """And what was found when they were looked at again."""
    return follow_ups.recorded(clock.now() - chats.ANSWERED_KEPT)


def _barred() -> QuerySet[Restriction]:
    return Restriction.filter(until_at__gt=clock.now(), lifted_at=None)


async def erase(actor: Actor) -> None:
    """End the account and everything that is only its own. Raises HasAppointments."""
    async with db.transaction():
        await lock(actor)
        account = await Account.get(id=actor.account_id)
        mine = await Carer.filter(living(), account_id=account.id).values_list(
            "patient_id", flat=True
        )
        await lock_patients(list(mine))  # type: ignore[arg-type]
        # All carers of all these patients are locked, in one order: two who leave see each other.
        rows = (
            await Carer.filter(living(), patient_id__in=list(mine))
            .order_by("id")
            .select_for_update()
        )
        for row in [row for row in rows if row.account_id == account.id]:
            others = [
                other for other in rows if other.patient_id == row.patient_id and other != row
            ]
            await _leave(actor, row, others)
        await chats.leave(actor, Conversation.filter(account_id=account.id))
        await _forget(account)
        await audit.record(actor, "account.erased", entity_id=account.id)
    log.info("account.erased", account_id=str(account.id))


async def _leave(actor: Actor, row: Carer, others: list[Carer]) -> None:
    if row.state == "active":
        stranded = await leaving.stranded(row.patient_id, others)
        if stranded:
            raise HasAppointments(appointment_ids=stranded)
    await carers.end(actor, row)
    fate = (await _fates({row.patient_id: others}))[row.patient_id]
    if row.state == "active" and fate == "erased":
        await _erase_patient(actor, row.patient_id)
    if row.state == "active" and fate == "kept":
        await _withdraw(actor, row.patient_id)
        records = clock.now() - chats.ANSWERED_KEPT
        await medication_records.forget(row.patient_id, but=records)
        await follow_ups.forget(row.patient_id, but=records)


async def _withdraw(actor: Actor, patient_id: UUID) -> None:
    """From what they wait for: nobody is there to whom it could be given."""
    await waits.of_patient(actor, patient_id)
    await DrawEntry.filter(patient_id=patient_id, outcome=WAITING).update(
        outcome=WITHDRAWN, withdrawn_at=clock.now()
    )


async def _erase_patient(actor: Actor, patient_id: UUID) -> None:
    """Their appointments stay as numbers, of nobody."""
    await _withdraw(actor, patient_id)  # first: what is offered just now has the entry, then them
    await Patient.filter(id=patient_id).update(
        name=NOBODY, id_kind="erased", id_sealed="", id_index=f"erased:{uuid4().hex}",
        phone_sealed=None, phone_index=None, birth_on=NO_DAY, sex="unknown",
    )  # fmt: skip
    await Appointment.filter(patient_id=patient_id).update(reason="")
    await SuspensionCase.filter(patient_id=patient_id).update(reached_note="")
    await Appeal.filter(patient_id=patient_id).update(reason="", decision="")
    await chats.leave(actor, Conversation.filter(patient_id=patient_id))
    await medication_records.forget(patient_id)
    await follow_ups.forget(patient_id)
    await CarerInvitation.filter(patient_id=patient_id).delete()
    await SurveyResponse.filter(patient_id=patient_id).delete()
    contracts = FamilyDoctorContract.filter(patient_id=patient_id, ended_at=None)
    await contracts.update(ended_at=clock.now())
    await Notice.filter(patient_id=patient_id).delete()
    await Carer.filter(patient_id=patient_id, state="requested").update(
        state="revoked", ended_at=clock.now()
    )
    await audit.record(actor, "patient.erased", patient_ids=[patient_id])


async def _forget(account: Account) -> None:
    await WechatEvent.filter(openid_index=account.openid_index).delete()
    for model in (Notice, Subscription, IdempotencyKey, SurveyResponse):
        await model.filter(account_id=account.id).delete()
    await CarerInvitation.filter(invited_by=account.id).delete()
    now = clock.now()
    sessions = Session.filter(account_id=account.id)
    await sessions.filter(revoked_at=None).update(revoked_at=now)
    await sessions.update(device="")
    await Account.filter(id=account.id).update(
        openid_index=f"erased:{uuid4().hex}", openid_sealed="", phone_sealed=None,
        phone_index=None, erased_at=now,
    )  # fmt: skip


async def sweep(consortium_id: UUID) -> int:
    """Erase people whom only a rule still kept when their last carer's account was erased.

    A limited number a call. Returns how many.
    """
    left = Carer.filter(
        ended_by__in=Subquery(Account.filter(erased_at__not_isnull=True).values("id"))
    )
    ids: list[UUID] = (
        await Patient.filter(  # type: ignore[assignment]
            consortium_id=consortium_id, id__in=Subquery(left.values("patient_id"))
        )
        .exclude(id_kind="erased")
        .exclude(id__in=Subquery(Carer.filter(in_force()).values("patient_id")))
        .exclude(id__in=Subquery(_seen().values("patient_id")))
        .exclude(id__in=Subquery(_barred().values("patient_id")))
        .exclude(id__in=Subquery(_answered().values("patient_id")))
        .exclude(id__in=Subquery(_prescribed().values("patient_id")))
        .exclude(id__in=Subquery(_followed_up().values("patient_id")))
        .order_by("id")
        .limit(SWEEP_MOST)
        .values_list("id", flat=True)
    )
    erased = 0
    for patient_id in ids:
        async with db.transaction():
            await lock_patients([patient_id])
            # Once more: somebody may have agreed to care, or a doctor have written something.
            others = await Carer.filter(in_force(), patient_id=patient_id)
            if (await _fates({patient_id: others}))[patient_id] == "erased":
                await _erase_patient(Actor.system(consortium_id), patient_id)
                erased += 1
    return erased
