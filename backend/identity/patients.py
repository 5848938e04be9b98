"""就诊人: register real people, show them masked, let them go.

A person is one row however many accounts care for them. Whoever adds somebody who is there already
asks for consent instead (`carers.py`): until it is given they see nothing.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

import structlog
from msgspec import UNSET, UnsetType
from tortoise.exceptions import IntegrityError

from backend import audit, clock, db, notices
from backend.crypto import Vault
from backend.identity import consents, documents
from backend.identity.access import (
    Actor,
    care_of,
    in_force,
    is_living,
    living,
    lock,
    lock_patients,
    managers,
    note_read,
)
from backend.identity.errors import (
    AlreadyAdded,
    ConsentMissing,
    GuardianNeeded,
    IdentityMismatch,
    SelfAlreadyAdded,
    TooManyCarers,
    TooManyPatients,
)
from backend.identity.models import Carer as Carer
from backend.identity.models import Patient
from backend.receipts import Receipt

log = structlog.get_logger()

CARERS_MOST = 50  # of one person, with those who ask
GUARDIANS = ("parent", "grandparent", "sibling", "other")
ID_COLUMN, PHONE_COLUMN = "patient.id", "patient.phone"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPatient:
    """What a resident types. `birth_on` and `sex` are needed only where the number hides them."""

    name: str
    id_kind: str
    id_number: str
    relation: str
    agreed: bool
    phone: str | None = None
    birth_on: date | None = None
    sex: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtDesk:
    """What is read from the documents of somebody who stands at the desk."""

    name: str
    id_kind: str
    id_number: str
    agreed: bool
    phone: str | None = None
    birth_on: date | None = None
    sex: str | None = None


async def register(
    actor: Actor, vault: Vault, new: NewPatient, *, most: int, receipt: Receipt
) -> Carer:
    """Add a person to the account's list. `most` is the policy's number per account.

    Returns the carer row, patient included: `active`, or `requested` when the person is known
    already and one of their carers must consent first.

    Raises:
        ConsentMissing, ConsentWithdrawn, IdentityNumberWrong, IdentityMismatch, AlreadyAdded,
        SelfAlreadyAdded, GuardianNeeded, TooManyPatients, TooManyCarers.
    """
    if not new.agreed:
        raise ConsentMissing(field="agreed")
    person = _person(actor, vault, new)
    try:
        return await _register(actor, person, new, most, receipt)
    except IntegrityError:  # the same person was being added elsewhere at this very moment
        return await _register(actor, _person(actor, vault, new), new, most, receipt)


def _person(actor: Actor, vault: Vault, new: NewPatient | AtDesk) -> Patient:
    number = documents.normalise(new.id_kind, new.id_number, today=clock.today())
    birth_on, sex = new.birth_on, new.sex or "unknown"
    if new.id_kind == "resident_id":
        read = documents.read_resident_number(number, today=clock.today())
        birth_on, sex = read.birth_on, read.sex
    if birth_on is None or not documents.is_possible_birth(birth_on, clock.today()):
        raise documents.IdentityNumberWrong("请填写证件上的出生日期。", field="birth_on")
    return Patient(
        id=uuid4(),
        consortium_id=actor.consortium_id,
        name=new.name,
        id_kind=new.id_kind,
        id_sealed=vault.seal(number, bound_to=ID_COLUMN),
        id_index=vault.index(ID_COLUMN, new.id_kind, number),
        birth_on=birth_on,
        sex=sex,
        created_at=clock.now(),
        **_sealed_phone(vault, new.phone),
    )


def _sealed_phone(vault: Vault, phone: str | None) -> dict[str, str | None]:
    if not phone:
        return {"phone_sealed": None, "phone_index": None}
    return {
        "phone_sealed": vault.seal(phone, bound_to=PHONE_COLUMN),
        "phone_index": vault.index(PHONE_COLUMN, phone),
    }


async def _register(
    actor: Actor, person: Patient, new: NewPatient, most: int, receipt: Receipt
) -> Carer:
    async with db.transaction():
        await lock(actor)
        await consents.check(actor)
        await _check_list(actor, new, most)
        known = await _known(actor, person.id_index)
        if known is None:
            await _check_guardian(actor, person, new)
            await person.save(force_create=True)
        elif known.name != new.name:
            raise IdentityMismatch(field="name")
        patient = known or person
        state = "active" if known is None or await _comes_back(actor, known) else "requested"
        carer = await _link(actor, patient, new, state=state)
        await _note(actor, patient, carer)
        await receipt.keep(201, carer)
    log.info("patient.registered", patient_id=str(patient.id), state=carer.state)
    return carer


async def _known(actor: Actor, id_index: str) -> Patient | None:
    """Whoever is there under this number, locked."""
    same = Patient.filter(consortium_id=actor.consortium_id, id_index=id_index)
    await lock_patients(await same.values_list("id", flat=True))  # type: ignore[arg-type]
    return await same.first()  # read again: they may have been erased


async def _comes_back(actor: Actor, patient: Patient) -> bool:
    """Whether the account managed this person before, left by itself, and nobody else is left."""
    left = Carer.filter(
        patient_id=patient.id,
        account_id=actor.account_id,
        state="revoked",
        scope="manage",
        ended_by=actor.account_id,
    )
    managers = Carer.filter(in_force(), patient_id=patient.id, scope="manage")
    return await left.exists() and not await managers.exists()


async def _check_list(actor: Actor, new: NewPatient, most: int) -> None:
    mine = Carer.filter(living(), account_id=actor.account_id)
    if await mine.count() >= most:
        raise TooManyPatients(most=most)
    if new.relation == "self" and await mine.filter(relation="self").exists():
        raise SelfAlreadyAdded(field="relation")


async def _check_guardian(actor: Actor, person: Patient, new: NewPatient) -> None:
    if not documents.is_minor(person.birth_on, clock.today()):
        return
    me = (
        await Carer.filter(in_force(), account_id=actor.account_id, relation="self")
        .select_related("patient")
        .first()
    )
    grown = me is not None and not documents.is_minor(me.patient.birth_on, clock.today())
    if new.relation not in GUARDIANS or not grown:
        raise GuardianNeeded(field="relation")


async def _link(actor: Actor, patient: Patient, new: NewPatient, *, state: str) -> Carer:
    row = await Carer.get_or_none(patient_id=patient.id, account_id=actor.account_id)
    if row is not None and is_living(row):
        raise AlreadyAdded(patient_id=patient.id)
    if state == "requested":
        await check_room(patient.id)
    first = not await Carer.filter(account_id=actor.account_id, is_default=True).exists()
    facts = {
        "relation": new.relation,
        "scope": "manage" if state == "active" else "book",
        "state": state,
        "is_default": first and state == "active",
        "created_at": clock.now(),
        "expires_at": None,
        "ended_at": None,
        "ended_by": None,
    }
    if row is None:
        row = Carer(
            id=uuid4(), consortium_id=actor.consortium_id, account_id=actor.account_id, **facts
        )
        row.patient = patient
        await row.save(force_create=True)
    else:
        row.update_from_dict(facts)
        await row.save()
        row.patient = patient
    return row


async def _note(actor: Actor, patient: Patient, carer: Carer) -> None:
    minor = documents.is_minor(patient.birth_on, clock.today())
    for purpose in ("identity", "guardian") if minor else ("identity",):
        await consents.write(actor, patient.id, purpose, granted=True)
    await audit.record(
        actor,
        f"patient.{'registered' if carer.state == 'active' else 'requested'}",
        entity_id=carer.id,
        patient_ids=[patient.id],
    )
    if carer.state == "requested":
        asked = await managers(patient.id, but=actor.account_id)
        await notices.leave(
            actor.consortium_id, asked, "carer_asks", patient_id=patient.id, subject_id=carer.id
        )


async def list_mine(actor: Actor) -> list[Carer]:
    """The account's list, the default one first; with those that still wait for consent."""
    rows = (
        await Carer.filter(living(), account_id=actor.account_id)
        .select_related("patient")
        .order_by("-is_default", "created_at", "id")
        .limit(100)
    )
    async with db.transaction():
        read = {row.patient_id for row in rows if row.state == "active"}
        await note_read(actor, "patient.listed", read)
    return rows


