"""消息: what an account is told in its inbox. A row says which kind, and about what; no words.

Left in the transaction of what it tells of, or found by a scan (`inbox/scanning.py`) where that
may not pay for it. The words are made when somebody reads (`inbox/wording.py`), by the rights they
have then, so nothing private is stored here.
"""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from backend import clock, db
from backend.ids import new_id

KEPT = timedelta(days=180)
SWEEP_MOST = 5000  # rows a tick
TOLD_MOST = 50  # accounts of one happening


class Notice(Model):
    """消息 about `subject_id`. `event_id`: the appointment event that it tells of."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    account_id = fields.UUIDField()
    kind = fields.CharField(max_length=24)
    patient_id = fields.UUIDField(null=True)
    subject_id = fields.UUIDField(null=True)
    event_id = fields.UUIDField(null=True)
    at = fields.DatetimeField()
    read_at = fields.DatetimeField(null=True)

    class Meta:
        table = "notice"
        unique_together = (("event_id", "account_id"),)
        indexes = (("account_id", "at", "id"), ("at",))


async def leave(
    consortium_id: UUID,
    account_ids: Iterable[UUID],
    kind: str,
    *,
    patient_id: UUID | None = None,
    subject_id: UUID | None = None,
) -> None:
    """Tell accounts, inside the transaction of what they are told."""
    accounts = list(account_ids)[:TOLD_MOST]
    await leave_each(consortium_id, kind, ((one, patient_id, subject_id) for one in accounts))


async def leave_each(
    consortium_id: UUID, kind: str, told: Iterable[tuple[UUID, UUID | None, UUID | None]]
) -> None:
    """The same for many: (account, patient, subject) each."""
    now = clock.now()
    await Notice.bulk_create(
        Notice(
            id=new_id(),
            consortium_id=consortium_id,
            account_id=account_id,
            kind=kind,
            patient_id=patient_id,
            subject_id=subject_id,
            at=now,
        )
        for account_id, patient_id, subject_id in told
    )


async def sweep() -> int:
    """Forget notices older than 180 days; a limited number a call. Returns how many."""
    rows = await db.fetch(
        "SELECT id FROM notice WHERE at < $1 ORDER BY at LIMIT $2", clock.now() - KEPT, SWEEP_MOST
    )
    return await Notice.filter(id__in=[row["id"] for row in rows]).delete()
