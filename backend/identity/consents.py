"""知情同意: what an account decided, and the terms it agreed to or no longer agrees to."""

from datetime import datetime
from uuid import UUID, uuid4

import structlog
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.errors import NotFound
from backend.identity.access import Actor, lock, note_read, patients_of
from backend.identity.documents import mask_name
from backend.identity.errors import ConsentWithdrawn, TermsChanged
from backend.identity.models import Account
from backend.identity.models import Consent as Consent
from backend.identity.terms import VERSION
from backend.receipts import Receipt

log = structlog.get_logger()

TERMS = "terms"
Cursor = tuple[datetime, UUID]


async def write(actor: Actor, patient_id: UUID | None, purpose: str, *, granted: bool) -> Consent:
    """Write down a decision; inside the transaction of what it allows."""
    return await _write(actor, actor.account_id, patient_id, purpose, granted=granted)


async def at_desk(actor: Actor, patient_id: UUID) -> Consent:
    """Said to a member of staff, under whose id it is kept. Raises NotFound: the actor is none."""
    if actor.kind != "staff" or actor.id is None:
        raise NotFound
    return await _write(actor, actor.id, patient_id, "identity", granted=True)


async def _write(
    actor: Actor, account_id: UUID, patient_id: UUID | None, purpose: str, *, granted: bool
) -> Consent:
    return await Consent.create(
        id=uuid4(),
        consortium_id=actor.consortium_id,
        account_id=account_id,
        patient_id=patient_id,
        purpose=purpose,
        text_version=VERSION,
        granted=granted,
        at=clock.now(),
    )


async def latest(actor: Actor) -> Consent | None:
    """What the account said last about the terms."""
    mine = Consent.filter(account_id=actor.account_id, purpose=TERMS)
    return await mine.order_by("-at", "-id").first()


async def check(actor: Actor) -> None:
    """Nothing more is kept about whoever took their consent back; under `access.lock`.

    Raises ConsentWithdrawn.
    """
    found = await latest(actor)
    if found is not None and not found.granted:
        raise ConsentWithdrawn


async def decide(actor: Actor, *, version: str, granted: bool, receipt: Receipt) -> Consent:
    """Agree to the terms as they stand, or take it back: then the account's phone is erased.

    Raises TermsChanged: another version is shown now.
    """
    if granted and version != VERSION:
        raise TermsChanged(version=VERSION)
    async with db.transaction():
        await lock(actor)
        await receipt.check()
        row = await write(actor, None, TERMS, granted=granted)
        if not granted:
            mine = Account.filter(id=actor.account_id)
            await mine.update(phone_sealed=None, phone_index=None)
        deed = "given" if granted else "withdrawn"
        await audit.record(actor, f"consent.{deed}", entity_id=row.id)
        await receipt.keep(201, row)
    log.info(f"consent.{deed}", account_id=str(actor.account_id))
    return row


async def list_of(
    actor: Actor, *, after: Cursor | None, most: int
) -> tuple[list[Consent], dict[UUID, str]]:
    """Every decision of the account, the latest first, from `after` on.

    And the masked names of those concerned who are still in its care.
    """
    wanted = Consent.filter(account_id=actor.account_id)
    if after is not None:
        at, last = after
        wanted = wanted.filter(Q(at__lt=at) | Q(at=at, id__lt=last))
    rows = await wanted.order_by("-at", "-id").limit(most)
    patients = await patients_of(actor)
    named = patients.keys() & {row.patient_id for row in rows}
    async with db.transaction():
        await note_read(actor, "consent.listed", named)
    return rows, {patient_id: mask_name(patients[patient_id].name) for patient_id in named}
