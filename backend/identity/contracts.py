"""家庭医生签约: signed at the institution's desk, ended, listed, and what a doctor may do by it."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

import structlog
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.consortium.directory import directory
from backend.crypto import Vault
from backend.errors import Malformed, NotFound
from backend.identity import documents
from backend.identity.access import Actor, note_read
from backend.identity.documents import mask_name
from backend.identity.errors import AlreadyContracted, DoctorElsewhere
from backend.identity.models import FamilyDoctorContract, Patient
from backend.identity.patients import ID_COLUMN

log = structlog.get_logger()

LISTED_MOST = 100
NOBODY = "没有找到这位居民。请核对姓名和身份证号；还没登记的，请先在小程序里添加就诊人。"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContract:
    """What is written at the desk. Dates inclusive; `to_on` None is open. `package`: 服务包."""

    organization_id: UUID
    practitioner_id: UUID
    name: str
    id_number: str
    package: str
    from_on: date
    to_on: date | None


@dataclass(frozen=True, slots=True)
class Resident:
    """One whom a doctor has a contract with. `name` masked."""

    contract_id: UUID
    patient_id: UUID
    name: str
    birth_on: date
    sex: str
    package: str
    from_on: date
    to_on: date | None


@dataclass(frozen=True, slots=True)
class FamilyDoctor:
    """As a resident is told."""

    name: str
    organization: str
    phone: str


def in_force() -> Q:
    """Contracts that hold today."""
    today = clock.today()
    return Q(ended_at=None, from_on__lte=today) & (Q(to_on=None) | Q(to_on__gte=today))


async def sign(actor: Actor, vault: Vault, new: NewContract) -> FamilyDoctorContract:
    """Write down a contract with somebody who is registered already.

    Raises:
        NotFound: no such person, or the institution is not the actor's; a doctor signs only for
            themselves.
        DoctorElsewhere; AlreadyContracted: another contract holds; Malformed, IdentityNumberWrong.
    """
    _must_edit(actor, new.organization_id, new.practitioner_id)
    await _check(actor, new)
    number = documents.normalise("resident_id", new.id_number, today=clock.today())
    patient = await Patient.get_or_none(
        consortium_id=actor.consortium_id,
        id_index=vault.index(ID_COLUMN, "resident_id", number),
        name=new.name,
    )
    if patient is None:
        raise NotFound(NOBODY)
    try:
        async with db.transaction():
            await _end_expired(patient.id)
            contract = await FamilyDoctorContract.create(
                id=uuid4(),
                consortium_id=actor.consortium_id,
                patient=patient,
                practitioner_id=new.practitioner_id,
                organization_id=new.organization_id,
                package=new.package,
                from_on=new.from_on,
                to_on=new.to_on,
                signed_by=actor.id,
                created_at=clock.now(),
            )
            await audit.record(
                actor, "contract.signed", entity_id=contract.id, patient_ids=[patient.id]
            )
    except IntegrityError:  # one per patient, whoever signs at the same moment
        raise AlreadyContracted from None
    log.info("contract.signed", contract_id=str(contract.id))
    return contract


async def _check(actor: Actor, new: NewContract) -> None:
    if new.to_on is not None and new.to_on < max(new.from_on, clock.today()):
        raise Malformed("到期日不能早于生效日和今天。", field="to_on")
    county = await directory(actor.consortium_id)
    doctor = county.doctors.get(new.practitioner_id)
    works_there = doctor is not None and any(
        role.organization_id == new.organization_id and role.covers(clock.today())
        for role in doctor.roles
    )
    if not works_there:
        raise DoctorElsewhere(field="practitioner_id")


async def _end_expired(patient_id: UUID) -> None:
    """One whose time is over makes room for the next."""
    over = FamilyDoctorContract.filter(
        patient_id=patient_id, ended_at=None, to_on__lt=clock.today()
    )
    await over.update(ended_at=clock.now())


async def end(actor: Actor, contract_id: UUID) -> None:
    """End a contract now. Raises NotFound."""
    contract = await FamilyDoctorContract.get_or_none(
        id=contract_id, consortium_id=actor.consortium_id
    )
    if contract is None:
        raise NotFound
    _must_edit(actor, contract.organization_id, contract.practitioner_id)
    async with db.transaction():
        living = FamilyDoctorContract.filter(id=contract_id, ended_at=None)
        if not await living.update(ended_at=clock.now(), ended_by=actor.id):
            raise NotFound
        await audit.record(
            actor, "contract.ended", entity_id=contract_id, patient_ids=[contract.patient_id]
        )
    log.info("contract.ended", contract_id=str(contract_id))


def _must_edit(actor: Actor, organization_id: UUID, practitioner_id: UUID) -> None:
    """Raises NotFound. A doctor writes for themselves, an administrator for every doctor there."""
    actor.must("contract.edit", organization_id)
    if not actor.may("contract.oversee", organization_id):
        if actor.practitioner_id != practitioner_id:
            raise NotFound


async def residents_of(
    actor: Actor, practitioner_id: UUID, *, after: UUID | None = None
) -> tuple[list[Resident], UUID | None]:
    """Whom a doctor has contracts with, and where the next page begins; leaves audit rows.

    Raises:
        NotFound: neither the doctor nor an administrator of where they lead a team.
    """
    actor.must("contract.edit")
    held = FamilyDoctorContract.filter(
        in_force(), consortium_id=actor.consortium_id, practitioner_id=practitioner_id
    )
    if actor.practitioner_id != practitioner_id:
        actor.must("contract.oversee")
        places = actor.where("contract.oversee")
        if places is not None:
            held = held.filter(organization_id__in=list(places))
    if after is not None:
        held = held.filter(id__gt=after)
    rows = await held.order_by("id").limit(LISTED_MOST + 1).select_related("patient")
    shown = rows[:LISTED_MOST]
    async with db.transaction():
        await note_read(actor, "contract.listed", {row.patient_id for row in shown})
    following = shown[-1].id if len(rows) > LISTED_MOST else None
    return [_resident(row) for row in shown], following


def _resident(row: FamilyDoctorContract) -> Resident:
    person = row.patient
    return Resident(
        row.id, person.id, mask_name(person.name), person.birth_on, person.sex, row.package,
        row.from_on, row.to_on,
    )  # fmt: skip


async def resident(actor: Actor, patient_id: UUID, right: str) -> Resident:
    """The doctor's own resident, for whom they have `right` where the contract was made.

    Raises:
        NotFound: no contract of theirs holds.
    """
    if actor.practitioner_id is None:
        raise NotFound
    contract = (
        await FamilyDoctorContract.filter(
            in_force(),
            consortium_id=actor.consortium_id,
            patient_id=patient_id,
            practitioner_id=actor.practitioner_id,
        )
        .select_related("patient")
        .first()
    )
    if contract is None:
        raise NotFound
    actor.must(right, contract.organization_id)
    return _resident(contract)


async def show(actor: Actor, patient_id: UUID, right: str) -> Resident:
    """`resident`, for a page: leaves an audit row."""
    found = await resident(actor, patient_id, right)
    async with db.transaction():
        await note_read(actor, "contract.read", {patient_id})
    return found


async def family_doctor_of(actor: Actor, patient_id: UUID) -> FamilyDoctor | None:
    """Whom a resident may turn to. The caller has checked that the patient is the actor's."""
    contract = await FamilyDoctorContract.get_or_none(
        in_force(), consortium_id=actor.consortium_id, patient_id=patient_id
    )
    if contract is None:
        return None
    county = await directory(actor.consortium_id)
    doctor = county.doctors.get(contract.practitioner_id)
    place = county.organizations.get(contract.organization_id)
    if doctor is None or place is None:
        return None
    return FamilyDoctor(doctor.name, place.name, place.phone)
