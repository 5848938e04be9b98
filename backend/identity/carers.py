"""代办家属: ask, invite, consent, revoke. Either side can end it at any time."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog

from backend import audit, clock, db, notices
from backend.errors import Malformed, NotFound
from backend.identity import consents
from backend.identity.access import Actor, care_of, in_force, living, lock, managers
from backend.identity.errors import (
    AlreadyAdded,
    InvitationWrong,
    NotYours,
    TooManyPatients,
)
from backend.identity.models import Carer, CarerInvitation
from backend.identity.patients import check_self, is_living
from backend.identity.sessions import token_hash
from backend.receipts import Receipt

log = structlog.get_logger()

CODE_BYTES = 16
INVITATION_LASTS = timedelta(hours=48)
LISTED_MOST = 50
LONGEST_CARE = timedelta(days=3650)


def checked_end(expires_at: datetime | None) -> datetime | None:
    """When a carer's right ends, UTC. Raises Malformed: not within the next ten years."""
    if expires_at is None:
        return None
    now = clock.now()
    if not now < expires_at < now + LONGEST_CARE:
        raise Malformed("到期时间应在今后十年之内。", field="expires_at")
    return expires_at.astimezone(UTC)


async def list_of(actor: Actor, patient_id: UUID) -> list[Carer]:
    """Who cares for the patient or asks to, the eldest first. Raises NotFound."""
    await care_of(actor, patient_id, "manage")
    rows = (
        await Carer.filter(living(), patient_id=patient_id)
        .order_by("created_at", "id")
        .limit(LISTED_MOST)
    )
    async with db.transaction():
        await audit.record(actor, "carer.listed", patient_ids=[patient_id])
    return rows


async def invite(
    actor: Actor,
    patient_id: UUID,
    *,
    scope: str,
    expires_at: datetime | None,
    receipt: Receipt,
) -> tuple[str, CarerInvitation]:
    """A one-time code, shown this once and good for 48 hours. `expires_at` ends the care itself.

    Raises:
        NotFound: the actor may not manage the patient.
    """
    ends_at = checked_end(expires_at)
    await care_of(actor, patient_id, "manage")
    code = secrets.token_urlsafe(CODE_BYTES)
    now = clock.now()
    async with db.transaction():
        invitation = await CarerInvitation.create(
            id=uuid4(),
            consortium_id=actor.consortium_id,
            patient_id=patient_id,
            invited_by=actor.account_id,
            code_hash=token_hash(code),
            scope=scope,
            care_expires_at=ends_at,
            created_at=now,
            expires_at=now + INVITATION_LASTS,
        )
        await consents.write(actor, patient_id, "carer", granted=True)
        await audit.record(
            actor, "carer.invited", entity_id=invitation.id, patient_ids=[patient_id]
        )
        await receipt.keep(201, (code, invitation))
    return code, invitation


async def accept(actor: Actor, code: str, *, relation: str, most: int, receipt: Receipt) -> Carer:
    """Use an invitation. `most` is the policy's number of patients per account.

    Raises:
        ConsentWithdrawn, InvitationWrong, AlreadyAdded, SelfAlreadyAdded, TooManyPatients.
    """
    await consents.check(actor)
    async with db.transaction():
        await lock(actor)
        invitation = await _take(actor, code)
        mine = Carer.filter(living(), account_id=actor.account_id)
        if await mine.exclude(patient_id=invitation.patient_id).count() >= most:
            raise TooManyPatients(most=most)
        if relation == "self":
            await check_self(actor, invitation.patient_id, invitation.scope)
        carer = await _let_in(actor, invitation, relation)
        await consents.write(actor, invitation.patient_id, "carer", granted=True)
        await audit.record(
            actor, "carer.accepted", entity_id=carer.id, patient_ids=[invitation.patient_id]
        )
        hosts = await managers(invitation.patient_id, but=actor.account_id)
        await _tell(carer, hosts, "carer_joined")
        await receipt.keep(201, carer)
    log.info("carer.accepted", carer_id=str(carer.id))
    return carer