async def show(actor: Actor, patient_id: UUID) -> Carer:
    """One person of the list. Raises NotFound."""
    row = await care_of(actor, patient_id, "view")
    async with db.transaction():
        await note_read(actor, "patient.shown", {patient_id})
    return row


async def at_desk(actor: Actor, vault: Vault, new: AtDesk) -> Patient:
    """Whoever stands at the desk: known by their number, or registered; inside the caller's
    transaction. Staff have seen the documents and asked for consent, which is noted under their id.

    Nobody becomes a carer by it. The caller has checked the right.

    Raises:
        ConsentMissing, IdentityNumberWrong, IdentityMismatch.
    """
    if not new.agreed or actor.id is None:
        raise ConsentMissing(field="agreed")
    person = _person(actor, vault, new)
    known = await _known(actor, person.id_index)
    if known is not None:
        if known.name != new.name:
            raise IdentityMismatch(field="name")
        await audit.record(actor, "patient.found", patient_ids=[known.id])
        return known
    await person.save(force_create=True)
    await consents.at_desk(actor, person.id)
    await audit.record(actor, "patient.registered", entity_id=person.id, patient_ids=[person.id])
    return person


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What may be changed; UNSET leaves it as it is. A real name is never changed here."""

    phone: str | UnsetType | None = UNSET
    relation: str | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET


async def change(actor: Actor, vault: Vault, patient_id: UUID, wanted: Change) -> Carer:
    """Change phone (scope `manage`), relation or default. Raises NotFound, SelfAlreadyAdded."""
    async with db.transaction():
        await lock(actor)
        row = await care_of(actor, patient_id, "view" if wanted.phone is UNSET else "manage")
        if wanted.phone is not UNSET:
            row.patient.update_from_dict(_sealed_phone(vault, wanted.phone))
            await row.patient.save(update_fields=["phone_sealed", "phone_index"])
        if wanted.relation is not UNSET and wanted.relation != row.relation:
            await _change_relation(actor, row, wanted.relation)
        if wanted.is_default is not UNSET:
            if wanted.is_default:
                await Carer.filter(account_id=actor.account_id).update(is_default=False)
            row.is_default = wanted.is_default
            await row.save(update_fields=["is_default"])
        await audit.record(actor, "patient.changed", patient_ids=[patient_id])
    return row


async def check_self(actor: Actor, patient_id: UUID, scope: str) -> None:
    """Whether the account may call itself the patient's own: it may manage, and no other does.

    Raises SelfAlreadyAdded.
    """
    await lock_patients([patient_id])
    taken = await Carer.filter(living(), relation="self", account_id=actor.account_id).exists()
    if taken or scope != "manage" or await has_own_account(patient_id):
        raise SelfAlreadyAdded(field="relation")


async def has_own_account(patient_id: UUID, *, but: UUID | None = None) -> bool:
    """Whether a carer, except the row `but`, is the patient themself; under `lock_patients`."""
    own = Carer.filter(in_force(), relation="self", patient_id=patient_id)
    return await (own if but is None else own.exclude(id=but)).exists()


async def check_room(patient_id: UUID) -> None:
    """Whether one more may care for the person or ask to; under `lock_patients`.

    Raises TooManyCarers.
    """
    if await Carer.filter(living(), patient_id=patient_id).count() >= CARERS_MOST:
        raise TooManyCarers(most=CARERS_MOST)


async def _change_relation(actor: Actor, row: Carer, relation: str) -> None:
    minor = documents.is_minor(row.patient.birth_on, clock.today())
    if minor and relation not in GUARDIANS:
        raise GuardianNeeded(field="relation")
    if relation == "self":
        await check_self(actor, row.patient_id, row.scope)
    row.relation = relation
    await row.save(update_fields=["relation"])


def masked_number(vault: Vault, patient: Patient) -> str:
    return documents.mask_number(vault.open(patient.id_sealed, bound_to=ID_COLUMN))


def masked_phone(vault: Vault, patient: Patient) -> str | None:
    if patient.phone_sealed is None:
        return None
    return documents.mask_phone(vault.open(patient.phone_sealed, bound_to=PHONE_COLUMN))
