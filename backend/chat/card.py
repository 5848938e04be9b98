"""居民卡片: what whoever answers should know of the resident, within their rights; audited.

There are no records of diseases and readings yet: of those the card has only what the resident has
told the bot in this conversation, and says so.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from backend import clock
from backend.booking.models import Appointment
from backend.booking.policy import BOOKED, CHECKED_IN, PENDING
from backend.chat.lists import places
from backend.chat.models import Conversation
from backend.consortium.directory import directory
from backend.identity import contracts
from backend.identity.access import Actor, in_force
from backend.identity.models import Carer, FamilyDoctorContract, Patient
from backend.reminders import follow_ups, medication_records
from backend.reminders.dosage import NOT_YET
from backend.reminders.follow_ups import Look

VISITS_MOST = 5  # of each: past and to come
CARERS_MOST = 10
COMING = (PENDING, BOOKED, CHECKED_IN)
TOLD_ONLY = "这里还没有慢病和体征档案，只有居民在这次咨询里自己说的，没有核对过。"


class Contract(msgspec.Struct, frozen=True):
    """`mine`: with the actor."""

    doctor: str
    organization: str
    package: str
    to_on: date | None
    mine: bool


class Helper(msgspec.Struct, frozen=True):
    """代办家属: `relation` is what they are to the patient. `asks`: this conversation is theirs."""

    relation: str
    scope: str
    asks: bool


class Visit(msgspec.Struct, frozen=True):
    appointment_id: UUID
    organization: str
    department: str
    doctor: str
    starts_at: datetime
    status: str


class Medicine(msgspec.Struct, frozen=True):
    """用药计划 in use. `by`: who wrote it, in words; `over`: its last day has passed."""

    medicine: str
    how: str
    by: str
    over: bool


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """`elsewhere`: visits in other institutions are shown too, to the resident's own doctor.
    `told`: what the resident has told the bot, by the bot's names for it; `told_note` belongs
    beside it."""

    patient_id: UUID
    name: str
    sex: str
    birth_on: date
    contract: Contract | None
    helpers: tuple[Helper, ...]
    coming: tuple[Visit, ...]
    past: tuple[Visit, ...]
    medicines: tuple[Medicine, ...]
    follow_ups: tuple[Look, ...]
    elsewhere: bool
    told: dict[str, str]
    told_note: str = TOLD_ONLY
    reminders: str = NOT_YET


async def card_of(actor: Actor, row: Conversation) -> Card | None:
    """None: the conversation is about nobody yet. Whoever calls has checked the right to see it,
    and leaves the audit row."""
    if row.patient_id is None:
        return None
    patient = await Patient.get(id=row.patient_id)
    contract = await _contract(actor, row.patient_id)
    own = contract is not None and contract.mine
    within = None if own else places(actor)
    return Card(
        patient_id=patient.id,
        name=patient.name,
        sex=patient.sex,
        birth_on=patient.birth_on,
        contract=contract,
        helpers=await _helpers(row),
        coming=await _visits(actor, row.patient_id, within, coming=True),
        past=await _visits(actor, row.patient_id, within, coming=False),
        medicines=await _medicines(row.patient_id),
        follow_ups=tuple(await follow_ups.of_patient(row.patient_id)),
        elsewhere=within is None,
        told=_told(row.triage),
    )


async def _contract(actor: Actor, patient_id: UUID) -> Contract | None:
    row = await FamilyDoctorContract.get_or_none(
        contracts.in_force(), consortium_id=actor.consortium_id, patient_id=patient_id
    ).select_related("practitioner", "organization")
    if row is None:
        return None
    mine = actor.practitioner_id is not None and actor.practitioner_id == row.practitioner_id
    return Contract(row.practitioner.name, row.organization.name, row.package, row.to_on, mine)


async def _helpers(row: Conversation) -> tuple[Helper, ...]:
    rows = Carer.filter(in_force(), patient_id=row.patient_id).order_by("created_at", "id")
    return tuple(
        Helper(one.relation, one.scope, one.account_id == row.account_id)
        for one in await rows.limit(CARERS_MOST)
    )


async def _medicines(patient_id: UUID) -> tuple[Medicine, ...]:
    return tuple(
        Medicine(
            plan.dosage.medicine,
            plan.words,
            f"{plan.doctor}医生写" if plan.doctor else "居民自己写",
            plan.over,
        )
        for plan in await medication_records.of_patient(patient_id, ended=0)
    )


async def _visits(
    actor: Actor, patient_id: UUID, within: frozenset[UUID] | None, *, coming: bool
) -> tuple[Visit, ...]:
    county, now = await directory(actor.consortium_id), clock.now()
    rows = Appointment.filter(consortium_id=actor.consortium_id, patient_id=patient_id)
    if within is not None:
        rows = rows.filter(organization_id__in=list(within))
    if coming:
        rows = rows.filter(starts_at__gt=now, status__in=COMING).order_by("starts_at", "id")
    else:
        rows = rows.filter(starts_at__lte=now).order_by("-starts_at", "-id")
    found = []
    for one in await rows.limit(VISITS_MOST).select_related("slot__schedule"):
        org = county.organizations.get(one.organization_id)
        dept = county.departments.get(one.department_id)
        doctor = county.doctors.get(one.slot.schedule.practitioner_id)
        found.append(
            Visit(
                one.id,
                org.name if org else "",
                dept.name if dept else "",
                doctor.name if doctor else "",
                one.starts_at,
                one.status,
            )
        )
    return tuple(found)


def _told(triage: Any) -> dict[str, str]:
    slots = triage.get("slots") if isinstance(triage, dict) else None
    return {str(name): str(value) for name, value in (slots or {}).items()}