async def _take(actor: Actor, code: str) -> CarerInvitation:
    wanted = CarerInvitation.filter(
        consortium_id=actor.consortium_id,
        code_hash=token_hash(code),
        used_at=None,
        expires_at__gt=clock.now(),
    )
    # The guarded UPDATE decides who of several uses it.
    if not await wanted.update(used_at=clock.now()):
        raise InvitationWrong(field="code")
    invitation = await CarerInvitation.get(code_hash=token_hash(code))
    inviter = Carer.filter(
        in_force(),
        patient_id=invitation.patient_id,
        account_id=invitation.invited_by,
        scope="manage",
    )
    if not await inviter.exists():
        raise InvitationWrong(field="code")
    return invitation


async def _let_in(actor: Actor, invitation: CarerInvitation, relation: str) -> Carer:
    row = await Carer.get_or_none(
        patient_id=invitation.patient_id, account_id=actor.account_id
    ).select_related("patient")
    if row is not None and row.state == "active" and is_living(row):
        raise AlreadyAdded(patient_id=invitation.patient_id)
    first = not await Carer.filter(account_id=actor.account_id, is_default=True).exists()
    facts: dict[str, Any] = {
        "relation": relation,
        "scope": invitation.scope,
        "state": "active",
        "is_default": first,
        "created_at": clock.now(),
        "expires_at": invitation.care_expires_at,
        "ended_at": None,
        "ended_by": None,
    }
    if row is None:
        await Carer.create(
            id=uuid4(),
            consortium_id=actor.consortium_id,
            patient_id=invitation.patient_id,
            account_id=actor.account_id,
            **facts,
        )
    else:
        await row.update_from_dict(facts).save()
    return await Carer.get(
        patient_id=invitation.patient_id, account_id=actor.account_id
    ).select_related("patient")


async def decide(
    actor: Actor,
    patient_id: UUID,
    carer_id: UUID,
    *,
    scope: str,
    expires_at: datetime | None,
    receipt: Receipt,
) -> Carer:
    """Consent to a request, or change an active carer's scope and end.

    Raises:
        NotFound; NotYours: the patient's own account is not for others to cut.
    """
    ends_at = checked_end(expires_at)
    await care_of(actor, patient_id, "manage")
    async with db.transaction():
        wanted = Carer.filter(
            id=carer_id, patient_id=patient_id, state__in=("requested", "active")
        ).exclude(account_id=actor.account_id)
        row = await wanted.first()
        if row is not None and _is_own(row):
            raise NotYours
        asked = row is not None and row.state == "requested"
        if not await wanted.update(state="active", scope=scope, expires_at=ends_at):
            raise NotFound
        await consents.write(actor, patient_id, "carer", granted=True)
        await audit.record(actor, "carer.consented", entity_id=carer_id, patient_ids=[patient_id])
        row = await Carer.get(id=carer_id)
        if asked:
            await _tell(row, [row.account_id], "carer_allowed")
        await receipt.keep(200, row)
    return row


async def _tell(row: Carer, account_ids: list[UUID], kind: str) -> None:
    """Leave a notice about a carer, inside the transaction of what happened."""
    await notices.leave(
        row.consortium_id, account_ids, kind, patient_id=row.patient_id, subject_id=row.id
    )


def _is_own(row: Carer) -> bool:
    """Whether it is the account of the patient themself, who can't be shown out."""
    return row.relation == "self" and row.state == "active" and row.scope == "manage"


async def end(actor: Actor, row: Carer) -> None:
    """End a carer's right, inside the caller's transaction. Raises NotYours."""
    if row.account_id != actor.account_id and _is_own(row):
        raise NotYours
    await Carer.filter(id=row.id).update(
        state="revoked", ended_at=clock.now(), ended_by=actor.account_id, is_default=False
    )
    await consents.write(actor, row.patient_id, "carer", granted=False)
    await audit.record(actor, "carer.revoked", entity_id=row.id, patient_ids=[row.patient_id])
    if row.account_id != actor.account_id:
        kind = "carer_ended" if row.state == "active" else "carer_refused"
        await _tell(row, [row.account_id], kind)
    elif row.state == "active":
        await _tell(row, await managers(row.patient_id, but=actor.account_id), "carer_left")
    log.info("carer.revoked", carer_id=str(row.id))
