"""Invitations: a carer lets another account in by a one-time code, or takes the code back."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from tortoise.queryset import QuerySet

from backend import audit, clock, db
from backend.errors import NotFound
from backend.identity import consents, documents
from backend.identity.access import (
    Actor,
    care_of,
    in_force,
    is_in_force,
    is_living,
    living,
    lock,
    lock_patients,
    managers,
)
from backend.identity.carers import checked_end, names_of, tell
from backend.identity.errors import AlreadyAdded, InvitationWrong, TooManyPatients
from backend.identity.models import Carer, CarerInvitation
from backend.identity.patients import check_room, check_self
from backend.identity.sessions import token_hash
from backend.receipts import Receipt

log = structlog.get_logger()

CODE_BYTES = 16
LISTED_MOST = 50
LASTS = timedelta(hours=48)
SWEEP_MOST = 5000  # rows a tick


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invitation offers, to whoever holds its code. Both names are masked.

    `inviter` is None where the account has not given a real name of its own; `inviter_relation` is
    what its owner is to the patient.
    """

    patient: str
    inviter: str | None
    inviter_relation: str
    scope: str
    care_expires_at: datetime | None
    expires_at: datetime


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
            expires_at=now + LASTS,
        )
        await consents.write(actor, patient_id, "carer", granted=True)
        await audit.record(
            actor, "carer.invited", entity_id=invitation.id, patient_ids=[patient_id]
        )
        await receipt.keep(201, (code, invitation))
    return code, invitation


async def list_of(actor: Actor, patient_id: UUID) -> list[CarerInvitation]:
    """Invitations that still let somebody in, the latest first. Raises NotFound."""
    await care_of(actor, patient_id, "manage")
    may_invite = Carer.filter(in_force(), patient_id=patient_id, scope="manage")
    givers: Any = await may_invite.values_list("account_id", flat=True)
    rows = (
        await _unused()
        .filter(patient_id=patient_id, invited_by__in=givers)
        .order_by("-created_at", "id")
        .limit(LISTED_MOST)
    )
    async with db.transaction():
        await audit.record(actor, "carer.invitations_listed", patient_ids=[patient_id])
    return rows


async def withdraw(actor: Actor, patient_id: UUID, invitation_id: UUID) -> None:
    """Take back an invitation that nobody has used. Whoever manages may, not its giver alone.

    Raises:
        NotFound: also when it has just been used, or its time is over.
    """
    await care_of(actor, patient_id, "manage")
    async with db.transaction():
        # Its row goes, guarded: of this and a use of the code at the same moment one happens.
        if not await _unused().filter(id=invitation_id, patient_id=patient_id).delete():
            raise NotFound
        await consents.write(actor, patient_id, "carer", granted=False)
        await audit.record(
            actor, "carer.uninvited", entity_id=invitation_id, patient_ids=[patient_id]
        )
    log.info("carer.uninvited", invitation_id=str(invitation_id))


async def sweep() -> int:
    """Forget invitations that nobody used in time; a limited number a call. Returns how many.

    Used ones stay: they say who let whom in.
    """
    over = CarerInvitation.filter(used_at=None, expires_at__lte=clock.now())
    ids: list[UUID] = await over.limit(SWEEP_MOST).values_list("id", flat=True)  # type: ignore[assignment]
    return await over.filter(id__in=ids).delete()


async def open_code(actor: Actor, code: str) -> Offer:
    """Who invites, and for whom, before it is accepted; the code stays as good as it was.

    Raises:
        InvitationWrong.
    """
    invitation = await _of_code(actor, code).select_related("patient").first()
    if invitation is None:
        raise InvitationWrong(field="code")
    inviter = await _inviter(invitation)
    names = await names_of([inviter.account_id])
    async with db.transaction():
        await audit.record(
            actor,
            "carer.invitation_opened",
            entity_id=invitation.id,
            patient_ids=[invitation.patient_id],
        )
    return Offer(
        patient=documents.mask_name(invitation.patient.name),
        inviter=names.get(inviter.account_id),
        inviter_relation=inviter.relation,
        scope=invitation.scope,
        care_expires_at=invitation.care_expires_at,
        expires_at=invitation.expires_at,
    )


async def accept(actor: Actor, code: str, *, relation: str, most: int, receipt: Receipt) -> Carer:
    """Use an invitation. `most` is the policy's number of patients per account.

    Raises:
        ConsentWithdrawn, InvitationWrong, AlreadyAdded, SelfAlreadyAdded, TooManyPatients,
        TooManyCarers.
    """
    async with db.transaction():
        await lock(actor)
        await consents.check(actor)
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
        await tell(carer, hosts, "carer_joined")
        await receipt.keep(201, carer)
    log.info("carer.accepted", carer_id=str(carer.id))
    return carer


def _unused() -> QuerySet[CarerInvitation]:
    return CarerInvitation.filter(used_at=None, expires_at__gt=clock.now())


def _of_code(actor: Actor, code: str) -> QuerySet[CarerInvitation]:
    return _unused().filter(consortium_id=actor.consortium_id, code_hash=token_hash(code))


async def _inviter(invitation: CarerInvitation) -> Carer:
    """The giver, who must still manage. Raises InvitationWrong."""
    row = await Carer.filter(
        in_force(),
        patient_id=invitation.patient_id,
        account_id=invitation.invited_by,
        scope="manage",
    ).first()
    if row is None:
        raise InvitationWrong(field="code")
    return row


async def _take(actor: Actor, code: str) -> CarerInvitation:
    """Patient before invitation, in the order in which an account is erased: the other way round
    PostgreSQL let both wait a second, and refused one."""
    invitation = await _of_code(actor, code).first()
    if invitation is None:
        raise InvitationWrong(field="code")
    await lock_patients([invitation.patient_id])
    # The guarded UPDATE decides who of several uses it.
    if not await _of_code(actor, code).update(used_at=clock.now()):
        raise InvitationWrong(field="code")
    await _inviter(invitation)
    return invitation


async def _let_in(actor: Actor, invitation: CarerInvitation, relation: str) -> Carer:
    row = await Carer.get_or_none(
        patient_id=invitation.patient_id, account_id=actor.account_id
    ).select_related("patient")
    if row is not None and is_in_force(row):
        raise AlreadyAdded(patient_id=invitation.patient_id)
    if row is None or not is_living(row):  # whoever asks already has their place
        await check_room(invitation.patient_id)
    first = not await Carer.filter(account_id=actor.account_id, is_default=True).exists()
    facts: dict[str, Any] = {
        "relation": relation,
        "scope": invitation.scope,
        "state": "active",
        "is_default": first and invitation.scope != "view",
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
