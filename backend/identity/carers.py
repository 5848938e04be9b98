"""代办家属: list, consent, revoke. Either side can end it at any time."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from backend import audit, clock, db, notices
from backend.errors import Malformed, NotFound
from backend.identity import consents
from backend.identity.access import (
    Actor,
    care_of,
    in_force,
    is_living,
    living,
    lock_patients,
    managers,
)
from backend.identity.documents import mask_name
from backend.identity.errors import NotYours, SelfAlreadyAdded
from backend.identity.models import Carer
from backend.identity.patients import CARERS_MOST, check_room, has_own_account
from backend.receipts import Receipt

log = structlog.get_logger()

SECOND_SELF = "这位就诊人已经有“本人”的账号了。请只同意查看或预约，或者先改正您和就诊人的关系。"
LONGEST_CARE = timedelta(days=3650)


def checked_end(expires_at: datetime | None) -> datetime | None:
    """When a carer's right ends, UTC. Raises Malformed: not within the next ten years."""
    if expires_at is None:
        return None
    now = clock.now()
    if not now < expires_at < now + LONGEST_CARE:
        raise Malformed("到期时间应在今后十年之内。", field="expires_at")
    return expires_at.astimezone(UTC)


async def list_of(actor: Actor, patient_id: UUID) -> list[tuple[Carer, str | None]]:
    """Who cares for the patient or asks to, the eldest first, and what those who ask are called.

    Raises NotFound.
    """
    await care_of(actor, patient_id, "manage")
    rows = (
        await Carer.filter(living(), patient_id=patient_id)
        .order_by("created_at", "id")
        .limit(CARERS_MOST)
    )
    names = await names_of([row.account_id for row in rows if row.state == "requested"])
    async with db.transaction():
        await audit.record(actor, "carer.listed", patient_ids=[patient_id])
    return [(row, names.get(row.account_id)) for row in rows]


async def names_of(account_ids: Collection[UUID]) -> dict[UUID, str]:
    """The masked names of those accounts that have given a real name of their own.

    Only for whom they ask or invite; the caller leaves the audit row.
    """
    if not account_ids:
        return {}
    themselves = Carer.filter(in_force(), account_id__in=list(account_ids), relation="self")
    rows = await themselves.select_related("patient")
    return {row.account_id: mask_name(row.patient.name) for row in rows}


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
        NotFound; NotYours: the patient's own account is not for others to cut;
        SelfAlreadyAdded: somebody who says to be the patient, who has an account already;
        TooManyCarers: one whose time was over, after others have come.
    """
    ends_at = checked_end(expires_at)
    async with db.transaction():
        await lock_patients([patient_id])
        await care_of(actor, patient_id, "manage")
        wanted = Carer.filter(
            id=carer_id, patient_id=patient_id, state__in=("requested", "active")
        ).exclude(account_id=actor.account_id)
        row = await wanted.first()
        if row is not None and _is_own(row):
            raise NotYours
        if row is not None and row.relation == "self" and scope == "manage":
            if await has_own_account(patient_id, but=row.id):
                raise SelfAlreadyAdded(SECOND_SELF, field="scope")
        if row is not None and not is_living(row):
            await check_room(patient_id)
        asked = row is not None and row.state == "requested"
        if not await wanted.update(state="active", scope=scope, expires_at=ends_at):
            raise NotFound
        await consents.write(actor, patient_id, "carer", granted=True)
        await audit.record(actor, "carer.consented", entity_id=carer_id, patient_ids=[patient_id])
        row = await Carer.get(id=carer_id)
        if asked:
            await tell(row, [row.account_id], "carer_allowed")
        await receipt.keep(200, row)
    return row


async def tell(row: Carer, account_ids: list[UUID], kind: str) -> None:
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
        await tell(row, [row.account_id], kind)
    elif row.state == "active":
        await tell(row, await managers(row.patient_id, but=actor.account_id), "carer_left")
    log.info("carer.revoked", carer_id=str(row.id))
