"""结束: closed with an outcome; opened again within 48 hours."""

from datetime import timedelta
from uuid import UUID

import structlog
from tortoise.expressions import Subquery

from backend import audit, clock, db
from backend.chat import duty_policy, duty_wording, events, handing_over, policy
from backend.chat.desk import find, is_mine, must_see
from backend.chat.duty_errors import CallUndone, ClaimedByOther, ReadFirst
from backend.chat.duty_models import CallTask, HandOver
from backend.chat.duty_wording import NEEDLESS, OUTCOMES
from backend.chat.errors import ConversationOver, NotNow
from backend.chat.locking import change, lock
from backend.chat.models import Conversation
from backend.chat.taking import check_reason
from backend.chat.telling import tell
from backend.errors import Malformed, NotFound
from backend.hub import Hub
from backend.identity.access import Actor

log = structlog.get_logger()

UNANSWERED = timedelta(days=3)  # an answer after which the resident said nothing more
CLOSED_MOST = 100  # in one go


async def close(
    actor: Actor, hub: Hub, conversation_id: UUID, *, outcome: str, needless: bool = False
) -> None:
    """End it, by whoever has it; what nobody has, by whoever oversees there.

    `outcome`: a code of `duty_wording.OUTCOMES`. `needless`: no doctor had been needed.

    Raises:
        NotFound; NotNow; ClaimedByOther. Malformed.
        CallUndone: the call list comes first. ReadFirst: something was written meanwhile.
    """
    if outcome not in OUTCOMES:
        raise Malformed("请选择处理结果。", field="outcome")
    await find(actor, conversation_id)
    async with db.transaction():
        row = await lock(conversation_id)
        may = must_see(actor, row)
        if row.state not in (*policy.QUEUED, policy.OPEN):
            raise NotNow(state=row.state)
        if not (is_mine(actor, row) or may.oversee):
            raise ClaimedByOther if row.state == policy.OPEN else NotNow(state=row.state)
        if is_mine(actor, row) and row.staff_unread:
            raise ReadFirst
        undone = await CallTask.filter(conversation_id=row.id, done_at=None).first()
        if undone is not None:
            raise CallUndone(call_id=undone.id)
        await _end(actor, row, outcome, needless=needless or outcome == NEEDLESS)
        await audit.record(
            actor, "chat.closed", entity_id=row.id, patient_ids=[row.patient_id], outcome=outcome
        )
    await tell(hub, row)
    log.info("conversation.closed", conversation_id=str(conversation_id), outcome=outcome)


async def _end(actor: Actor, row: Conversation, outcome: str, *, needless: bool) -> None:
    before = row.state
    await handing_over.say(row, duty_wording.CLOSED.format(outcome=OUTCOMES[outcome]))
    await change(
        row, state=policy.CLOSED, closed_at=clock.now(), closed_by=actor.id, outcome=outcome,
        due_at=None, staff_unread=0,
    )  # fmt: skip
    living = HandOver.filter(conversation_id=row.id, ended_at=None)
    await living.update(ended_at=clock.now(), outcome=outcome, needless=needless)
    await events.note(actor, row, "close", before=before, outcome=outcome)


async def reopen(actor: Actor, hub: Hub, conversation_id: UUID, *, reason: str) -> None:
    """Into the line again, within 48 hours, by who may answer or oversee it.

    Raises NotFound, NotNow (it is not over), ConversationOver (for too long), Malformed.
    """
    said = check_reason(reason)
    await find(actor, conversation_id)
    async with db.transaction():
        row = await lock(conversation_id)
        may = must_see(actor, row)
        if not (may.answer or may.oversee):
            raise NotFound
        if row.state not in policy.OVER:
            raise NotNow(state=row.state)
        if not policy.may_reopen(row.state, row.closed_at, clock.now()):
            raise ConversationOver(state=row.state)
        await again(actor, row, reason=said)
        await audit.record(actor, "chat.reopened", entity_id=row.id, patient_ids=[row.patient_id])
    await tell(hub, row)


async def again(actor: Actor, row: Conversation, *, reason: str = "") -> None:
    """Open what is over, in the caller's transaction: to whoever is asked first by now."""
    # An emergency that was seen to is none any more, until the bot hears of another one.
    priority = duty_policy.less_than_emergency(row.priority)
    await change(
        row, closed_at=None, closed_by=None, outcome="", reopened=row.reopened + 1,
        priority=priority,
    )  # fmt: skip
    await handing_over.hand_over(actor, row, handing_over.REOPENED, None)
    if reason:
        await events.note(actor, row, "reopen_reason", before=row.state, reason=reason)


async def close_unanswered(consortium_id: UUID) -> int:
    """End what was answered three days ago and nobody has written in since. Returns how many."""
    idle = Conversation.filter(
        consortium_id=consortium_id,
        state=policy.OPEN,
        due_at=None,
        last_at__lt=clock.now() - UNANSWERED,
    ).exclude(id__in=Subquery(CallTask.filter(done_at=None).values("conversation_id")))
    ids = await idle.order_by("last_at", "id").limit(CLOSED_MOST).values_list("id", flat=True)
    done = 0
    for conversation_id in ids:
        async with db.transaction():
            row = await lock(UUID(str(conversation_id)))
            over = row.last_at < clock.now() - UNANSWERED
            if row.state == policy.OPEN and row.due_at is None and over:
                await _end(Actor.system(consortium_id), row, "answered", needless=False)
                done += 1
    return done
