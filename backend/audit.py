"""Who did what, when, to whose record. Append-only, explicit, in the same transaction as the deed.

Feeds one feature: patients read who read their record (`privacy/`). `patient_id` is set whenever a
patient's record was read or changed.
"""

from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from backend import clock
from backend.ids import new_id
from backend.logs import request_id


class AuditEvent(Model):
    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    at = fields.DatetimeField()
    actor_kind = fields.CharField(max_length=16)
    actor_id = fields.UUIDField(null=True)
    action = fields.CharField(max_length=48)
    entity_id = fields.UUIDField(null=True)
    patient_id = fields.UUIDField(null=True)
    request_id = fields.CharField(max_length=32, null=True)
    detail: Any = fields.JSONField(default=dict)

    class Meta:
        table = "audit_event"
        indexes = (("patient_id", "at"),)


class Doer(Protocol):
    """Whoever acts: `identity.access.Actor`, which stands above this file."""

    @property
    def consortium_id(self) -> UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> UUID | None: ...


async def record(
    actor: Doer,
    action: str,
    *,
    entity_id: UUID | None = None,
    patient_ids: Iterable[UUID | None] = (None,),
    **detail: Any,
) -> None:
    """One row per patient concerned. `detail` holds ids and codes, never health data."""
    await AuditEvent.bulk_create(
        AuditEvent(
            id=new_id(),
            consortium_id=actor.consortium_id,
            at=clock.now(),
            actor_kind=actor.kind,
            actor_id=actor.id,
            action=action,
            entity_id=entity_id,
            patient_id=patient_id,
            request_id=request_id.get() or None,
            detail=detail,
        )
        for patient_id in patient_ids
    )
