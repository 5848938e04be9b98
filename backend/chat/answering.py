"""The doctor's half of the talk: answers, by whoever has claimed it and by nobody else."""

from uuid import UUID

import structlog

from backend import audit, clock, db
from backend.chat import live, marks, messages, policy
from backend.chat.desk import find, is_mine, must_see
from backend.chat.duty_errors import ClaimedByOther
from backend.chat.duty_models import HandOver
from backend.chat.errors import NotNow
from backend.chat.locking import change, lock
from backend.chat.messages import DOCTOR, Author, Draft, SentBefore, Shown
from backend.chat.models import TEXT_MOST, Conversation
from backend.chat.telling import tell
from backend.errors import Malformed
from backend.hub import Hub
from backend.identity.access import Actor

log = structlog.get_logger()

KINDS = ("text", "image", "voice")


async def reply(actor: Actor, hub: Hub, conversation_id: UUID, draft: Draft) -> tuple[Shown, bool]:
    """Answer. Returns the message, and whether this call has stored it; `client_id` is its key.

    Raises:
        NotFound; NotNow: the actor has not claimed it; ClaimedByOther.
        ClientIdReused, Malformed.
    """
    _check(draft)
    await find(actor, conversation_id)
    author = Author(DOCTOR, actor.id)
    try:
        async with db.transaction():
            row = await lock(conversation_id)
            must_have(actor, row)
            message = await messages.append(row, author, draft)
            await answered(actor, row)
            await audit.record(
                actor, "chat.answered", entity_id=row.id, patient_ids=[row.patient_id],
                seq=message.seq,
            )  # fmt: skip
    except SentBefore as before:
        return (await messages.shown([before.message], author))[0], False
    await tell(hub, row)
    log.info("message.sent", conversation_id=str(conversation_id), seq=message.seq)
    return (await messages.shown([message], author))[0], True


def must_have(actor: Actor, row: Conversation) -> None:
    """Raises NotFound, ClaimedByOther, NotNow."""
    must_see(actor, row)
    if row.state == policy.OPEN and row.claimed_by != actor.id:
        raise ClaimedByOther
    if row.state != policy.OPEN or not is_mine(actor, row):
        raise NotNow(state=row.state)


async def answered(actor: Actor, row: Conversation) -> None:
    """Nothing is awaited of the doctor until the resident writes again, or of what the resident has
    written meanwhile, which the doctor had not read yet."""
    if not row.staff_unread:
        await change(row, due_at=None)
    first = HandOver.filter(conversation_id=row.id, ended_at=None, answered_at=None)
    await first.update(answered_at=clock.now(), answered_by=actor.id)


def _check(draft: Draft) -> None:
    if draft.kind not in KINDS:
        raise Malformed("只能发文字、图片或语音。", field="kind")
    if draft.kind == "text" and not draft.body.strip():
        raise Malformed("请先写内容再发送。", field="body")
    if len(draft.body) > TEXT_MOST:
        raise Malformed(f"一条消息不超过 {TEXT_MOST} 个字。", field="body")


async def typing(actor: Actor, hub: Hub, conversation_id: UUID) -> None:
    """Whoever has claimed it is writing. Raises NotFound."""
    row, _ = await find(actor, conversation_id)
    if row.state == policy.OPEN and is_mine(actor, row):
        await live.typing(hub, conversation_id, DOCTOR)


async def mark(actor: Actor, hub: Hub, conversation_id: UUID, what: str, seq: int) -> None:
    """Whoever has claimed it has got (`delivered`) or read all up to `seq`; what others look at
    stays unread for who must answer. Raises NotFound."""
    row, _ = await find(actor, conversation_id)
    if not is_mine(actor, row):
        return
    if await marks.mark(conversation_id, "staff", what, seq):
        await tell(hub, row)
