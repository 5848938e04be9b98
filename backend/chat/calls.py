"""电话名单: priority I is called, besides 120 on the resident's own screen; until somebody has."""

from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from tortoise.expressions import F, Q
from tortoise.queryset import QuerySet

from backend import audit, clock, db
from backend.chat import events
from backend.chat.desk import find
from backend.chat.duty_errors import CallDone
from backend.chat.duty_models import CallTask
from backend.chat.duty_wording import CALL_AGAIN, CALL_OUTCOMES
from backend.chat.lists import places
from backend.chat.locking import lock
from backend.crypto import Vault
from backend.errors import Malformed, NotFound
from backend.hub import Hub
from backend.identity import phones
from backend.identity.access import Actor, note_read
from backend.identity.documents import mask_name
from backend.identity.phones import Number

log = structlog.get_logger()

LISTED_MOST = 200
NOTE_MOST = 200


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to call; the name is masked. `outcome`: of the last try."""

    id: UUID
    conversation_id: UUID
    patient_name: str
    organization_id: UUID | None
    created_at: datetime
    due_at: datetime
    tries: int
    outcome: str

    @property
    def overdue(self) -> bool:
        return self.due_at <= clock.now()


async def worklist(actor: Actor) -> list[Call]:
    """Who must be called, the first due first. Raises NotFound."""
    rows = _undone(actor)
    found = await rows.select_related("patient").order_by("due_at", "id").limit(LISTED_MOST)
    async with db.transaction():
        await note_read(actor, "chat.calls_listed", {row.patient_id for row in found} - {None})
    return [
        Call(
            id=row.id,
            conversation_id=row.conversation_id,
            patient_name=mask_name(row.patient.name) if row.patient else "",
            organization_id=row.organization_id,
            created_at=row.created_at,
            due_at=row.due_at,
            tries=row.tries,
            outcome=row.outcome,
        )
        for row in found
    ]


async def count(actor: Actor) -> int:
    """How many must be called: read of nobody's record. Raises NotFound."""
    return await _undone(actor).count()


def _undone(actor: Actor) -> QuerySet[CallTask]:
    """Raises NotFound."""
    within = places(actor)
    rows = CallTask.filter(consortium_id=actor.consortium_id, done_at=None)
    if within is None:
        return rows
    return rows.filter(
        Q(organization_id__in=list(within)) | Q(conversation__home_id__in=list(within))
    )


async def reveal(actor: Actor, vault: Vault, call_id: UUID) -> list[Number]:
    """The phones of the resident and whoever cares for them; audited. Raises NotFound."""
    call = await _call(actor, call_id)
    async with db.transaction():
        await audit.record(
            actor, "chat.phone_shown", entity_id=call.id, patient_ids=[call.patient_id]
        )
    if call.patient_id is None:
        return await phones.of_account(vault, call.conversation.account_id)
    return (await phones.numbers(vault, [call.patient_id]))[call.patient_id]


async def done(actor: Actor, hub: Hub, call_id: UUID, *, outcome: str, note: str = "") -> None:
    """Write down a call. Nobody answered: it stays on the list.

    Raises NotFound, CallDone, Malformed.
    """
    said = note.strip()
    if outcome not in CALL_OUTCOMES:
        raise Malformed("请选择电话结果。", field="outcome")
    if len(said) > NOTE_MOST:
        raise Malformed(f"备注不超过 {NOTE_MOST} 个字。", field="note")
    call = await _call(actor, call_id)
    now = clock.now()
    async with db.transaction():
        row = await lock(call.conversation_id)
        undone = CallTask.filter(id=call_id, done_at=None)
        if not await undone.update(
            tries=F("tries") + 1, outcome=outcome, called_by=actor.id, called_at=now, note=said,
            done_at=None if outcome in CALL_AGAIN else now,
        ):  # fmt: skip
            raise CallDone
        await events.note(actor, row, "call", before=row.state, outcome=outcome)
        await audit.record(
            actor, "chat.called", entity_id=call.id, patient_ids=[call.patient_id],
            outcome=outcome,
        )  # fmt: skip
    log.info("conversation.called", conversation_id=str(row.id), outcome=outcome)


async def _call(actor: Actor, call_id: UUID) -> CallTask:
    row = (
        await CallTask.filter(id=call_id, consortium_id=actor.consortium_id)
        .select_related("conversation")
        .first()
    )
    if row is None:
        raise NotFound
    await find(actor, row.conversation_id)
    return row
